package batch

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

// A check is young when a DELETE goes out, whatever held that back: what
// somebody else has done meanwhile counts for the lockout guard.

func TestNoWriteOnACheckFromBefore429s(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(on(http.MethodDelete, simulator.Fault{Code: http.StatusTooManyRequests}))
		time.AfterFunc(13*time.Minute, r.tenant.ClearFaults)
		r.runWithoutSpares(rows)
	})
}

func TestNoWriteOnAnOldCheckOfTheWholeList(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(101, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.SetPlan(plans.Plan{Groups: map[string]plans.Limit{
			plans.OrganizationConnectionsWrite: plans.PerMinute(5, 5), // takes twenty minutes
		}})
		r.settings.MaxChanges = len(rows)
		r.runWithoutSpares(append(rows, pair(0, 9))) // one more than that, and not there
	})
}

// A row that a new check has settled is not sent any more, so its connection counts as
// a way in if it is there again. The other row need not be blocked for its sake.
func TestSettledRowDoesNotBlockAnother(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 2)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(on(http.MethodDelete, simulator.Fault{Code: http.StatusTooManyRequests}))
		time.AfterFunc(3*time.Minute, func() { r.tenant.Disable(orgID(0), connID(0)) })
		time.AfterFunc(20*time.Minute, func() {
			r.tenant.Enable(orgID(0), simulator.DefaultSettings(connID(0)))
			r.tenant.Disable(orgID(0), simulator.SpareConnection)
		})
		time.AfterFunc(25*time.Minute, r.tenant.ClearFaults)
		r.run(rows)
		r.expect(rows, "already_disabled", "disabled")
	})
}

// runWithoutSpares runs the job, and after six minutes takes the other connection
// from each organization. Five minutes later all rows have to be blocked.
func (r *rig) runWithoutSpares(rows []simulator.Pair) {
	r.t.Helper()
	time.AfterFunc(6*time.Minute, func() {
		for _, p := range rows {
			r.tenant.Disable(p.OrganizationID, simulator.SpareConnection)
		}
	})
	late := time.Now().Add(11 * time.Minute)
	r.run(rows)
	for _, call := range r.tenant.Calls() {
		if call.Method == http.MethodDelete && call.Status == http.StatusNoContent && call.Time.After(late) {
			r.t.Errorf("%s took the last connection", call.Path)
		}
	}
	if !slices.Contains(r.outcomes(rows), "blocked") {
		r.t.Error("no row is blocked")
	}
}

func TestNotFound(t *testing.T) {
	rows := pairs(3, 1)
	t.Run("organization, on the read", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.tenant.SeedPairs([]simulator.Pair{rows[0], rows[2]})
			if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
				t.Errorf("exit %d", result.ExitCode)
			}
			r.expect(rows, "disabled", "not_found", "disabled")
		})
	})
	t.Run("is well with --missing-ok", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.tenant.SeedPairs(rows[:1])
			r.settings.MissingOK = true
			if result := r.run(rows); result.ExitCode != journal.ExitOK {
				t.Errorf("exit %d", result.ExitCode)
			}
		})
	})
	t.Run("is not well where none was found", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.settings.MissingOK = true
			if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
				t.Errorf("exit %d", result.ExitCode)
			}
		})
	})
	t.Run("is well where the others were done before", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.tenant.Enable(orgID(0), simulator.DefaultSettings(simulator.SpareConnection))
			r.settings.MissingOK = true
			if result := r.run(rows); result.ExitCode != journal.ExitOK {
				t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
			}
			r.expect(rows, "already_disabled", "not_found*2")
		})
	})
	t.Run("is well with --missing-ok and --no-check", func(t *testing.T) {
		inBubble(t, simulator.Config{DeleteMissingStatus: 404}, func(t *testing.T, r *rig) {
			r.tenant.SeedPairs(rows[:1])
			r.settings.MissingOK, r.settings.NoCheck = true, true
			if result := r.run(rows); result.ExitCode != journal.ExitOK {
				t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
			}
			r.expect(rows, "disabled", "not_found*2")
		})
	})
	t.Run("on the write after a lost answer, and no read tells", func(t *testing.T) {
		inBubble(t, simulator.Config{DeleteMissingStatus: 404}, func(t *testing.T, r *rig) {
			r.tenant.SeedPairs(rows)
			r.tenant.Inject(onRow(rows[1], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AfterEffect, Times: 1}))
			r.tenant.Inject(simulator.Fault{Code: 400, Method: http.MethodGet, Path: "/api/v2/organizations/" + orgID(1), Skip: 1})
			r.run(rows)
			r.expect(rows, "disabled", "unknown", "disabled")
		})
	})
	t.Run("on the write", func(t *testing.T) {
		inBubble(t, simulator.Config{DeleteMissingStatus: 404}, func(t *testing.T, r *rig) {
			r.tenant.SeedPairs(rows)
			// A gateway answers for row 0. On row 1 our own answer is lost. Somebody
			// else is faster on row 2.
			r.tenant.Inject(onRow(rows[0], status(404)))
			r.tenant.Inject(onRow(rows[1], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AfterEffect, Times: 1}))
			r.tenant.Inject(onRow(rows[2], simulator.Fault{Kind: simulator.Slow, Delay: 10 * time.Second}))
			time.AfterFunc(5*time.Second, func() { r.tenant.Disable(rows[2].OrganizationID, rows[2].ConnectionID) })
			r.run(rows)
			r.expect(rows, "failed", "disabled", "already_disabled")
			if !r.enabled(rows[0]) {
				t.Error("row 0 is not enabled any more")
			}
		})
	})
	t.Run("on the write without check", func(t *testing.T) {
		inBubble(t, simulator.Config{DeleteMissingStatus: 404}, func(t *testing.T, r *rig) {
			r.tenant.SeedPairs(rows[1:])
			r.settings.NoCheck = true
			r.tenant.Inject(onRow(rows[1], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AfterEffect, Times: 1}))
			r.run(rows)
			r.expect(rows, "not_found", "unknown", "disabled")
			if gets := r.count(http.MethodGet); gets != 0 {
				t.Errorf("%d reads with --no-check", gets)
			}
			if o := r.outcome(2); !strings.Contains(o.Message, "not checked") {
				t.Errorf("message %q", o.Message)
			}
		})
	})
}

