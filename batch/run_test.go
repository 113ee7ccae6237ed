package batch

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

// inBubble runs a test of a run in virtual time.
func inBubble(t *testing.T, config simulator.Config, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t, config)) })
}

func limits(t *testing.T, name string) simulator.Plan {
	p, ok := simulator.PlanByName(name)
	if !ok {
		t.Fatalf("no plan %s", name)
	}
	return p
}

func TestDisablesEverythingOnceAndNothingTwice(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "private-500")}, func(t *testing.T, r *rig) {
		rows := pairs(50, 5)
		r.tenant.SeedPairs(rows)
		if result := r.run(rows); result.ExitCode != ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled*250")
		if gets, deletes := r.count(http.MethodGet), r.count(http.MethodDelete); gets != 50 || deletes != 250 {
			t.Errorf("%d reads and %d deletes for 50 organizations and 250 rows", gets, deletes)
		}
		if got := r.tenant.Enabled(orgID(7)); len(got) != 1 || got[0].ConnectionID != simulator.SpareConnection {
			t.Errorf("left in an organization: %v", got)
		}
		r.records.all = nil
		if result := r.run(rows); result.ExitCode != ExitOK {
			t.Errorf("second run: exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "already_disabled*250")
		if deletes := r.count(http.MethodDelete); deletes != 250 {
			t.Errorf("the second run sent %d deletes", deletes-250)
		}
	})
}

func TestReadsEachOrganizationOnceWhateverTheOrder(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		var rows []simulator.Pair
		for c := range 4 {
			for o := range 30 {
				rows = append(rows, pair(o, c))
			}
		}
		r.tenant.SeedPairs(rows)
		r.run(rows)
		r.expect(rows, "disabled*120")
		if gets := r.count(http.MethodGet); gets != 30 {
			t.Errorf("%d reads for 30 organizations", gets)
		}
	})
}

func TestDryRunOnlyReads(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(27, 3)[:80]
		r.tenant.SeedPairs(rows)
		r.settings.DryRun = true
		if result := r.run(rows); result.ExitCode != ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "would_disable*80")
		if gets, all := r.count(http.MethodGet), r.count(""); gets != 27 || all != 27 {
			t.Errorf("%d reads of %d calls for 27 organizations", gets, all)
		}
	})
}

// Each kind of bad answer that is worth repeating, once on each row's write
// and once on each organization's read: nothing is lost by it.
func TestFaultsOnceOnEveryRow(t *testing.T) {
	faults := map[string]simulator.Fault{
		"408":                {Kind: simulator.Status, Code: 408},
		"429 at edge":        {Kind: simulator.Status, Code: 429},
		"500":                {Kind: simulator.Status, Code: 500},
		"502 behind limits":  {Kind: simulator.Status, Code: 502, Stage: simulator.AtHandler},
		"503 after effect":   {Kind: simulator.Status, Code: 503, Stage: simulator.AfterEffect},
		"524":                {Kind: simulator.Status, Code: 524},
		"html":               {Kind: simulator.Page},
		"reset before":       {Kind: simulator.Reset, Stage: simulator.AtHandler},
		"reset after":        {Kind: simulator.Reset, Stage: simulator.AfterEffect},
		"hang before":        {Kind: simulator.Hang, Stage: simulator.AtHandler},
		"hang after":         {Kind: simulator.Hang, Stage: simulator.AfterEffect},
		"truncated":          {Kind: simulator.Truncate},
		"200 html":           {Kind: simulator.Status, Code: 200, Body: "<html>maintenance</html>", ContentType: "text/html", Stage: simulator.AtHandler},
		"200 null":           {Kind: simulator.Status, Code: 200, Body: "null", Stage: simulator.AtHandler},
		"200 other object":   {Kind: simulator.Status, Code: 200, Body: `{"ok":true}`, Stage: simulator.AtHandler},
		"202":                {Kind: simulator.Status, Code: 202, Stage: simulator.AtHandler},
		"token revoked":      {Kind: simulator.Revoke},
		"token expired":      {Kind: simulator.Expire},
		"other 403":          {Kind: simulator.Status, Code: 403, ErrorCode: "access_denied"},
		"broken header 400":  {Kind: simulator.Status, Code: 400, ErrorCode: "Bearer"},
		"headers missing":    {Kind: simulator.Headers, Edit: simulator.DropRateLimit},
		"remaining negative": {Kind: simulator.Headers, Edit: simulator.RemainingNegative},
	}
	for name, fault := range faults {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			t.Run(name+" on "+method, func(t *testing.T) {
				inBubble(t, simulator.Config{Plan: limits(t, "private-500")}, func(t *testing.T, r *rig) {
					rows := pairs(10, 3)
					r.tenant.SeedPairs(rows)
					if fault.Kind == simulator.Revoke {
						r.settings.Workers = 1 // else one row's call revokes what another has just renewed
					}
					struck := r.tenant.Inject(once(on(method, fault)))
					result := r.run(rows)
					if result.ExitCode != ExitOK {
						t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
					}
					r.expect(rows, "disabled*30")
					if struck() < 10 {
						t.Errorf("the fault struck %d times only", struck())
					}
					for _, p := range rows {
						if r.enabled(p) {
							t.Errorf("%v is still enabled", p)
						}
					}
				})
			})
		}
	}
}

