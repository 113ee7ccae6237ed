package list

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgconn/orgconn/batch/journal"
)

func TestNames(t *testing.T) {
	var names Names
	l, err := sample("names.csv", Options{Command: "disable", Names: &names})
	if err != nil {
		t.Fatal(err)
	}
	// Before they are looked up.
	if want := (Counts{Rows: 9, Organizations: 1, Pairs: 1, Unidentified: 6, Invalid: 2}); l.Counts() != want {
		t.Errorf("counts %+v, want %+v", l.Counts(), want)
	}
	if names.Organizations.Missing() != 3 || names.Connections.Missing() != 2 || names.Missing() != 5 {
		t.Errorf("%d organizations and %d connections to be looked up", names.Organizations.Missing(), names.Connections.Missing())
	}
	names.Add(journal.Names{
		Organizations: map[string]string{"acme": acme, "globex": globex, "nope": ""},
		Connections:   map[string]string{"okta": okta, "nope": ""},
	})
	if err := l.Identify(); err != nil || names.Missing() != 0 {
		t.Fatal(err, names.Missing())
	}
	cells := func(org, note string) string { return fmt.Sprintf(` ["%s" "%s"]`, org, note) }
	want := []string{
		"2 " + acme + " " + okta + cells("acme", "by names"),
		"3 " + acme + " " + okta + " duplicate: same pair as in line 2" + cells("", "the same by ids"),
		"4 " + acme + " " + saml + cells("acme", "an id beats a name"),
		"5 " + globex + `  not_found: the tenant has no connection named "nope"` + cells("globex", ""),
		"6  " + okta + ` not_found: the tenant has no organization named "nope"` + cells("nope", ""),
		`7   invalid: org_name ".." is no name` + cells("..", ""),
		"8  " + okta + " invalid: org_id is empty" + cells("", ""),
		"9 " + acme + " " + okta + " duplicate: same pair as in line 2" + cells("acme", "again"),
		"10 " + globex + " " + okta + cells("initech", "an id beats a name"),
	}
	if diff := cmp.Diff(want, show(t, l)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	counts := Counts{Rows: 9, Organizations: 2, Pairs: 3, Invalid: 2, Duplicates: 2, UnknownOrganizations: 1, UnknownConnections: 1}
	if l.Counts() != counts {
		t.Errorf("counts %+v, want %+v", l.Counts(), counts)
	}
	if diff := cmp.Diff([]string{"org_name", "note"}, l.Carried()); diff != "" {
		t.Errorf("carried columns (-want +got):\n%s", diff)
	}
	unknown := []Problem{{5, `the tenant has no connection named "nope"`}, {6, `the tenant has no organization named "nope"`}}
	if diff := cmp.Diff(unknown, l.Unknown()); diff != "" {
		t.Errorf("unknown names (-want +got):\n%s", diff)
	}
}

// A column of names will do for the ids; a results file goes by ids alone.
func TestNamesAlone(t *testing.T) {
	for file, missing := range map[string][2]int{"names-only.csv": {1, 1}, "names-half.csv": {0, 1}} {
		var names Names
		l, err := sample(file, Options{Command: "disable", Names: &names})
		if err != nil || l.Counts() != (Counts{Rows: 1, Unidentified: 1}) {
			t.Fatalf("%s: %v", file, err)
		}
		if got := [2]int{names.Organizations.Missing(), names.Connections.Missing()}; got != missing {
			t.Errorf("%s: %v to be looked up, want %v", file, got, missing)
		}
	}
	results := "org_name,connection_name,outcome,command,tenant\nacme,okta,would_disable,disable --dry-run,x\n"
	if _, err := Open(write(t, results), "results.csv", Options{Command: "disable"}); err == nil ||
		!strings.Contains(err.Error(), "no column org_id") {
		t.Errorf("results without ids: %v", err)
	}
	results = "org_id,connection_id,org_name,outcome,command,tenant\n,con_1,acme,would_disable,disable --dry-run,x\n" +
		acme + ",con_1,acme,would_disable,disable --dry-run,x\n"
	l := open(t, results, Options{Command: "disable", Names: new(Names)})
	if want := (Counts{Rows: 2, Organizations: 1, Pairs: 1, Invalid: 1}); l.Counts() != want {
		t.Errorf("counts %+v, want %+v", l.Counts(), want)
	}
}

// Rows beyond the limit, and rows that are decided, need no lookup.
func TestNamesThatAreNotNeeded(t *testing.T) {
	var names Names
	l := open(t, "org_name,connection_id\nacme,"+okta+"\nglobex,bad\nacme,"+okta+"\ninitech,"+okta+"\n",
		Options{Command: "disable", Limit: 3, Names: &names})
	if want := (Counts{Rows: 4, Unidentified: 2, Invalid: 1, BeyondLimit: 1}); l.Counts() != want {
		t.Errorf("counts %+v, want %+v", l.Counts(), want)
	}
	if !names.Organizations.IsMissing("acme") || names.Missing() != 1 {
		t.Errorf("%d names to be looked up, want acme alone", names.Missing())
	}
}

// A list of nothing but unknown names is a list, be there an invalid row too.
func TestNoNameKnown(t *testing.T) {
	var names Names
	names.Add(journal.Names{Organizations: map[string]string{"acme": "", "long": "org_" + strings.Repeat("a", 46)}})
	l := open(t, "org_name,connection_id\nacme,"+okta+"\n"+okta+",\n", Options{Command: "disable", Names: &names})
	if want := (Counts{Rows: 2, Invalid: 1, UnknownOrganizations: 1}); l.Counts() != want {
		t.Errorf("counts %+v, want %+v", l.Counts(), want)
	}
	l = open(t, "org_name,connection_id\nlong,"+okta+"\n", Options{Command: "disable", Names: &names})
	if shown, want := show(t, l), "2 org_"+strings.Repeat("a", 46)+" "+okta+` ["long"]`; shown[0] != want {
		t.Errorf("got %s", shown[0])
	}
}

func TestEachNameIsTakenOnce(t *testing.T) {
	var table NameTable
	table.Want("acme")
	table.Want("acme")
	if !table.Take("acme") || table.Take("acme") || table.Take("other") || !table.IsMissing("acme") || table.Missing() != 1 {
		t.Error("acme is not taken once")
	}
	table.Set("acme", "")
	table.Want("acme")
	if table.IsMissing("acme") || table.Missing() != 0 || table.Take("acme") {
		t.Error("acme is looked up again")
	}
}

// However many names there are, the table says of each what a map would.
func TestNameTable(t *testing.T) {
	var table NameTable
	const names = 10 * minLast
	idOf := func(i int) string { return fmt.Sprintf("org_%016d", i) }
	for i := range names {
		table.Want(fmt.Sprint(i))
		table.Want(fmt.Sprint(i / 2)) // again
	}
	for i := 0; i < names; i += 3 {
		if !table.Take(fmt.Sprint(i)) || table.Take(fmt.Sprint(i)) {
			t.Fatalf("name %d is not taken once", i)
		}
		table.Set(fmt.Sprint(i), idOf(i))
	}
	table.Set("1", "")
	table.Set("never wanted", acme)
	if want := names - (names+2)/3 - 1; table.Missing() != want {
		t.Errorf("%d missing, want %d", table.Missing(), want)
	}
	for i := range names {
		wantID, want := "", missing
		switch {
		case i == 1:
			want = unknown
		case i%3 == 0:
			wantID, want = idOf(i), found
		}
		if id, state := table.find(orgPrefix, fmt.Sprint(i)); id != wantID || state != want {
			t.Fatalf("name %d is %q, state %d, want %q, %d", i, id, state, wantID, want)
		}
	}
	if id, state := table.find(orgPrefix, "never wanted"); id != acme || state != found || table.Take("nobody") {
		t.Errorf("%q, state %d", id, state)
	}
}
