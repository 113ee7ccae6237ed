package list

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgconn/orgconn/batch/journal"
)

const (
	acme    = "org_Acme000000000001"
	globex  = "org_Globex0000000001"
	initech = "org_Initech000000001"
	okta    = "con_Okta000000000001"
	saml    = "con_Saml000000000001"
	entra   = "con_Entra00000000001"
)

// sample opens a file of testdata/lists.
func sample(file string, opt Options) (*List, error) {
	return Open(filepath.Join("../../testdata/lists", file), file, opt)
}

// write makes a list of a text.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pairs.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens a list of a text, which must be accepted.
func open(t *testing.T, text string, opt Options) *List {
	t.Helper()
	l, err := Open(write(t, text), "pairs.csv", opt)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// show writes the records in short: line, ids, outcome and message, carried cells.
func show(t *testing.T, l *List) []string {
	t.Helper()
	var shown []string
	for rec, err := range l.Records() {
		if err != nil {
			t.Fatal(err)
		}
		s := fmt.Sprintf("%d %s %s", rec.Line, rec.OrgID, rec.ConnectionID)
		if rec.Outcome != "" {
			s += fmt.Sprintf(" %s: %s", rec.Outcome, rec.Message)
		}
		if len(rec.Carried) > 0 {
			s += fmt.Sprintf(" %q", rec.Carried)
		}
		shown = append(shown, s)
	}
	return shown
}

func TestHabits(t *testing.T) {
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
	const other = " has other characters than letters and digits after "
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
		`org_id "org_` + strings.Repeat("a", 47) + `" is longer than 50 characters`,
		`connection_id "con_` + strings.Repeat("b", 56) + `"… is longer than 50 characters`,
		`connection_id "CON_Okta000000000001" does not start with con_`,
		`org_id "=HYPERLINK(1)" does not start with org_`,
		"there are more cells than in the header",
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

func TestRefused(t *testing.T) {
	const (
		saveAs   = `save it as "CSV UTF-8"`
		header   = "the first line has the names of the columns: org_id,connection_id"
		empty    = "a list begins with the line org_id,connection_id"
		quotes   = `a quote inside a cell is doubled, and its cell quoted: "5"" nail"`
		oneRun   = "take one run's results at a time"
		whichRun = "restore takes the run directory or the results.csv of a disable"
	)
	tests := []struct{ command, file, message, hint string }{
		{"disable", "missing-column.csv", `:1: no column connection_id (nor conn_id, connection, con_id, nor connection_name) in the header "org_id,customer"`, header},
		{"disable", "no-header.csv", `:1: no column org_id (nor organization_id, organization, org, nor org_name) in the header "org_acme000000000001,con_okta000000000001"`, header},
		{"disable", "doubled-column.csv", `:1: the column "org_id" is there twice`, "remove or rename one of them"},
		{"disable", "doubled-carried.csv", `:1: the column "note" is there twice`, "remove or rename one of them"},
		{"disable", "doubled-as-written.csv", `:1: the column "'=a" is there twice`, "remove or rename one of them"},
		{"disable", "two-aliases.csv", ":1: the columns org and organization both stand for org_id", "rename the right one to org_id"},
		{"disable", "empty.csv", ": the file is empty", empty},
		{"disable", "blank.csv", ": the file is empty", empty},
		{"disable", "broken-quote.csv", ":4: broken quote", quotes},
		{"disable", "open-quote.csv", ":3: broken quote in the row from here to line 5", quotes},
		{"disable", "latin-1.csv", ":3: not UTF-8", saveAs},
		{"disable", "utf16-no-bom.csv", ":1: a zero byte: this is UTF-16 without its byte order mark, or no text", saveAs},
		{"disable", "carriage-returns.csv", ":1: the lines end with a carriage return only", saveAs},
		{"disable", "sep-unknown.csv", `:1: the separator "|" is not known`, "use comma, semicolon or tab"},
		{"disable", "swapped.csv", `:3: no row is usable; in this first one, org_id "` + okta + `" does not start with org_`, "the columns org_id and connection_id look swapped"},
		{"disable", "none-usable.csv", `:2: no row is usable; in this first one, org_id "acme" does not start with org_`, "ids look like org_AbCdEf1234567890 and con_AbCdEf1234567890"},

		{"disable", "results-disable.csv", `:2: these are the results of "disable", which disable does not go on from`, resultsHint},
		{"disable", "results-restore-dry-run.csv", `:2: these are the results of "restore --dry-run", which disable does not go on from`, resultsHint},
		{"restore", "results-dry-run.csv", `:2: these are the results of "disable --dry-run", which restore does not go on from`, resultsHint},
		{"restore", "results-restore.csv", `:2: these are the results of "restore", which restore does not go on from`, resultsHint},
		{"disable", "results-unknown-outcome.csv", `:3: the outcome "done" is not known`, "set it to not_selected to leave the row out"},
		{"disable", "results-two-tenants.csv", `:3: the tenant "globex.eu.auth0.com" is another than "acme.eu.auth0.com" above`, oneRun},
		{"disable", "results-two-commands.csv", `:3: the command "disable" is another than "disable --dry-run" above`, oneRun},
		{"disable", "results-row-without-tenant.csv", ":3: there is no command or no tenant", resultsHint},
		{"disable", "results-no-tenant.csv", ":1: a results file without the column tenant", resultsHint},
		{"restore", "results-no-settings.csv", ":1: a results file without the column assign_membership_on_login", resultsHint},
		{"restore", "psql-copy.csv", ":1: not a results file, which has the columns outcome, command and tenant", whichRun},
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

// The line must be right also where the damage is far behind what is read ahead.
func TestRefusedFarDown(t *testing.T) {
	good := "org_id,connection_id,note\n" + strings.Repeat(acme+","+okta+",\"über\n\"\n", 5000)
	for _, bad := range []string{"\xfcber\n", "a\x00\n"} {
		_, err := Open(write(t, good+acme+","+okta+","+bad+good), "pairs.csv", Options{Command: "disable"})
		var refused *Error
		if !errors.As(err, &refused) || refused.Line != 10002 {
			t.Errorf("%q: error %v, want one in line 10002", bad, err)
		}
	}
}

// The skipped lines before the header count, too.
func TestRefusedAfterSepLine(t *testing.T) {
	text := "\nsep=;\n;;\norg_id;connection_id;note\n" + acme + ";" + okta + ";\"open\nto the end\n"
	_, err := Open(write(t, text), "pairs.csv", Options{Command: "disable"})
	if want := "pairs.csv:5: broken quote in the row from here to line 6"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
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

// A row is not blank for having its cells far to the right.
func TestCellsPastTheHeader(t *testing.T) {
	for row, blank := range map[string]bool{
		strings.Repeat(",", maxExtra):   true,
		",,,x":                          false,
		strings.Repeat(",", 1000) + "x": false,
	} {
		l := open(t, "org_id,connection_id\n"+acme+","+okta+"\n"+row+"\n", Options{Command: "disable"})
		if got := l.Counts().Invalid == 0; got != blank {
			t.Errorf("%q: blank is %t, want %t", row, got, blank)
		}
	}
}

func TestDiskErrors(t *testing.T) {
	var refused *Error
	_, err := Open(filepath.Join(t.TempDir(), "none.csv"), "none.csv", Options{Command: "disable"})
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &refused) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err = Open(t.TempDir(), "pairs", Options{Command: "disable"}); err == nil || errors.As(err, &refused) {
		t.Errorf("a directory: %v", err)
	}
}

func TestOrganizations(t *testing.T) {
	l := open(t, "org_id,connection_id\n"+
		globex+","+saml+"\n"+acme+","+okta+"\n"+globex+","+saml+"\n"+globex+","+okta+"\n"+
		"acme,okta\n"+initech+","+okta+"\n"+acme+","+entra+"\n", Options{Command: "disable", Limit: 6})
	want := []Organization{
		{globex, []Row{{2, globex, saml, nil}, {5, globex, okta, nil}}},
		{acme, []Row{{3, acme, okta, nil}}},
		{initech, []Row{{7, initech, okta, nil}}},
	}
	if diff := cmp.Diff(want, slices.Collect(l.Organizations())); diff != "" {
		t.Errorf("organizations (-want +got):\n%s", diff)
	}
	counts := Counts{Rows: 7, Organizations: 3, Pairs: 4, Invalid: 1, Duplicates: 1, BeyondLimit: 1}
	if l.Counts() != counts {
		t.Errorf("counts %+v, want %+v", l.Counts(), counts)
	}
	shown := show(t, l)
	if last, want := shown[len(shown)-1], "8 "+acme+" "+entra+" not_attempted: not among the first 6 rows"; last != want {
		t.Errorf("record beyond the limit %q, want %q", last, want)
	}
}

// Short lists are sorted by another rule, so a long one is needed.
func TestManyRepeatedRows(t *testing.T) {
	var text strings.Builder
	text.WriteString("org_id,connection_id\n")
	first := make(map[string]int)
	var want []string
	for i := range 3000 {
		org, connection := fmt.Sprint("org_", i*i%17), fmt.Sprint("con_", i*i*i%19)
		fmt.Fprintf(&text, "%s,%s\n", org, connection)
		record := fmt.Sprint(i+2, " ", org, " ", connection)
		if line := first[org+connection]; line > 0 {
			record += fmt.Sprint(" duplicate: same pair as in line ", line)
		} else {
			first[org+connection] = i + 2
		}
		want = append(want, record)
	}
	if diff := cmp.Diff(want, show(t, open(t, text.String(), Options{Command: "disable"}))); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// Rows beyond the limit count for the verdict on the file, and for nothing else.
func TestLimitWithInvalidRows(t *testing.T) {
	text := "org_id,connection_id\nacme,okta\n" + acme + "," + okta + "\nglobex,okta\n"
	l := open(t, text, Options{Command: "disable", Limit: 1})
	if want := (Counts{Rows: 3, Invalid: 1, BeyondLimit: 2}); l.Counts() != want {
		t.Errorf("counts %+v, want %+v", l.Counts(), want)
	}
	if len(l.Problems()) != 1 {
		t.Errorf("problems %v, want the one in line 2", l.Problems())
	}
	_, err := Open(write(t, "org_id,connection_id\nacme,okta\n"), "pairs.csv", Options{Command: "disable", Limit: 1})
	if want := `pairs.csv:2: no row is usable; in this first one, org_id "acme" does not start with org_`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestConnections(t *testing.T) {
	l, err := sample("odd-lengths.csv", Options{Command: "disable"})
	if err != nil {
		t.Fatal(err)
	}
	long := "con_" + strings.Repeat("x", 46)
	if diff := cmp.Diff(map[string]int{okta: 2, long: 1, "con_b": 1}, l.Connections()); diff != "" {
		t.Errorf("connections (-want +got):\n%s", diff)
	}
	want := []string{"rows with an id that has not Auth0's 16 characters after its prefix: 3, the first in line 3"}
	if diff := cmp.Diff(want, l.Warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

// What is not needed of a row must not stay in memory: lists may carry columns
// of long texts.
func TestMemoryOfWideRows(t *testing.T) {
	const rows = 500
	wide := strings.Repeat("x", 10_000)
	for _, list := range []struct {
		name, command, header, row string
	}{
		{"ids", "disable", "org_id,connection_id,note", "org_%d,con_1," + wide},
		{"names", "disable", "org_name,connection_id,note", "acme%d,con_1," + wide},
		{"snapshots", "restore", "org_id,connection_id,connection_name,outcome,command,tenant,assign_membership_on_login,show_as_button,is_signup_enabled,note",
			"org_%d,con_1,okta,disabled,disable,acme.eu.auth0.com,yes,yes,no," + wide},
	} {
		t.Run(list.name, func(t *testing.T) {
			var text strings.Builder
			fmt.Fprintln(&text, list.header)
			for i := range rows {
				fmt.Fprintf(&text, list.row+"\n", i)
			}
			path := write(t, text.String())
			var names Names
			before := heap()
			l, err := Open(path, "pairs.csv", Options{Command: list.command, Names: &names})
			if err != nil {
				t.Fatal(err)
			}
			if held := heap() - before; held > 200*rows+20_000 {
				t.Errorf("%d rows hold %d bytes", l.Counts().Pairs+names.Missing(), held)
			}
			runtime.KeepAlive(l)
		})
	}
}

// heap returns the bytes that are in use.
func heap() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