// What stops the run: every later row would end alike.
func TestRefusedCredentialsStopTheRun(t *testing.T) {
	cases := map[string]struct {
		fault simulator.Fault
		want  string
	}{
		"401":             {simulator.Fault{Kind: simulator.Expire}, "Expired token"},
		"403 scope":       {simulator.Fault{Kind: simulator.Status, Code: 403, ErrorCode: "insufficient_scope", Body: `{"statusCode":403,"error":"Forbidden","message":"Insufficient scope, expected any of: delete:organization_connections","errorCode":"insufficient_scope"}`}, "delete:organization_connections"},
		"403 other":       {simulator.Fault{Kind: simulator.Status, Code: 403}, "403"},
		"400 with Bearer": {simulator.Fault{Kind: simulator.Status, Code: 400, ErrorCode: "Bearer"}, "400"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
				rows := pairs(40, 2)
				r.tenant.SeedPairs(rows)
				c.fault.Skip = 5
				r.tenant.Inject(on(http.MethodDelete, c.fault))
				result := r.run(rows)
				if result.ExitCode != ExitCredentials || !strings.Contains(result.Reason(), c.want) {
					t.Errorf("exit %d: %q, want 3 with %q", result.ExitCode, result.Reason(), c.want)
				}
				if deletes := r.count(http.MethodDelete); deletes > 20 {
					t.Errorf("%d deletes were sent", deletes)
				}
				for i, p := range rows {
					if o := r.outcome(i).Outcome; (o == journal.Disabled) == r.enabled(p) {
						t.Errorf("row %d is %s, enabled %t", i, o, r.enabled(p))
					}
				}
			})
		})
	}
}

func TestFixedTokenIsNotRenewed(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		r.credentials = apiclient.Credentials{Token: "a.b.c"}
		result := r.run(rows)
		if result.ExitCode != ExitCredentials {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		if tokens := r.tenant.Count(http.MethodPost, "/oauth/token"); tokens != 0 {
			t.Errorf("%d tokens were asked for", tokens)
		}
	})
}

// A 400 is about one row, and about nothing else.
func TestRefusedRow(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(4, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[2], status(400)))
		if result := r.run(rows); result.ExitCode != ExitFailedRows {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled*2", "failed", "disabled")
		o := r.outcome(2)
		if o.Call.Status != 400 || o.Call.Attempts != 1 || o.Message == "" {
			t.Errorf("outcome %+v, call %+v", o, o.Call)
		}
	})
}

// After an answer that was lost, a refusal does not tell what happened before.
func TestRefusedAfterLostAnswer(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(2, 1)
		r.tenant.SeedPairs(rows)
		lost := onRow(rows[0], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AtHandler, Times: 1})
		refused := onRow(rows[0], status(400))
		refused.Skip = 1
		r.tenant.Inject(lost)
		r.tenant.Inject(refused)
		r.run(rows)
		r.expect(rows, "unknown", "disabled")
	})
}

