package list

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

func TestResultsFiles(t *testing.T) {
	notSelected := func(outcome string) string { return " not_selected: its outcome was " + outcome }
	tests := []struct {
		file      string
		opt       Options
		announced bool
		want      []string
	}{
		{"results-dry-run.csv", Options{Command: "disable"}, true, []string{
			"2 " + acme + " " + okta + ` [""]`,
			"3 " + acme + " " + saml + notSelected("already_disabled") + ` [""]`,
			"4 " + globex + " " + okta + ` [""]`,
			"5 acme okta" + notSelected("invalid") + ` [""]`,
		}},
		{"results-edited.csv", Options{Command: "disable", DryRun: true}, true, []string{
			"2 " + acme + " " + okta,
			"3 " + globex + " " + saml + notSelected("not_selected"),
		}},
		{"results-nothing-selected.csv", Options{Command: "disable"}, true, []string{
			"2 " + acme + " " + okta + notSelected("already_disabled") + ` [""]`,
		}},
		{"results-disable.csv", Options{Command: "restore"}, false, []string{
			"2 " + acme + " " + okta + ` ["first"]`,
			"3 " + acme + " " + saml + notSelected("already_disabled") + ` [""]`,
			"4 " + globex + " " + saml + ` [""]`,
			"5 " + globex + " " + entra + ` [""]`,
			"6 acme okta" + notSelected("invalid") + ` [""]`,
			"7 " + initech + " " + entra + ` invalid: assign_membership_on_login "maybe" is neither yes nor no [""]`,
			"8 " + initech + " " + saml + notSelected("not_selected") + ` [""]`,
		}},
		{"results-restore-dry-run.csv", Options{Command: "restore"}, true, []string{
			"2 " + acme + " " + okta + ` [""]`,
			"3 " + acme + " " + saml + notSelected("already_enabled") + ` [""]`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.opt.label()+" "+tt.file, func(t *testing.T) {
			l, err := sample(tt.file, tt.opt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, show(t, l)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if l.Tenant() != "acme.eu.auth0.com" || l.Announced() != tt.announced {
				t.Errorf("tenant %q, announced %t", l.Tenant(), l.Announced())
			}
		})
	}
}

func TestResultsWithoutRows(t *testing.T) {
	l := open(t, "org_id,connection_id,outcome,command,tenant\n", Options{Command: "disable"})
	if l.Counts() != (Counts{}) || l.Tenant() != "" || l.Announced() {
		t.Errorf("counts %+v, tenant %q, announced %t, want nothing", l.Counts(), l.Tenant(), l.Announced())
	}
}

func TestRestoreReadsTheSettings(t *testing.T) {
	l, err := sample("results-disable.csv", Options{Command: "restore"})
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	for org := range l.Organizations() {
		rows = append(rows, org.Rows...)
	}
	want := []Row{
		{2, acme, okta, &journal.Snapshot{Name: "okta", LinkSettings: apiclient.LinkSettings{AssignMembershipOnLogin: new(true), ShowAsButton: new(false)}}},
		{4, globex, saml, &journal.Snapshot{LinkSettings: apiclient.LinkSettings{AssignMembershipOnLogin: new(true), ShowAsButton: new(false), IsSignupEnabled: new(false)}}},
		{5, globex, entra, nil},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for rec := range l.Records() {
		named := &journal.Snapshot{Name: "okta", LinkSettings: apiclient.LinkSettings{AssignMembershipOnLogin: new(true), ShowAsButton: new(false)}}
		if diff := cmp.Diff(named, rec.Snapshot); rec.Line == 2 && diff != "" {
			t.Errorf("snapshot of the record (-want +got):\n%s", diff)
		}
	}
}

// Rows with the same settings share a snapshot, but not the name of another connection.
func TestRowsDoNotShareNames(t *testing.T) {
	l := open(t, `org_id,connection_id,outcome,connection_name,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant
org_0000000000000001,con_0000000000000001,disabled,okta,yes,no,,disable,tenant.example
org_0000000000000001,con_0000000000000002,disabled,entra,yes,no,,disable,tenant.example
org_0000000000000002,con_0000000000000001,disabled,okta,yes,no,,disable,tenant.example
`, Options{Command: "restore"})
	var names []string
	for org := range l.Organizations() {
		for _, row := range org.Rows {
			names = append(names, row.Snapshot.Name)
		}
	}
	if want := []string{"okta", "entra", "okta"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
}

// A row with a single filled cell must not be skipped as blank.
func TestRowWithOneCellIsNotBlank(t *testing.T) {
	head := "org_id,connection_id,outcome,command,tenant"
	for _, column := range []string{"line", "connection_name", "assign_membership_on_login", "show_as_button", "is_signup_enabled", "ticket"} {
		_, err := Open(write(t, head+","+column+"\n,,,,,yes\n"), "results.csv", Options{Command: "disable"})
		if err == nil {
			t.Errorf("a row with nothing but %s was skipped", column)
		}
	}
}