func TestEmptyListIsProvenOnce(t *testing.T) {
	rows := pairs(5, 1)
	for _, outcomeIfAbsent := range []bool{false, true} {
		inBubble(t, simulator.Config{EmptyForUnknown: outcomeIfAbsent}, func(t *testing.T, r *rig) {
			for o := range 5 {
				r.tenant.AddOrganization(orgID(o), "")
			}
			r.run(rows)
			r.expect(rows, "already_disabled*5")
			if gets := r.count(http.MethodGet); gets != 6 {
				t.Errorf("%d reads, want 5 and one proof", gets)
			}
			if said := r.outcome(3).Message != ""; said != outcomeIfAbsent {
				t.Errorf("message %q", r.outcome(3).Message)
			}
		})
	}
}

// A proposal to enable rests on the empty list, too. A run need not say so: the call tells
// whether the organization exists.
func TestProposalRestsOnEmptyList(t *testing.T) {
	rows := pairs(2, 1)
	for _, dryRun := range []bool{false, true} {
		inBubble(t, simulator.Config{EmptyForUnknown: true}, func(t *testing.T, r *rig) {
			r.settings.DryRun = dryRun
			r.run(r.unlinked(rows))
			if said := r.outcome(1).Message == messageUnconfirmed; said != dryRun {
				t.Errorf("dry run %t: message %q", dryRun, r.outcome(1).Message)
			}
		})
	}
}

// An answer that proves nothing is asked for again at the next empty list.
func TestEmptyListIsProvenLater(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(5, 1)
		for o := range 5 {
			r.tenant.AddOrganization(orgID(o), "")
		}
		r.settings.Workers = 1
		refused := on(http.MethodGet, status(400))
		refused.Times = 1
		refused.Match = func(req *http.Request) bool { return !strings.Contains(req.URL.Path, "/org_00") }
		r.tenant.Inject(refused)
		r.run(rows)
		r.expect(rows, "already_disabled*5")
		for i := range rows {
			if said := r.outcome(i).Message != ""; said != (i == 0) {
				t.Errorf("row %d: message %q", i, r.outcome(i).Message)
			}
		}
		if gets := r.count(http.MethodGet); gets != 7 {
			t.Errorf("%d reads, want 5 and two proofs", gets)
		}
	})
}

// A link that is there and switched off is neither deleted nor a way in.
func TestLinkThatIsOff(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 2)
		r.tenant.Enable(orgID(0), simulator.DefaultSettings(connID(0)))
		r.tenant.Enable(orgID(0), simulator.EnabledConnection{ConnectionID: connID(1), Off: true})
		if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
			t.Errorf("exit %d", result.ExitCode)
		}
		r.expect(rows, "blocked", "already_disabled")
		for i := range rows {
			if s := r.outcome(i).Snapshot; s == nil || s.AssignMembershipOnLogin == nil {
				t.Errorf("row %d: the results lack its settings: %+v", i, s)
			}
		}
		if deletes := r.count(http.MethodDelete); deletes != 0 {
			t.Errorf("%d deletes", deletes)
		}
	})
}