func TestGivesUpAfterFiveAttempts(t *testing.T) {
	t.Run("write", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(60, 1)
			r.tenant.SeedPairs(rows)
			r.tenant.Inject(onRow(rows[1], status(503)))
			if result := r.run(rows); result.ExitCode != ExitFailedRows {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			r.expect(rows, "disabled", "unknown", "disabled*58")
			if o := r.outcome(1); o.Call.Attempts != 5 || o.Call.Status != 503 {
				t.Errorf("call %+v", o.Call)
			}
		})
	})
	t.Run("read", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(30, 2)
			r.tenant.SeedPairs(rows)
			r.tenant.Inject(simulator.Fault{Kind: simulator.Page, Method: http.MethodGet, Path: "/api/v2/organizations/" + orgID(1)})
			if result := r.run(rows); result.ExitCode != ExitFailedRows {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			r.expect(rows, "disabled*2", "failed*2", "disabled*56")
			if deletes := r.tenant.Count(http.MethodDelete, "/api/v2/organizations/"+orgID(1)); deletes != 0 {
				t.Errorf("%d deletes on the strength of a failed read", deletes)
			}
		})
	})
}

// 429s are no attempts, however many there are, and fail nobody.
func TestRateLimitedIsNotAnAttempt(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(10, 2)
		r.tenant.SeedPairs(rows)
		limited := on(http.MethodDelete, status(429))
		limited.Times = 12
		r.tenant.Inject(limited)
		if result := r.run(rows); result.ExitCode != ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled*20")
		for i := range rows {
			if attempts := r.outcome(i).Call.Attempts; attempts != 1 {
				t.Errorf("row %d: %d attempts", i, attempts)
			}
		}
	})
}

func TestNotFound(t *testing.T) {
	rows := pairs(3, 1)
	t.Run("organization, on the read", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.tenant.SeedPairs([]simulator.Pair{rows[0], rows[2]})
			if result := r.run(rows); result.ExitCode != ExitFailedRows {
				t.Errorf("exit %d", result.ExitCode)
			}
			r.expect(rows, "disabled", "not_found", "disabled")
		})
	})
	t.Run("is well with --missing-ok", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.tenant.SeedPairs(rows[:1])
			r.settings.MissingOK = true
			if result := r.run(rows); result.ExitCode != ExitOK {
				t.Errorf("exit %d", result.ExitCode)
			}
		})
	})
	t.Run("is not well where none was found", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.settings.MissingOK = true
			if result := r.run(rows); result.ExitCode != ExitFailedRows {
				t.Errorf("exit %d", result.ExitCode)
			}
		})
	})
	t.Run("on the write", func(t *testing.T) {
		inBubble(t, simulator.Config{DeleteMissingStatus: 404}, func(t *testing.T, r *rig) {
			r.tenant.SeedPairs(rows)
			// Somebody else is faster on row 0; on row 1 our own answer is lost.
			r.tenant.Inject(onRow(rows[0], status(404)))
			r.tenant.Inject(onRow(rows[1], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AfterEffect, Times: 1}))
			r.run(rows)
			r.expect(rows, "already_disabled", "disabled", "disabled")
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
	for _, unconfirmed := range []bool{false, true} {
		inBubble(t, simulator.Config{EmptyForUnknown: unconfirmed}, func(t *testing.T, r *rig) {
			for o := range 5 {
				r.tenant.AddOrganization(orgID(o), "")
			}
			r.run(rows)
			r.expect(rows, "already_disabled*5")
			if gets := r.count(http.MethodGet); gets != 6 {
				t.Errorf("%d reads, want 5 and one proof", gets)
			}
			if said := r.outcome(3).Message != ""; said != unconfirmed {
				t.Errorf("message %q", r.outcome(3).Message)
			}
		})
	}
}

// A link that is there and switched off is neither deleted nor a way in.
func TestLinkThatIsOff(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 2)
		r.tenant.Enable(orgID(0), simulator.DefaultSettings(connID(0)))
		r.tenant.Enable(orgID(0), simulator.EnabledConnection{ConnectionID: connID(1), Off: true})
		if result := r.run(rows); result.ExitCode != ExitFailedRows {
			t.Errorf("exit %d", result.ExitCode)
		}
		r.expect(rows, "blocked", "already_disabled")
		if deletes := r.count(http.MethodDelete); deletes != 0 {
			t.Errorf("%d deletes", deletes)
		}
	})
}

func TestOutage(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(40, 2)
		r.tenant.SeedPairs(rows)
		out := on(http.MethodDelete, status(503))
		out.Skip = 20
		r.tenant.Inject(out)
		start := time.Now()
		result := r.run(rows)
		if result.ExitCode != ExitStopped {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		// 20 rows take 7 s; then a minute without a good answer.
		if took := time.Since(start); took < time.Minute || took > 80*time.Second {
			t.Errorf("the run took %s", took)
		}
		counts := map[string]int{}
		for _, o := range r.outcomes(rows) {
			counts[o]++
		}
		if counts[journal.Disabled] != 20 || counts[journal.Failed] != 0 || counts[journal.NotAttempted] == 0 || counts[journal.Unknown] == 0 {
			t.Errorf("outcomes %v", counts)
		}
	})
}

