package list

import (
	"fmt"
	"slices"
	"strings"
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
			if l.Tenant() != "acme.eu.auth0.com" || l.FollowsDryRun() != tt.announced {
				t.Errorf("tenant %q, announced %t", l.Tenant(), l.FollowsDryRun())
			}
		})
	}
}

func TestResultsWithoutRows(t *testing.T) {
	l := open(t, "org_id,connection_id,outcome,command,tenant\n", Options{Command: "disable"})
	if l.Counts() != (Counts{}) || l.Tenant() != "" || l.FollowsDryRun() {
		t.Errorf("counts %+v, tenant %q, announced %t, want nothing", l.Counts(), l.Tenant(), l.FollowsDryRun())
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
		{2, acme, okta, &journal.Snapshot{LinkSettings: apiclient.LinkSettings{AssignMembershipOnLogin: new(true), ShowAsButton: new(false)}}},
		{4, globex, saml, &journal.Snapshot{LinkSettings: apiclient.LinkSettings{AssignMembershipOnLogin: new(true), ShowAsButton: new(false), IsSignupEnabled: new(false)}}},
		{5, globex, entra, nil},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for rec := range l.Records() {
		if diff := cmp.Diff(want[0].Wanted, rec.Snapshot); rec.Line == 2 && diff != "" {
			t.Errorf("snapshot of the record (-want +got):\n%s", diff)
		}
	}
}

// Rows with the same settings share them in memory, but not the name of another
// connection.
func TestRowsShareSettings(t *testing.T) {
	l := open(t, `org_id,connection_id,outcome,connection_name,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant
org_0000000000000001,con_0000000000000001,disabled,okta,yes,no,,disable,tenant.example
org_0000000000000001,con_0000000000000002,disabled,entra,yes,no,,disable,tenant.example
org_0000000000000002,con_0000000000000001,disabled,okta,yes,no,,disable,tenant.example
`, Options{Command: "restore"})
	shared := map[*journal.Snapshot]bool{}
	for org := range l.Organizations() {
		for _, row := range org.Rows {
			shared[row.Wanted] = true
		}
	}
	if len(shared) != 1 {
		t.Errorf("%d snapshots of the same settings", len(shared))
	}
	var names []string
	for rec := range l.Records() {
		names = append(names, rec.ConnectionName)
	}
	if want := []string{"okta", "entra", "okta"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
}

// Links may have names of their own, and still share the access level.
func TestRowsShareAccessLevels(t *testing.T) {
	l := open(t, `org_id,connection_id,organization_access_level,organization_connection_name
org_0000000000000001,con_0000000000000001,limited,staff
org_0000000000000001,con_0000000000000002,limited,guests
`, Options{Command: "enable"})
	levels := map[*string]bool{}
	for org := range l.Organizations() {
		for _, row := range org.Rows {
			levels[row.Wanted.AccessLevel] = true
		}
	}
	if len(levels) != 1 {
		t.Errorf("%d access levels", len(levels))
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

// From a dry run's results, only rows that the dry run has written are done. What a
// reviewer has left out stays out.
func TestOnlyAnnouncedRowsAreDone(t *testing.T) {
	const header = "line,org_id,connection_id,outcome,command,tenant,correlation_id\n"
	row := func(line int, org, outcome, id string) string {
		return fmt.Sprintf("%d,%s,%s,%s,disable --dry-run,tenant.example,%s\n", line, org, okta, outcome, id)
	}
	const run, other = "k3v9q2m7x4ta", "aaaaaaaaaaaa"
	id := func(run string, line int, org string) string { return journal.CorrelationID(run, line, org, okta) }
	good := row(2, acme, "would_disable", id(run, 2, acme))
	cases := map[string]struct{ rows, want string }{
		"as written":             {good + row(3, globex, "would_disable", id(run, 3, globex)), ""},
		"in another order":       {row(3, globex, "would_disable", id(run, 3, globex)) + good, ""},
		"with rows deleted":      {row(3, globex, "would_disable", id(run, 3, globex)), ""},
		"a row left out":         {good + row(3, globex, "not_selected", "anything"), ""},
		"pasted in":              {good + row(3, globex, "would_disable", ""), ":3: the row was not announced"},
		"another organization":   {row(2, globex, "would_disable", id(run, 2, acme)), ":2: the row was not announced"},
		"another line":           {row(3, acme, "would_disable", id(run, 2, acme)), ":2: the row was not announced"},
		"another check":          {row(2, acme, "would_disable", run+"-2-000000"), ":2: the row was not announced"},
		"twice":                  {good + good, ":3: line 2 of the dry run's list appears twice"},
		"twice, one left out":    {good + row(2, acme, "not_selected", id(run, 2, acme)), ":3: line 2 of the dry run's list appears twice"},
		"of two dry runs":        {good + row(3, globex, "would_disable", id(other, 3, globex)), ":3: the row is of the dry run " + other},
		"nothing but ids edited": {good + row(3, acme, "already_disabled", ""), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l, err := Open(write(t, header+c.rows), "results.csv", Options{Command: "disable"})
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want == "" && l.RunID() != run:
				t.Errorf("of the dry run %q", l.RunID())
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// Without the columns that say what they are, results would be a plain list, and all of
// their rows would be worked on.
func TestResultsWithColumnsTrimmedAway(t *testing.T) {
	for text, want := range map[string]string{
		"org_id,connection_id,outcome\n" + acme + "," + okta + ",mine\n" + globex + "," + okta + ",Not selected\n":                ":3: the outcome \"Not selected\" is one of a results file",
		"line,org_id,connection_id,outcome\n2," + acme + "," + okta + ",would_disable\n":                                          ":1: the results file has no column command",
		"org_id,connection_id,outcome,command,tenant\n" + acme + "," + okta + ",would_disable,disable --dry-run,tenant.example\n": ":2: the results file has no column correlation_id",
		"org_id,connection_id,outcome,command,tenant\n" + acme + "," + okta + ",not_selected,disable --dry-run,tenant.example\n":  ":2: the results file has no column correlation_id",
	} {
		_, err := Open(write(t, text), "results.csv", Options{Command: "disable"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		if refused, ok := err.(*Error); ok && (refused.Hint == "" || strings.Contains(refused.Hint, "remove the column outcome")) {
			t.Errorf("the hint throws the review away: %s", refused.Hint)
		}
	}
	own := "org_id,connection_id,outcome\n" + acme + "," + okta + ",closed\n"
	if l := open(t, own, Options{Command: "disable"}); l.Counts().Pairs != 1 {
		t.Error("a list with an outcome of its own is refused")
	}
}

// An organization may be selected by its name, if the file has it.
func TestOrganizationsByName(t *testing.T) {
	const text = "line,org_id,connection_id,outcome,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant,org_name\n" +
		"2," + acme + "," + okta + ",disabled,yes,,,disable,tenant.example,acme\n3," + globex + "," + okta + ",disabled,yes,,,disable,tenant.example,globex\n"
	l := open(t, text, Options{Command: "restore", Organizations: []string{"globex"}})
	if counts := l.Counts(); counts.Pairs != 1 || counts.NotSelected != 1 {
		t.Errorf("counts %+v", counts)
	}
	if _, err := Open(write(t, text), "results.csv", Options{Command: "restore", Organizations: []string{"initech"}}); err == nil {
		t.Error("an organization without a row is accepted")
	}
}

// In a results file, the name of an organization tells people which one it is. It does
// not take the place of an id.
func TestNamesInResultsIdentifyNothing(t *testing.T) {
	const header = "line,org_id,connection_id,outcome,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant,org_name\n"
	l := open(t, header+"2,"+acme+","+okta+",disabled,yes,,,disable,tenant.example,acme\n3,,"+okta+",disabled,yes,,,disable,tenant.example,globex\n", Options{Command: "restore"})
	var got []string
	for rec := range l.Records() {
		got = append(got, fmt.Sprintf("%s %q %s", rec.OrgName, rec.OrgToFind(), rec.Outcome))
	}
	if diff := cmp.Diff([]string{`acme "" `, `globex "" invalid`}, got); diff != "" {
		t.Error(diff)
	}
}