// An old check is repeated before it is acted on.
func TestOldCheckIsRepeated(t *testing.T) {
	slow := plans.Plan{Groups: map[string]plans.Limit{plans.OrganizationConnectionsWrite: plans.PerMinute(2, 1)}}
	inBubble(t, simulator.Config{Plan: slow}, func(t *testing.T, r *rig) {
		rows := pairs(1, 12)
		r.tenant.SeedPairs(rows)
		time.AfterFunc(5*time.Minute, func() { r.tenant.Disable(orgID(0), connID(11)) })
		r.run(rows)
		r.expect(rows, "disabled*11", "already_disabled")
		if gets := r.count(http.MethodGet); gets < 2 || gets > 4 {
			t.Errorf("%d reads in about ten minutes", gets)
		}
	})
}

// A list longer than a page is read to its end.
func TestReadsEveryPage(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		all := pairs(1, 130)
		r.tenant.SeedPairs(all)
		rows := []simulator.Pair{all[129], all[5]}
		r.run(rows)
		r.expect(rows, "disabled*2")
		if gets := r.count(http.MethodGet); gets != 2 {
			t.Errorf("%d reads of a list of two pages", gets)
		}
	})
}

// A list that never ends fills no memory.
func TestEndlessList(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		all := pairs(1, maxListed+200)
		r.tenant.SeedPairs(all)
		r.run(all[:1])
		r.expect(all[:1], "failed")
		if gets := r.count(http.MethodGet); gets != maxListed/apiclient.PageSize {
			t.Errorf("%d pages were read", gets)
		}
		if message := r.outcome(0).Message; !strings.Contains(message, "more than 1000 connections") {
			t.Errorf("message %q", message)
		}
	})
}

// Reads run about a minute of writes ahead, so that checks are young when they
// are acted on.
func TestReadsDoNotRunFarAhead(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "self-service")}, func(t *testing.T, r *rig) {
		rows := pairs(200, 1)
		r.tenant.SeedPairs(rows)
		r.settings.MaxDuration = journal.Duration(150 * time.Second)
		r.run(rows)
		gets, deletes := r.count(http.MethodGet), r.count(http.MethodDelete)
		// 25 writes a minute are a minute ahead; reads could be 125 by then.
		if ahead := gets - deletes; ahead < 5 || ahead > 40 {
			t.Errorf("%d reads and %d writes", gets, deletes)
		}
	})
}

// A check that grew too old while its row waited for its turn is not acted on: the
// organization is read again, and by then the row would lock it out.
func TestOldCheckIsNotActedOn(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
		rows := pairs(4, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Disable(rows[3].OrganizationID, rows[3].ConnectionID)
		r.settings.MaxChanges = 3 // so that all is checked before the first write
		r.settings.Workers, r.settings.Timeout = 1, journal.Duration(time.Hour)
		slow := on(http.MethodDelete, simulator.Fault{Kind: simulator.Slow, Delay: checkAge + time.Minute})
		slow.Skip, slow.Times = 1, 1 // the second call; the third waits for its end
		r.tenant.Inject(slow)
		time.AfterFunc(time.Minute, func() {
			for _, p := range rows[:3] { // whichever is the last
				r.tenant.Disable(p.OrganizationID, simulator.SpareConnection)
			}
		})
		r.run(rows)
		got := r.outcomes(rows)
		slices.Sort(got)
		if want := []journal.Outcome{"already_disabled", "blocked", "disabled", "disabled"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// A list is as old as its request: the machine may have been suspended before the answer was
// read.
func TestLateListIsNotActedOn(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
		rows := pairs(1, 1)
		r.tenant.SeedPairs(rows)
		r.settings.Timeout = journal.Duration(time.Hour)
		r.tenant.Inject(on(http.MethodGet, simulator.Fault{Kind: simulator.Slow, Stage: simulator.AfterEffect, Delay: checkAge + time.Minute, Times: 1}))
		time.AfterFunc(time.Minute, func() { r.tenant.Disable(rows[0].OrganizationID, simulator.SpareConnection) })
		r.run(rows)
		r.expect(rows, "blocked")
	})
}

// A list in pages is as old as the request for its first page.
func TestListIsAsOldAsItsFirstPage(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		all := pairs(1, 130)
		r.tenant.SeedPairs(all)
		r.settings.Timeout = journal.Duration(time.Hour)
		r.tenant.Inject(on(http.MethodGet, simulator.Fault{Kind: simulator.Slow, Delay: checkAge + time.Minute, Times: 1}))
		r.run(all[:1])
		r.expect(all[:1], "disabled")
		if gets := r.count(http.MethodGet); gets != 4 {
			t.Errorf("%d reads, want two pages twice", gets)
		}
	})
}