func TestOutageThatEndsCostsNothing(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(20, 2)
		r.tenant.SeedPairs(rows)
		time.AfterFunc(5*time.Second, func() { r.tenant.Inject(on("", status(503))) })
		time.AfterFunc(50*time.Second, r.tenant.ClearFaults)
		if result := r.run(rows); result.ExitCode != ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled*40")
		if calls := r.count(""); calls > 200 {
			t.Errorf("%d calls: an outage is probed, not hammered", calls)
		}
	})
}

func TestMaxFailures(t *testing.T) {
	cases := []struct {
		bound    string
		bad      int // rows that are refused, the first ones
		exit     int
		decided  int // at most
		describe string
	}{
		{"3", 10, ExitStopped, 40, "rows"},
		{"50%", 99, ExitStopped, 160, "percent, once 100 rows are decided"},
		{"50%", 40, ExitFailedRows, 200, "a smaller share goes on"},
		{"0", 200, ExitFailedRows, 200, "never"},
	}
	for _, c := range cases {
		t.Run(c.describe, func(t *testing.T) {
			inBubble(t, simulator.Config{Plan: limits(t, "private-500")}, func(t *testing.T, r *rig) {
				rows := pairs(200, 1)
				r.tenant.SeedPairs(rows)
				refused := on(http.MethodDelete, status(400))
				refused.Times = c.bad
				r.tenant.Inject(refused)
				r.settings.MaxFailures = c.bound
				result := r.run(rows)
				if result.ExitCode != c.exit {
					t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
				}
				decided := 0
				for _, o := range r.outcomes(rows) {
					if o != journal.NotAttempted {
						decided++
					}
				}
				if decided > c.decided {
					t.Errorf("%d rows were decided before it stopped", decided)
				}
			})
		})
	}
}

func TestMaxChanges(t *testing.T) {
	setup := func(r *rig) []simulator.Pair {
		rows := pairs(20, 2)
		r.tenant.SeedPairs(rows)
		for _, p := range rows[:30] {
			r.tenant.Disable(p.OrganizationID, p.ConnectionID)
		}
		return rows
	}
	t.Run("kept", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := setup(r)
			r.settings.MaxChanges = 10
			if result := r.run(rows); result.ExitCode != ExitOK {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			r.expect(rows, "already_disabled*30", "disabled*10")
		})
	})
	t.Run("passed", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := setup(r)
			r.settings.MaxChanges = 9
			if result := r.run(rows); result.ExitCode != ExitStopped {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			if deletes := r.count(http.MethodDelete); deletes != 0 {
				t.Errorf("%d deletes", deletes)
			}
			r.expect(rows, "already_disabled*30", "not_attempted*10")
		})
	})
	t.Run("dry run says so", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := setup(r)
			r.settings.MaxChanges, r.settings.DryRun = 9, true
			result := r.run(rows)
			if result.ExitCode != ExitOK || !strings.Contains(result.Reason(), "--max-changes 9") {
				t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
			}
			r.expect(rows, "already_disabled*30", "would_disable*10")
		})
	})
	t.Run("without check every pair counts", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := setup(r)
			r.settings.MaxChanges, r.settings.NoCheck = 39, true
			if result := r.run(rows); result.ExitCode != ExitStopped {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			if calls := r.count(""); calls != 0 {
				t.Errorf("%d calls", calls)
			}
		})
	})
}

func TestStopsDrain(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise"), Latency: 2 * time.Second}, func(t *testing.T, r *rig) {
		rows := pairs(40, 2)
		r.tenant.SeedPairs(rows)
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(9*time.Second, func() { cancel(&Stop{Code: ExitTerminated, Reason: "terminated"}) })
		r.stop = ctx
		if result := r.run(rows); result.ExitCode != ExitTerminated {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		for i, p := range rows {
			if o := r.outcome(i).Outcome; o == journal.Unknown || (o == journal.Disabled) == r.enabled(p) {
				t.Errorf("row %d is %s, enabled %t", i, o, r.enabled(p))
			}
		}
	})
}

