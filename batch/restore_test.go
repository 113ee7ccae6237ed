package batch

import (
	"net/http"
	"strings"
	"testing"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

func TestDecideRestore(t *testing.T) {
	yes, no := true, false
	hidden := &journal.Snapshot{LinkSettings: apiclient.LinkSettings{ShowAsButton: &no}}
	had := &journal.Snapshot{LinkSettings: apiclient.LinkSettings{ShowAsButton: &yes, AssignMembershipOnLogin: &no}}
	cases := []struct {
		name, links string
		snapshot    *journal.Snapshot
		lost        bool
		defaults    bool
		outcome     journal.Outcome
		message     string
	}{
		{"not there", "b", had, false, false, "", ""},
		{"there by now", "a b", had, false, false, journal.AlreadyEnabled, messageOther + "assign_membership_on_login, show_as_button"},
		{"there by an earlier attempt", "a~ b", hidden, true, false, journal.Restored, messageEarlier},
		{"there with other settings after an earlier attempt", "a~ b", had, true, false, journal.AlreadyEnabled, messageOther + "assign_membership_on_login, show_as_button"},
		{"switched off by now", "a- b", had, false, false, journal.Failed, messageKeptOff},
		{"settings are not known", "b", nil, false, false, journal.Blocked, messageNoSettings},
		{"settings are not known, defaults will do", "b", nil, false, true, "", messageDefaults},
		{"settings are not known, there by now", "a", nil, false, false, journal.AlreadyEnabled, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rows := []*row{{Row: list.Row{Line: 2, ConnectionID: "a", Wanted: c.snapshot}, maybeDone: c.lost}}
			restoring{allowDefaults: c.defaults}.decide(rows, apiclient.NewerFamily, byID(linksOf(c.links)))
			if d := rows[0]; d.outcome != c.outcome || d.message != c.message {
				t.Errorf("got %q %q, want %q %q", d.outcome, d.message, c.outcome, c.message)
			}
		})
	}
}

// The older endpoints do not show all settings. Those that they hide may differ, unless
// Auth0's default was wanted.
func TestRestoreNamesWhatItCannotCompare(t *testing.T) {
	yes := true
	for level, message := range map[string]string{"full": messageUnseen + "organization_access_level", "none": ""} {
		wanted := &journal.Snapshot{LinkSettings: apiclient.LinkSettings{AccessLevel: &level}}
		rows := []*row{{Row: list.Row{Line: 2, ConnectionID: "a", Wanted: wanted}}}
		restoring{}.decide(rows, apiclient.OlderFamily, byID(linksOf("a")))
		if d := rows[0]; d.outcome != journal.AlreadyEnabled || d.message != message {
			t.Errorf("%s: got %q %q, want %q", level, d.outcome, d.message, message)
		}
		wanted.ShowAsButton = &yes
		restoring{}.decide(rows, apiclient.OlderFamily, byID(linksOf("a")))
		if d := rows[0]; !strings.HasPrefix(d.message, messageOther+"show_as_button") || !strings.HasSuffix(d.message, message) {
			t.Errorf("%s and another button: got %q", level, d.message)
		}
	}
}

// restorable is a list whose rows were disabled with Auth0's default settings.
func (r *rig) restorable(rows []simulator.Pair) []simulator.Pair {
	r.command = journal.CommandRestore
	for _, p := range rows {
		r.tenant.AddOrganization(p.OrganizationID, "")
		r.tenant.AddConnection(p.ConnectionID, "", "samlp")
	}
	return rows
}

// What the tenant says of a pair that is enabled already is understood by a
// read: 409, 400, or nothing at all.
func TestRestoreReadsAgainWhenRefused(t *testing.T) {
	for _, duplicate := range []int{409, 400} {
		inBubble(t, simulator.Config{DuplicateStatus: duplicate}, func(t *testing.T, r *rig) {
			rows := r.restorable(pairs(4, 1))
			// Row 0: our own first attempt did it. Row 1: somebody else did, after
			// the check. Row 2: it is refused for another reason.
			r.tenant.Inject(onPost(rows[0], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AfterEffect, Times: 1}))
			r.tenant.Inject(onPost(rows[1], simulator.Fault{Kind: simulator.Status, Code: duplicate, Stage: simulator.AfterEffect, Times: 1}))
			r.tenant.Inject(onPost(rows[2], status(400)))
			r.run(rows)
			r.expect(rows, "restored", "already_enabled", "failed", "restored")
		})
	}
}

func TestRestoreOfWhatIsGone(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := r.restorable(pairs(3, 1))
		r.tenant.RemoveOrganization(orgID(0))
		r.tenant.Inject(onPost(rows[1], status(404)))
		if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "not_found", "not_found", "restored")
	})
}

func TestRestoreDryRunOnlyReads(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := r.restorable(pairs(3, 1))
		r.settings.DryRun = true
		r.run(rows)
		r.expect(rows, "would_restore*3")
		if posts := r.count(http.MethodPost); posts != 0 {
			t.Errorf("%d writes", posts)
		}
	})
}

// onPost limits a fault to the POSTs for an organization.
func onPost(p simulator.Pair, f simulator.Fault) simulator.Fault {
	f.Match = func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.Contains(r.URL.Path, p.OrganizationID)
	}
	return f
}
