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

func TestDiskErrorIsNoRefusal(t *testing.T) {
	var refused *Error
	_, err := Open(filepath.Join(t.TempDir(), "none.csv"), "none.csv", Options{Command: "disable"})
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &refused) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err = Open(t.TempDir(), "pairs", Options{Command: "disable"}); err == nil || errors.As(err, &refused) {
		t.Errorf("a directory: %v", err)
	}
}

func TestOrganizationsKeepTheOrderOfTheList(t *testing.T) {
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

// Short slices are sorted by another algorithm, so the list must be long.
func TestDuplicatesInALongList(t *testing.T) {
	var text strings.Builder
	text.WriteString("org_id,connection_id\n")
	first := make(map[string]int)
	var want []string
	for i := range 3000 {
		org, connection := fmt.Sprintf("org_%016d", i*i%17), fmt.Sprintf("con_%016d", i*i*i%19)
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

// A file is not refused for invalid rows within the limit if there is a usable
// one beyond it.
func TestUsableRowBeyondTheLimit(t *testing.T) {
	text := "org_id,connection_id\nacme,okta\n" + acme + "," + okta + "\nglobex,okta\n"
	l := open(t, text, Options{Command: "disable", Limit: 1})
	if want := (Counts{Rows: 3, Invalid: 1, BeyondLimit: 2}); l.Counts() != want {
		t.Errorf("counts %+v, want %+v", l.Counts(), want)
	}
	if len(l.Problems()) != 1 {
		t.Errorf("problems %v, want the one in line 2", l.Problems())
	}
	_, err := Open(write(t, "org_id,connection_id\nacme,okta\n"), "pairs.csv", Options{Command: "disable", Limit: 1})
	if want := `pairs.csv:2: no row is usable; the first invalid one: org_id "acme" does not start with org_`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// An id that lost a part of it is that of nothing, which Auth0 calls disabled.
func TestIDsOfAnotherLength(t *testing.T) {
	l, err := sample("odd-lengths.csv", Options{Command: "disable"})
	if err != nil {
		t.Fatal(err)
	}
	long := "con_" + strings.Repeat("x", 46)
	const reason = " does not have 16 letters and digits after "
	want := []string{
		"2 " + acme + " " + okta,
		"3 org_short " + okta + ` invalid: org_id "org_short"` + reason + "org_",
		"4 " + acme + " " + long + ` invalid: connection_id "` + long + `"` + reason + "con_",
		`5 org_a con_b invalid: org_id "org_a"` + reason + "org_",
		"6 " + acme + " con_Saml0000 invalid: connection_id \"con_Saml0000\"" + reason + "con_",
	}
	if diff := cmp.Diff(want, show(t, l)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	l, err = sample("odd-lengths.csv", Options{Command: "disable", AnyID: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{okta, okta, "con_Saml0000", "con_b", long}, slices.Sorted(l.Connections())); diff != "" {
		t.Errorf("connections with any id (-want +got):\n%s", diff)
	}
}

// Joined files have a header in the middle, of which "org_id" and "con_id" could pass
// for ids.
func TestRowThatRepeatsTheHeader(t *testing.T) {
	for _, tt := range []struct{ header, row, again string }{
		{"org_id,con_id", acme + "," + okta, "org_id,con_id"},
		{"Organization ID;Connection-ID", acme + ";" + okta, "organization id;CONNECTION-ID"},
		{"connection_id,org_id", okta + "," + acme, "con_id,org_id"},
		{"org_name,connection_name", "acme,okta", "org_name,connection_name"},
		{"org_name,connection_id", "acme," + okta, "ORG_NAME,connection_id"},
		{"org_id,org_name,connection_id", acme + ",acme," + okta, "org_id,org_name,connection_id"},
	} {
		var names Names
		l := open(t, tt.header+"\n"+tt.row+"\n"+tt.again+"\n", Options{Command: "disable", AnyID: true, Names: &names})
		want := []Problem{{3, "the row repeats the header"}}
		if diff := cmp.Diff(want, l.Problems()); diff != "" || l.Counts().Rows != 2 {
			t.Errorf("%s: problems (-want +got):\n%s", tt.header, diff)
		}
	}
	l := open(t, "org_name,connection_name\norg,connection\n", Options{Command: "disable", Names: new(Names)})
	if l.Counts().Unidentified != 1 {
		t.Error("an organization named org is taken for a header")
	}
}

func TestListOfTooFewRows(t *testing.T) {
	path := write(t, "org_id,connection_id\n"+acme+","+okta+"\n\n"+acme+","+okta+"\n"+acme+",x\n")
	if _, err := Open(path, "pairs.csv", Options{Command: "disable", MinRows: 3, Limit: 1}); err != nil {
		t.Errorf("3 rows are refused: %v", err)
	}
	_, err := Open(path, "pairs.csv", Options{Command: "disable", MinRows: 4})
	if want := "pairs.csv: 3 rows are fewer than --min-rows 4"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	_, err = Open(write(t, "org_id,connection_id\n"), "pairs.csv", Options{Command: "disable", MinRows: 1})
	if want := "pairs.csv: 0 rows are fewer than --min-rows 1"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// The reports read the records when nobody needs the rows any more.
func TestDropRows(t *testing.T) {
	l, err := sample("odd-lengths.csv", Options{Command: "disable", AnyID: true})
	if err != nil {
		t.Fatal(err)
	}
	records, counts := show(t, l), l.Counts()
	l.DropRows()
	if got := slices.Collect(l.Connections()); len(got) > 0 {
		t.Errorf("rows of %q are kept", got)
	}
	if diff := cmp.Diff(records, show(t, l)); diff != "" || l.Counts() != counts {
		t.Errorf("counts %+v, want %+v; records (-before +after):\n%s", l.Counts(), counts, diff)
	}
}

// Only what is needed of a row may stay in memory: other columns may have long
// texts.
func TestMemoryOfWideRows(t *testing.T) {
	const rows = 500
	wide := strings.Repeat("x", 10_000)
	for _, list := range []struct {
		name, command, header, row string
	}{
		{"ids", "disable", "org_id,connection_id,note", "org_%016d," + okta + "," + wide},
		{"names", "disable", "org_name,connection_id,note", "acme%d," + okta + "," + wide},
		{"snapshots", "restore", "org_id,connection_id,connection_name,outcome,command,tenant,assign_membership_on_login,show_as_button,is_signup_enabled,note",
			"org_%016d," + okta + ",okta,disabled,disable,acme.eu.auth0.com,yes,yes,no," + wide},
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

// heap returns the bytes in use.
func heap() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