func TestMaxDuration(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(40, 2)
		r.tenant.SeedPairs(rows)
		r.settings.MaxDuration = "10s"
		start := time.Now()
		if result := r.run(rows); result.ExitCode != ExitStopped || !strings.Contains(result.Reason(), "--max-duration") {
			t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
		}
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("the run took %s", took)
		}
	})
}

// A call that hangs while the run stops gets ten seconds, and is then cut off:
// nobody knows what it did.
func TestDrainIsBounded(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[1], simulator.Fault{Kind: simulator.Hang, Stage: simulator.AfterEffect}))
		r.settings.MaxDuration = "2s"
		start := time.Now()
		r.run(rows)
		if took := time.Since(start); took < 12*time.Second || took > 13*time.Second {
			t.Errorf("the run took %s", took)
		}
		r.expect(rows, "disabled", "unknown", "disabled")
	})
}

// Nothing is sent that is not recorded.
func TestJournalThatFailsStopsTheRun(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(40, 1)
		r.tenant.SeedPairs(rows)
		sent := -1
		time.AfterFunc(5*time.Second, func() {
			r.records.mu.Lock()
			defer r.records.mu.Unlock()
			r.records.fail = errors.New("no space left on device")
			sent = r.count(http.MethodDelete)
		})
		result := r.run(rows)
		if result.ExitCode != ExitStopped || !strings.Contains(result.Reason(), "no space left") {
			t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
		}
		if deletes := r.count(http.MethodDelete); deletes > sent+1 {
			t.Errorf("%d deletes after the journal had failed", deletes-sent)
		}
	})
}

// An old check is repeated before it is acted on.
func TestOldCheckIsRepeated(t *testing.T) {
	slow := simulator.Plan{Groups: map[string]simulator.Limit{simulator.OrganizationConnectionsWrite: simulator.PerMinute(2, 1)}}
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

// Reads and writes overlap: the slower of the two decides, not their sum.
func TestReadsAndWritesAtTheSameTime(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(100, 1)
		r.tenant.SeedPairs(rows)
		start := time.Now()
		r.run(rows)
		r.expect(rows, "disabled*100")
		// 100 reads at 100 a minute with a burst of 10: 54 s; writes alone: 38 s.
		if took := time.Since(start); took > 60*time.Second {
			t.Errorf("the run took %s", took)
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

// A panic in a worker is a stop with its own code, not the end of the process.
func TestPanicIsAnInternalError(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(5, 1)
		r.tenant.SeedPairs(rows)
		onRow := onRow(rows[2], simulator.Fault{})
		match := onRow.Match
		onRow.Match = func(req *http.Request) bool {
			if match(req) {
				panic("a bug")
			}
			return false
		}
		onRow.Kind, onRow.Probability = simulator.Slow, 1
		r.tenant.Inject(onRow)
		if result := r.run(rows); result.ExitCode != ExitInternal || !strings.Contains(result.Reason(), "a bug") {
			t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
		}
	})
}

func TestMaxRPS(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
		rows := pairs(20, 4)
		r.tenant.SeedPairs(rows)
		r.settings.MaxRPS = 10
		start := time.Now()
		r.run(rows)
		r.expect(rows, "disabled*80")
		if took := time.Since(start); took < 9*time.Second || took > 13*time.Second {
			t.Errorf("100 calls at 10 a second took %s", took)
		}
	})
}

// Reads run about a minute of writes ahead, so that checks are young when they
// are acted on.
func TestReadsDoNotRunFarAhead(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "self-service")}, func(t *testing.T, r *rig) {
		rows := pairs(200, 1)
		r.tenant.SeedPairs(rows)
		r.settings.MaxDuration = "150s"
		r.run(rows)
		gets, deletes := r.count(http.MethodGet), r.count(http.MethodDelete)
		// 25 writes a minute are a minute ahead; reads could be 125 by then.
		if ahead := gets - deletes; ahead < 5 || ahead > 40 {
			t.Errorf("%d reads and %d writes", gets, deletes)
		}
	})
}

// Bad answers for one row alone are no outage, however many there are.
func TestOneBadRowIsNoOutage(t *testing.T) {
	h := newHealth(func(bool) { t.Error("an outage") }, func() {})
	call := &reply{resp: &apiclient.Response{Status: 503, Sent: time.Now()}}
	for range 3 * outageAnswers {
		if h.fault(call) {
			t.Fatal("an outage of one row")
		}
	}
}
