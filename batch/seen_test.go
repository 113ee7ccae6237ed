package batch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

// A connection that the tenant does not have is most likely a typing error. Its
// rows must not pass for already disabled.
func TestConnectionsThatDoNotExist(t *testing.T) {
	rows := pairs(4, 2)
	mistyped := simulator.Pair{OrganizationID: orgID(0), ConnectionID: "con_mistyped00000001"}
	elsewhere := pair(0, 7) // exists, in no organization
	for name, c := range map[string]struct {
		allowed, missingOK, dryRun bool
		exit                       int
		want                       journal.Outcome
		asked                      int
	}{
		"asked for":                   {allowed: true, exit: journal.ExitFailedRows, want: journal.NotFound, asked: 2},
		"is not ok with --missing-ok": {allowed: true, missingOK: true, exit: journal.ExitFailedRows, want: journal.NotFound, asked: 2},
		"in a dry run":                {allowed: true, dryRun: true, exit: journal.ExitFailedRows, want: journal.NotFound, asked: 2},
		"without the scope":           {exit: journal.ExitOK, want: journal.AlreadyDisabled},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				r.tenant.SeedPairs(rows)
				r.tenant.AddConnection(elsewhere.ConnectionID, "", "samlp")
				r.connections, r.settings.MissingOK, r.settings.DryRun = c.allowed, c.missingOK, c.dryRun
				var run *Run
				r.during = func(r *Run) { run = r }
				if result := r.run(append([]simulator.Pair{mistyped, elsewhere}, rows...)); result.ExitCode != c.exit {
					t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
				}
				r.beside.Wait()
				if o := r.outcome(0); o.Outcome != c.want || o.NoConnection != (c.want == journal.NotFound) {
					t.Errorf("the mistyped row is %+v", o)
				}
				if o := r.outcome(1).Outcome; o != journal.AlreadyDisabled {
					t.Errorf("the row of a connection in no organization is %s", o)
				}
				exists := slices.ContainsFunc(r.records.all, func(rec journal.Record) bool {
					return rec.Seen != nil && slices.Contains(rec.Seen.Connections, elsewhere.ConnectionID)
				})
				if exists != c.allowed {
					t.Errorf("that the connection in no organization exists is on record: %t", exists)
				}
				if asked := r.tenant.Count("GET", "/api/v2/connections/"); asked != c.asked {
					t.Errorf("%d connections asked for, want %d", asked, c.asked)
				}
				if calls, got := run.Sample().Calls, r.count("GET"); calls.Reads != got {
					t.Errorf("%d reads are counted, the tenant got %d", calls.Reads, got)
				}
				if n := run.Progress().Outcomes[c.want]; n == 0 {
					t.Errorf("no row is counted as %s", c.want)
				}
				if n := run.Progress().Done; n != len(rows)+2 {
					t.Errorf("%d rows are counted, of %d", n, len(rows)+2)
				}
			})
		})
	}
}

// A restore asks for no connection: one that its run found may have been deleted since.
func TestRestoreAsksForNoConnection(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		r.tenant.SeedPairs(pairs(1, 1))
		r.connections = true
		gone := []simulator.Pair{{OrganizationID: orgID(0), ConnectionID: "con_deleted000000001"}}
		r.undo(gone, ",,")
		r.run(gone)
		r.expect(gone, "already_disabled")
		if asked := r.tenant.Count("GET", "/api/v2/connections/"); asked != 0 {
			t.Errorf("%d connections were asked for", asked)
		}
	})
}

// A connection that is in another organization than the list says exists. What an
// earlier invocation saw of it counts: no row's outcome tells of it.
func TestConnectionSeenElsewhere(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := []simulator.Pair{pair(0, 0), pair(1, 1), pair(1, 2)}
		r.tenant.SeedPairs([]simulator.Pair{pair(0, 0), pair(0, 1), pair(1, 2)})
		r.settings.MaxDuration = journal.Duration(5 * time.Second)
		slow := simulator.Fault{Kind: simulator.Hang, Method: "GET", Path: "/api/v2/organizations/" + orgID(1)}
		r.tenant.Inject(slow)
		r.run(rows)
		r.expect(rows, "disabled", "not_attempted*2")
		var seen []string
		for _, rec := range r.records.all {
			if rec.Seen != nil {
				seen = append(seen, rec.Seen.Connections...)
			}
		}
		if !slices.Equal(seen, []string{connID(1)}) {
			t.Errorf("seen in an organization that the list does not pair them with: %v", seen)
		}

		r.tenant.ClearFaults()
		r.settings.MaxDuration, r.connections = 0, true
		if result := r.resume(rows); result.ExitCode != journal.ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled", "already_disabled", "disabled")
		if asked := r.tenant.Count("GET", "/api/v2/connections/"); asked != 0 {
			t.Errorf("%d connections were asked for, though all were seen", asked)
		}
	})
}