// The intent of a row that is not sent because its check grew too old is taken back:
// if the run stops before the new read, the row is not told unknown.
func TestIntentOnAnOldCheckIsTakenBack(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
		rows := pairs(4, 1)
		r.tenant.SeedPairs(rows[:3])
		r.tenant.AddOrganization(orgID(3), "")
		r.settings.MaxChanges = 3 // so that all is checked before the first write
		r.settings.Workers, r.settings.Timeout = 1, journal.Duration(time.Hour)
		r.settings.MaxDuration = journal.Duration(checkAge + 2*time.Minute)
		r.tenant.Inject(on(http.MethodDelete, simulator.Fault{Kind: simulator.Slow, Delay: checkAge + time.Minute, Skip: 1, Times: 1}))
		time.AfterFunc(time.Minute, func() { r.tenant.Inject(on(http.MethodGet, simulator.Fault{Kind: simulator.Hang})) })
		r.run(rows)
		got := r.outcomes(rows)
		slices.Sort(got)
		if want := []journal.Outcome{"already_disabled", "disabled", "disabled", "not_attempted"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		intents := 0
		for _, rec := range r.records.all {
			if rec.Intent != nil {
				intents++
			}
		}
		if intents != 3 {
			t.Errorf("%d intents", intents)
		}
	})
}

// A list that is different each time it is read is not believed.
func TestListThatNeverSettles(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		r.tenant.SeedPairs(pairs(1, 150))
		var items []string
		for c := range 49 {
			items = append(items, fmt.Sprintf(`{"connection_id":%q}`, connID(100+c)))
		}
		r.tenant.Inject(simulator.Fault{
			Code: http.StatusOK, Method: http.MethodGet, Match: func(req *http.Request) bool { return req.URL.Query().Get("page") == "1" },
			Body: `{"enabled_connections":[` + strings.Join(items, ",") + `],"start":100,"limit":100,"total":149}`,
		})
		rows := []simulator.Pair{pair(0, 3), pair(0, 149), pair(0, 200)}
		r.run(rows)
		r.expect(rows, "failed*3")
		if gets, deletes := r.count(http.MethodGet), r.count(http.MethodDelete); gets != 2*maxFaults || deletes != 0 {
			t.Errorf("%d reads, %d deletes", gets, deletes)
		}
	})
}

// Half a list is not believed: what is missing from it may still be enabled.
func TestHalfAListIsNotBelieved(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(2, 15)
		r.tenant.SeedPairs(rows)
		var items []string
		for _, p := range rows[:10] {
			items = append(items, fmt.Sprintf(`{"connection_id":%q}`, p.ConnectionID))
		}
		r.tenant.Inject(simulator.Fault{
			Kind: simulator.Status, Code: 200, Method: http.MethodGet, Path: "/api/v2/organizations/" + orgID(0),
			Body: `{"enabled_connections":[` + strings.Join(items, ",") + `],"start":0,"limit":10,"total":15}`,
		})
		r.run(rows)
		r.expect(rows, "failed*15", "disabled*15")
		for _, p := range rows[:15] {
			if !r.enabled(p) {
				t.Errorf("%v was disabled", p)
			}
		}
	})
}

// A tenant that sends the same page again does not tell of the links after it.
func TestSamePageAgainIsNotTheEnd(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		r.tenant.SeedPairs(pairs(1, 2*apiclient.PageSize))
		var items []string
		for c := range apiclient.PageSize {
			items = append(items, fmt.Sprintf(`{"connection_id":%q}`, connID(c)))
		}
		r.tenant.Inject(simulator.Fault{
			Kind: simulator.Status, Code: 200, Method: http.MethodGet, Path: "/api/v2/organizations/" + orgID(0),
			Body: `{"enabled_connections":[` + strings.Join(items, ",") + `],"start":0,"limit":100,"total":200}`,
		})
		rows := []simulator.Pair{pair(0, 3), pair(0, 150)}
		r.run(rows)
		r.expect(rows, "failed*2")
	})
}

// A list of several pages that shifts while it is read is read again.
func TestListThatShiftsIsReadAgain(t *testing.T) {
	inBubble(t, simulator.Config{Latency: 100 * time.Millisecond}, func(t *testing.T, r *rig) {
		r.tenant.SeedPairs(pairs(1, 150))
		row := pair(0, 149)
		time.AfterFunc(200*time.Millisecond, func() { // between the two pages
			for c := range 60 {
				r.tenant.Disable(orgID(0), connID(c))
			}
		})
		r.run([]simulator.Pair{row})
		r.expect([]simulator.Pair{row}, "disabled")
	})
}
