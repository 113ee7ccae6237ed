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
		`7   invalid: org_name ".." is not a valid name` + cells("..", ""),
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

// A list may have names instead of ids; a results file may not.
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
	sealed := func(line int, org string) string {
		return fmt.Sprintf("%s,%s,acme,would_disable,disable --dry-run,x,%s\n", org, okta, journal.CorrelationID("k3v9q2m7x4ta", line, org, okta))
	}
	results = "org_id,connection_id,org_name,outcome,command,tenant,correlation_id\n" + sealed(2, "") + sealed(3, acme)
	l := open(t, results, Options{Command: "disable", Names: new(Names)})
	if want := (Counts{Rows: 2, Organizations: 1, Pairs: 1, Invalid: 1}); l.Counts() != want {
		t.Errorf("counts %+v, want %+v", l.Counts(), want)
	}
}

// Rows beyond the limit, and rows that the list decides, need no lookup.
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

// A list of unknown names and invalid rows is not refused.
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

func TestEachNameIsLookedUpOnce(t *testing.T) {
	var table NameTable
	table.Want("acme")
	table.Want("acme")
	if !table.Claim("acme") || table.Claim("acme") || table.Claim("other") || !table.IsMissing("acme") || table.Missing() != 1 {
		t.Error("acme is not claimed once")
	}
	table.Set("acme", "")
	table.Want("acme")
	if table.IsMissing("acme") || table.Missing() != 0 || table.Claim("acme") {
		t.Error("acme is looked up again")
	}
}

// A journal is read before the list: its ids are kept although no row wants the
// names yet.
func TestIDsFoundEarlierAreKept(t *testing.T) {
	var table NameTable
	table.Want("acme")
	table.Set("globex", globex)
	table.Set("initech", "../clients")
	if id, state := table.lookup("globex"); id != globex || state != found {
		t.Errorf("globex is %q, state %d", id, state)
	}
	if id, state := table.lookup("initech"); id != "" || state != unknown {
		t.Errorf("an id that could not be sent is kept: %q, state %d", id, state)
	}
	if table.Missing() != 1 || !table.IsMissing("acme") {
		t.Errorf("%d missing, want acme alone", table.Missing())
	}
}
