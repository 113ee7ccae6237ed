package list

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgconn/orgconn/batch/journal"
)

func TestListsFromEverydayPrograms(t *testing.T) {
	tests := []struct {
		file    string
		carried []string
		want    []string
	}{
		{"european-excel.csv", []string{"Kunde"}, []string{
			"2 " + acme + " " + okta + ` ["Müller & Söhne"]`,
			"3 " + globex + " " + saml + ` ["Globex; Köln"]`,
		}},
		{"excel-utf8.csv", []string{"customer"}, []string{
			"2 " + acme + " " + okta + ` ["Müller, Söhne"]`,
			"3 " + globex + " " + saml + ` [""]`,
		}},
		{"sep-line-bom.csv", nil, []string{"3 " + acme + " " + okta, "4 " + globex + " " + saml}},
		{"psql-quoted.csv", []string{"name"}, []string{
			"2 " + acme + " " + okta + ` ["Acme \"the\" Co"]`,
			"3 " + globex + " " + saml + ` [""]`,
		}},
		{"sep-line.csv", nil, []string{"3 " + acme + " " + okta, "4 " + globex + " " + saml}},
		{"utf16le-tabs.csv", []string{"customer"}, []string{
			"2 " + acme + " " + okta + ` ["Zażółć"]`,
			"3 " + globex + " " + saml + ` [""]`,
		}},
		{"utf16be-tabs.csv", []string{"customer"}, []string{
			"2 " + acme + " " + okta + ` ["株式会社"]`,
			"3 " + globex + " " + saml + ` [""]`,
		}},
		{"google-sheets.csv", []string{"customer"}, []string{
			"2 " + acme + " " + okta + ` ["Acme, Inc."]`,
			"3 " + globex + " " + saml + ` ["Globex"]`,
		}},
		{"psql-copy.csv", []string{"cancelled_at"}, []string{
			"2 " + acme + " " + okta + ` ["2026-01-31 10:00:00+00"]`,
			"3 " + globex + " " + saml + ` [""]`,
		}},
		{"by-hand.csv", []string{"remark"}, []string{
			"4 " + acme + " " + okta + ` ["left, March"]`,
			"5 " + acme + " " + saml + ` [""]`,
			"8 " + globex + " " + okta + ` [""]`,
		}},
		{"quoted-newlines.csv", []string{"why\nand when"}, []string{
			"3 " + acme + " " + okta + ` ["asked\nby mail"]`,
			"6 " + globex + " " + saml + ` ["asked\nby phone"]`,
			"8 " + globex + " " + okta + ` [""]`,
		}},
		{"blank-rows.csv", []string{"note"}, []string{
			"5 " + acme + " " + okta + ` [""]`,
			"9 " + globex + " " + saml + ` ["x"]`,
		}},
		{"carried-columns.csv", []string{"Customer Name", "input_input_message", "organization", "input_Attempts",
			"input_message", "org_name", "input_outcome"}, []string{
			"2 " + acme + " " + okta + ` ["Acme" "hello" "x" "7" "y" "acme" "open"]`,
			"3 " + globex + " " + saml + ` ["Globex" "" "" "" "" "" ""]`,
		}},
		{"aliases.csv", []string{"note"}, []string{
			"2 " + acme + " " + okta + ` ["a"]`,
			"3 " + globex + " " + saml + ` ["b"]`,
		}},
		{"header-only.csv", nil, nil},
		{"end-mark.csv", []string{"note"}, []string{
			"2 " + acme + " " + okta + ` ["a\x1ab"]`,
			"3 " + globex + " " + saml + ` [""]`,
		}},
		{"end-mark-utf16.csv", nil, []string{"2 " + acme + " " + okta}},
		{"empty-extra-cells.csv", nil, []string{"2 " + acme + " " + okta, "3 " + globex + " " + saml}},
		{"duplicates.csv", nil, []string{
			"2 " + globex + " " + saml,
			"3 " + acme + " " + okta,
			"4 " + globex + " " + saml + " duplicate: same pair as in line 2",
			"5 " + globex + " " + okta,
			"6 " + acme + " " + okta + " duplicate: same pair as in line 3",
			"7 " + globex + " " + saml + " duplicate: same pair as in line 2",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			l, err := sample(tt.file, Options{Command: "disable"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.carried, l.Carried()); diff != "" {
				t.Errorf("carried columns (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, show(t, l)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInvalidRows(t *testing.T) {
	const other = " has characters other than letters and digits after "
	reasons := []string{
		"org_id is empty",
		"connection_id is empty",
		"org_id is empty",
		`org_id "Acme" does not start with org_`,
		`org_id "` + okta + `" does not start with org_`,
		`org_id "org_" has nothing after org_`,
		`org_id "org_x/../../clients/abc"` + other + "org_",
		`connection_id "con_%2e%2e"` + other + "con_",
		`connection_id "con_Okta 00000000001"` + other + "con_",
		`org_id "org_Acme\t00000000001"` + other + "org_",
		`connection_id "con_\x1b[31mred"` + other + "con_",
		`org_id "org_Acme00000000000é"` + other + "org_",
		`org_id "org_` + strings.Repeat("a", 47) + `" does not have 16 letters and digits after org_`,
		`connection_id "con_` + strings.Repeat("b", 56) + `"… does not have 16 letters and digits after con_`,
		`connection_id "CON_Okta000000000001" does not start with con_`,
		`org_id "=HYPERLINK(1)" does not start with org_`,
		"the row has more cells than the header",
		"connection_id is empty",
	}
	l, err := sample("invalid-rows.csv", Options{Command: "disable"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for rec := range l.Records() {
		if rec.Outcome == journal.Invalid {
			got = append(got, fmt.Sprint(rec.Line, " ", rec.Message))
		}
	}
	var want []string
	var problems []Problem
	for i, reason := range reasons {
		want = append(want, fmt.Sprint(i+3, " ", reason))
		problems = append(problems, Problem{i + 3, reason})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(problems[:10], l.Problems()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if want := (Counts{Rows: 20, Organizations: 2, Pairs: 2, Invalid: 18}); l.Counts() != want {
		t.Errorf("counts %+v, want %+v", l.Counts(), want)
	}
}

func TestUnusableFilesAreRefused(t *testing.T) {
	const (
		saveAs   = `save it as "CSV UTF-8"`
		header   = "the first line has the names of the columns: org_id,connection_id"
		empty    = "a list begins with the line org_id,connection_id"
		quotes   = `double a quote inside a cell, and put the cell in quotes: "5"" nail"`
		oneRun   = "use the results of one run at a time"
		whichRun = "give restore the run directory or the results.csv of a disable or an enable"
	)
	tests := []struct{ command, file, message, hint string }{
		{"disable", "missing-column.csv", `:1: the header "org_id,customer" has no column connection_id (nor conn_id, connection, con_id, connection_name)`, header},
		{"disable", "no-header.csv", `:1: the header "org_acme000000000001,con_okta000000000001" has no column org_id (nor organization_id, organization, org, org_name)`, header},
		{"disable", "doubled-column.csv", `:1: the column "org_id" appears twice`, "remove or rename one of them"},
		{"disable", "doubled-carried.csv", `:1: the column "note" appears twice`, "remove or rename one of them"},
		{"disable", "doubled-as-written.csv", `:1: the column "=a" appears twice`, "remove or rename one of them"},
		{"disable", "two-aliases.csv", ":1: the columns org and organization both mean org_id", "rename the right one to org_id"},
		{"disable", "empty.csv", ": the file is empty", empty},
		{"disable", "blank.csv", ": the file is empty", empty},
		{"disable", "broken-quote.csv", ":4: broken quote", quotes},
		{"disable", "open-quote.csv", ":3: broken quote in the row from here to line 5", quotes},
		{"disable", "latin-1.csv", ":3: not UTF-8", saveAs},
		{"disable", "utf16-no-bom.csv", ":1: a zero byte: the file is UTF-16 without a byte order mark, or not text", saveAs},
		{"disable", "carriage-returns.csv", ":1: the lines end with a carriage return only", saveAs},
		{"disable", "sep-unknown.csv", `:1: unknown separator "|"`, "use comma, semicolon or tab"},
		{"disable", "swapped.csv", `:3: no row is usable; the first invalid one: org_id "` + okta + `" does not start with org_`, "the columns org_id and connection_id look swapped"},
		{"disable", "none-usable.csv", `:2: no row is usable; the first invalid one: org_id "acme" does not start with org_`, "if this is a name, call its column org_name: it will be looked up"},
		{"disable", "names-in-id-columns.csv", `:2: no row is usable; the first invalid one: org_id "acme" does not start with org_`, "if these are names, call the columns org_name and connection_name: they will be looked up"},
		{"disable", "names-in-connection-column.csv", `:2: no row is usable; the first invalid one: connection_id "okta-prod" does not start with con_`, "if this is a name, call its column connection_name: it will be looked up"},
		{"disable", "cut-ids.csv", `:2: no row is usable; the first invalid one: connection_id "con_Okta00000000" does not have 16 letters and digits after con_`,
			"see whether the ids were cut; for a server whose ids have other lengths than Auth0's, give --any-id"},
		{"enable", "no-setting.csv", `:2: no row is usable; the first invalid one: show_as_button "WAHR" is neither yes nor no`, "the ids of this row are right; correct the rest of it"},
		{"disable", "numbers.csv", `:2: no row is usable; the first invalid one: org_id "org_%" has characters other than letters and digits after org_`, "ids look like org_AbCdEf1234567890 and con_AbCdEf1234567890"},
		{"disable", "quoted-rows.csv", `:2: no row is usable; the first invalid one: org_id "` + acme + "," + okta + `" has characters other than letters and digits after org_`,
			"the whole row is one quoted cell: remove the quotes around it"},
		{"disable", "quoted-lines.csv", `:1: the header is one quoted cell: "org_id,connection_id"`, "save it without quotes around the lines"},
		{"disable", "comment.csv", `:2: the comment "# list of \"March\", first half" is in place of the header`, "remove the comment: " + header},
		{"disable", "column-number.csv", `:1: the header "#,org_id" has no column connection_id (nor conn_id, connection, con_id, connection_name)`, header},
		{"disable", "pipes.csv", `:1: unknown separator "|"`, "use comma, semicolon or tab"},
		{"disable", "journal.csv", ":1: this is the journal of a run, not a list", "give its run directory to orgconn resume, restore or report"},
		{"restore", "journal.csv", ":1: this is the journal of a run, not a list", "give its run directory to orgconn resume, restore or report"},
		{"disable", "json.csv", ":1: this looks like JSON, not CSV", saveAs},
		{"disable", "html.csv", ":1: this looks like HTML or XML, not CSV", saveAs},
		{"disable", "workbook.csv", ":1: this is an Excel workbook or another zip file, not CSV", saveAs},
		{"disable", "end-mark-only.csv", ": the file is empty", empty},

		{"disable", "results-disable.csv", `:2: these are the results of "disable", which disable does not accept`, resultsHint},
		{"disable", "results-restore-dry-run.csv", `:2: these are the results of "restore --dry-run", which disable does not accept`, "orgconn restore does what this dry run announced"},
		{"restore", "results-dry-run.csv", `:2: these are the results of "disable --dry-run", which restore does not accept`, "orgconn disable does what this dry run announced"},
		{"restore", "results-restore.csv", `:2: these are the results of "restore", which restore does not accept`, "no command undoes a restore: use the list of the run that it undid"},
		{"disable", "results-unknown-outcome.csv", `:3: unknown outcome "done"`, "set it to not_selected to leave the row out"},
		{"disable", "results-two-tenants.csv", `:3: the tenant "globex.eu.auth0.com" differs from "acme.eu.auth0.com" in earlier rows`, oneRun},
		{"disable", "results-two-commands.csv", `:3: the command "disable" differs from "disable --dry-run" in earlier rows`, oneRun},
		{"disable", "results-row-without-tenant.csv", ":3: the row has no command or no tenant", "put them back as they are in the other rows, or delete the row"},
		{"disable", "results-no-tenant.csv", ":1: the results file has no column tenant", "put it back as the run wrote it; orgconn report RUNDIR makes the file anew, without what a reviewer has changed"},
		{"restore", "results-no-settings.csv", ":1: the results file has no column assign_membership_on_login", "put it back as the run wrote it; orgconn report RUNDIR makes the file anew, without what a reviewer has changed"},
		{"restore", "psql-copy.csv", ":1: not a results file: one has the columns outcome, command and tenant", whichRun},
	}
	for _, tt := range tests {
		t.Run(tt.command+" "+tt.file, func(t *testing.T) {
			_, err := sample(tt.file, Options{Command: tt.command})
			var refused *Error
			if !errors.As(err, &refused) {
				t.Fatalf("error %v, want a refusal", err)
			}
			if want := tt.file + tt.message; refused.Error() != want {
				t.Errorf("got  %s\nwant %s", refused, want)
			}
			if refused.Hint != tt.hint {
				t.Errorf("hint %q, want %q", refused.Hint, tt.hint)
			}
		})
	}
}

// The line must be right even where the damage is far beyond the read buffer.
func TestRefusalNamesTheLineFarDown(t *testing.T) {
	good := "org_id,connection_id,note\n" + strings.Repeat(acme+","+okta+",\"über\n\"\n", 5000)
	for _, bad := range []string{"\xfcber\n", "a\x00\n"} {
		_, err := Open(write(t, good+acme+","+okta+","+bad+good), "pairs.csv", Options{Command: "disable"})
		var refused *Error
		if !errors.As(err, &refused) || refused.Line != 10002 {
			t.Errorf("%q: error %v, want one in line 10002", bad, err)
		}
	}
}

// Lines that are skipped before the header still count.
func TestRefusalCountsSkippedLines(t *testing.T) {
	text := "\nsep=;\n;;\norg_id;connection_id;note\n" + acme + ";" + okta + ";\"open\nto the end\n"
	_, err := Open(write(t, text), "pairs.csv", Options{Command: "disable"})
	if want := "pairs.csv:5: broken quote in the row from here to line 6"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// A cell of any length must not fill the memory.
func TestRowThatIsTooLong(t *testing.T) {
	row := func(note int) string { return acme + "," + okta + "," + strings.Repeat("x", note) + "\n" }
	start := "org_id,connection_id,note\n" + row(3) + acme + "," + saml + ",\"two\nlines\"\n"
	longest := maxRecord + len("\n") - len(row(0))
	l := open(t, start+row(longest), Options{Command: "disable"})
	if want := (Counts{Rows: 3, Organizations: 1, Pairs: 2, Duplicates: 1}); l.Counts() != want {
		t.Errorf("a row of 1 MiB: counts %+v, want %+v", l.Counts(), want)
	}
	for name, tt := range map[string]struct {
		text string
		line int
	}{
		"a byte too long": {start + row(longest+1) + row(3), 5},
		"open quote":      {start + acme + "," + okta + ",\"" + strings.Repeat(row(3), maxRecord/len(row(3))), 5},
		"header":          {"org_id,connection_id," + strings.Repeat("x", 2*maxRecord), 1},
		"many cells":      {start + row(3) + strings.Repeat(",", 2*maxRecord), 6},
	} {
		_, err := Open(write(t, tt.text), "pairs.csv", Options{Command: "disable"})
		want := fmt.Sprintf("pairs.csv:%d: the row has more than 1048576 bytes or 65536 cells", tt.line)
		if err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
	l = open(t, "org_id,connection_id\n"+strings.Repeat("\n", 2*maxRecord)+acme+","+okta+"\n", Options{Command: "disable"})
	if l.Counts().Pairs != 1 {
		t.Error("blank lines count as parts of a row")
	}
}

// infinite is a list whose last cell does not end.
type infinite struct{ header, read int }

func (r *infinite) Read(p []byte) (int, error) {
	n := copy(p, "org_id,connection_id\n"[min(r.header, 21):])
	r.header += n
	for i := range p[n:] {
		p[n+i] = 'x'
	}
	r.read += len(p)
	return len(p), nil
}

func TestReadingEndsWithTheLimit(t *testing.T) {
	endless := new(infinite)
	s, err := newScanner(endless, "pairs.csv", Options{Command: "disable"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.next()
	if want := "pairs.csv:2: the row has more than 1048576 bytes or 65536 cells"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if endless.read > maxRecord+128<<10 {
		t.Errorf("%d bytes were read", endless.read)
	}
}

func TestSeparators(t *testing.T) {
	want := []string{"2 " + acme + " " + okta + ` ["x"]`}
	l := open(t, "org_id;connection_id;\"a, b, c, d\"\n"+acme+";"+okta+";x\n", Options{Command: "disable"})
	if diff := cmp.Diff(want, show(t, l)); diff != "" {
		t.Errorf("commas in a quoted name (-want +got):\n%s", diff)
	}
	want = []string{"3 " + acme + " " + okta + ` ["x"]`}
	l = open(t, "\"SEP=;\"\norg_id;connection_id;a, b, c, d\n"+acme+";"+okta+";x\n", Options{Command: "disable"})
	if diff := cmp.Diff(want, show(t, l)); diff != "" {
		t.Errorf("commas in a name after a separator line (-want +got):\n%s", diff)
	}
}

// A row with cells far to the right is not blank.
func TestRowWithCellsPastTheHeaderIsNotBlank(t *testing.T) {
	for row, blank := range map[string]bool{
		strings.Repeat(",", maxExtra):   true,
		acme + "," + saml + ",,":        true, // nothing is lost by empty cells
		strings.Repeat(",", maxExtra+2): false,
		",,,x":                          false,
		strings.Repeat(",", 1000) + "x": false,
	} {
		l := open(t, "org_id,connection_id\n"+acme+","+okta+"\n"+row+"\n", Options{Command: "disable"})
		if got := l.Counts().Invalid == 0; got != blank {
			t.Errorf("%q: blank is %t, want %t", row, got, blank)
		}
	}
}