// A connection of which one row is done, blocked, or there and off, exists, whichever
// invocation did it: the tenant is not asked for it when another organization lacks it.
func TestConnectionSeenBefore(t *testing.T) {
	for _, want := range []string{"disabled", "blocked", "already_disabled"} {
		for _, resumed := range []bool{false, true} {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				rows := []simulator.Pair{pair(0, 0), pair(1, 0)}
				r.tenant.SeedPairs([]simulator.Pair{pair(0, 0), pair(1, 1)})
				switch want {
				case "blocked":
					r.tenant.Disable(orgID(0), simulator.SpareConnection)
				case "already_disabled":
					r.tenant.Enable(orgID(0), simulator.EnabledConnection{ConnectionID: connID(0), Off: true})
				}
				r.settings.Workers, r.connections = 1, true
				if resumed {
					r.settings.Limit = 1
					r.run(rows)
					r.settings.Limit = 0
					r.resume(rows)
				} else {
					r.run(rows)
				}
				r.expect(rows, want, "already_disabled")
				if asked := r.tenant.Count("GET", "/api/v2/connections/"); asked != 0 {
					t.Errorf("row 0 is %s, resumed %t: its connection was asked for", want, resumed)
				}
			})
		}
	}
}

// A row that an enable blocks has no link, so it does not tell that its connection exists.
func TestBlockedEnableProvesNothing(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		const mistyped = "con_mistyped00000001"
		r.tenant.SeedPairs(append(pairs(1, maxLinks), pair(1, 0)))
		rows := []simulator.Pair{{OrganizationID: orgID(0), ConnectionID: mistyped}, {OrganizationID: orgID(1), ConnectionID: mistyped}}
		r.command, r.connections, r.settings.DryRun, r.settings.Limit = journal.CommandEnable, true, true, 1
		r.run(rows)
		r.expect(rows, "blocked", "not_attempted")
		r.settings.Limit = 0
		r.resume(rows)
		r.expect(rows, "blocked", "not_found")
	})
}

// A connection that does not exist is not what --missing-ok lets pass, whichever
// invocation found that out.
func TestMissingConnectionIsNeverOK(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(2, 1)
		r.tenant.SeedPairs([]simulator.Pair{pair(0, 1), pair(1, 0)})
		rows[0].ConnectionID = "con_mistyped00000001"
		r.connections, r.settings.MissingOK, r.settings.Limit = true, true, 1
		r.run(rows)
		r.settings.Limit = 0
		if result := r.resume(rows); result.ExitCode != journal.ExitFailedRows {
			t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
		}
		r.expect(rows, "not_found", "disabled")
	})
}

// At most a hundred connections are asked for, those with most rows.
func TestUnseenConnectionsAreBounded(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		var rows []simulator.Pair
		for i := range 150 {
			rows = append(rows, simulator.Pair{OrganizationID: orgID(i % 50), ConnectionID: fmt.Sprintf("con_mistyped%08d", i)})
		}
		many := simulator.Pair{OrganizationID: orgID(0), ConnectionID: "con_zzzzzzzzzzzzzzzz"}
		rows = append(rows, many, simulator.Pair{OrganizationID: orgID(1), ConnectionID: many.ConnectionID})
		for i := range 50 {
			r.tenant.Enable(orgID(i), simulator.DefaultSettings(simulator.SpareConnection))
		}
		r.connections = true
		r.run(rows)
		if asked := r.tenant.Count("GET", "/api/v2/connections/"); asked != maxAsked {
			t.Errorf("%d connections were asked for", asked)
		}
		if o := r.outcome(150); o.Outcome != journal.NotFound || !strings.Contains(o.Message, many.ConnectionID) {
			t.Errorf("the connection with most rows is %+v", o)
		}
	})
}
