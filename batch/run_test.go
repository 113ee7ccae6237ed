package batch

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// inBubble runs a test of a run in virtual time.
func inBubble(t *testing.T, config simulator.Config, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t, config)) })
}

func limits(t *testing.T, name string) plans.Plan {
	p, ok := plans.ByName(name)
	if !ok {
		t.Fatalf("no plan %s", name)
	}
	return p
}

func TestDisablesEverythingOnceAndNothingTwice(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "private-500")}, func(t *testing.T, r *rig) {
		rows := pairs(50, 5)
		r.tenant.SeedPairs(rows)
		if result := r.run(rows); result.ExitCode != journal.ExitOK {
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
		if result := r.run(rows); result.ExitCode != journal.ExitOK {
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
		if result := r.run(rows); result.ExitCode != journal.ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "would_disable*80")
		if gets, all := r.count(http.MethodGet), r.count(""); gets != 27 || all != 27 {
			t.Errorf("%d reads of %d calls for 27 organizations", gets, all)
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

// Rows go in the order of the list.
func TestOrderOfTheList(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
		rows := pairs(30, 1)
		slices.Reverse(rows)
		r.tenant.SeedPairs(rows)
		r.settings.Workers, r.settings.MaxChanges = 1, len(rows) // so that all is checked before the first write
		r.tenant.AddOrganization(orgID(30), "")
		r.run(append(rows, pair(30, 0)))
		for i, call := range r.calls(http.MethodDelete) {
			at := slices.IndexFunc(rows, func(p simulator.Pair) bool { return strings.Contains(call.Path, p.OrganizationID) })
			if at < i-writersPerCall || at > i+writersPerCall {
				t.Errorf("row %d is sent as number %d", at, i)
			}
		}
	})
}

// --workers bounds the calls in flight.
func TestWorkers(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited"), Latency: time.Second}, func(t *testing.T, r *rig) {
		rows := pairs(30, 1)
		r.tenant.SeedPairs(rows)
		r.settings.Workers = 3
		start := time.Now()
		r.run(rows)
		r.expect(rows, "disabled*30")
		if took := time.Since(start); took < 20*time.Second || took > 26*time.Second {
			t.Errorf("60 calls of a second, of which 3 may be in flight, took %s", took)
		}
	})
}

// A dry run says how long it takes, though it has no writes.
func TestDryRunHasAnETA(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(100, 1)
		r.tenant.SeedPairs(rows)
		r.settings.DryRun = true
		start := time.Now()
		var said time.Duration
		r.during = func(run *Run) {
			if p := run.Progress(); p.ETA != 0 {
				t.Errorf("before the first answer the ETA is %s", p.ETA)
			}
			time.Sleep(20 * time.Second)
			said = 20*time.Second + run.Progress().ETA
		}
		r.run(rows)
		r.beside.Wait()
		if took := time.Since(start); (said - took).Abs() > took/20 {
			t.Errorf("the run took %s, after 20 s it said %s", took, said)
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

// A run keeps its pace from its first call on: a lookup of names may have sent one just before.
func TestMaxRPSAfterALookup(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(2, 1)
		r.tenant.SeedPairs(rows)
		r.name(2, 1)
		r.settings.MaxRPS = 1
		if _, stop := r.lookUp(new(list.Names), "org0,con0", "org1,con0"); stop != nil {
			t.Fatal(stop)
		}
		r.run(rows)
		calls := r.calls("GET")
		for i := 1; i < len(calls); i++ {
			if waited := calls[i].Time.Sub(calls[i-1].Time); waited < 900*time.Millisecond { // they take some time on their way
				t.Errorf("%s came %s after %s", calls[i].Path, waited, calls[i-1].Path)
			}
		}
	})
}

// However long calls wait to be sent, no more rows are begun than the tenant permits in two
// seconds: the burst of 10, 4 more, and the one that is just being sent.
func TestIntentsDoNotRunAhead(t *testing.T) {
	for name, c := range map[string]struct {
		lifetime time.Duration // of the token
		fault    simulator.Fault
	}{
		"for a token": {20 * time.Second, simulator.Fault{Kind: simulator.Slow, Delay: 25 * time.Second, Path: "/oauth/token", Skip: 1}},
		"for answers": {time.Hour, simulator.Fault{Kind: simulator.Slow, Delay: 30 * time.Second, Method: http.MethodDelete, Skip: 10, Times: 60}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{Plan: limits(t, "enterprise-nonprod"), TokenLifetime: c.lifetime}, func(t *testing.T, r *rig) {
				rows := pairs(200, 1)
				r.tenant.SeedPairs(rows)
				r.settings.NoCheck, r.settings.Workers, r.settings.Timeout = true, 24, journal.Duration(time.Minute)
				r.tenant.Inject(c.fault)
				r.run(rows)
				r.expect(rows, "disabled*200")
				calls, begun := r.calls("DELETE"), 0
				for _, rec := range r.records.all {
					if rec.Intent == nil {
						continue
					}
					begun++
					sent := map[string]bool{}
					for _, call := range calls {
						if call.Time.Before(rec.At) {
							sent[call.Path] = true
						}
					}
					if ahead := begun - len(sent); ahead > 15 {
						t.Fatalf("%d intents are ahead of their calls, %s after the first call", ahead, rec.At.Sub(calls[0].Time))
					}
				}
			})
		})
	}
}

// Nothing is held up to go out at once when it comes to an end: neither a token request
// that takes its time, nor calls in flight that get no answer for a while.
func TestNoBurstAfterAWait(t *testing.T) {
	for name, wait := range map[string]func(*rig){
		"for a token": func(r *rig) {
			r.tenant.Inject(simulator.Fault{Kind: simulator.Slow, Delay: 15 * time.Second, Path: "/oauth/token", Skip: 1})
		},
		"for answers": func(r *rig) {
			time.AfterFunc(4*time.Second, func() {
				r.tenant.Inject(simulator.Fault{Kind: simulator.Slow, Delay: 8 * time.Second, Times: r.settings.Workers})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{Plan: limits(t, "unlimited"), TokenLifetime: 20 * time.Second}, func(t *testing.T, r *rig) {
				rows := pairs(200, 1)
				r.tenant.SeedPairs(rows)
				r.settings.NoCheck, r.settings.MaxRPS, r.settings.Workers = true, 8, 16
				wait(r)
				r.run(rows)
				r.expect(rows, "disabled*200")
				calls := r.calls("DELETE")
				for i := 10; i < len(calls); i++ {
					if took := calls[i].Time.Sub(calls[i-10].Time); took < time.Second {
						t.Fatalf("11 calls within %s, %s after the first; at most 8 a second may be sent", took, calls[i].Time.Sub(calls[0].Time))
					}
				}
			})
		})
	}
}

// A call whose token is refused is repeated with a new one. That is a call like any other:
// it waits for its permit, and the throttle knows of it.
func TestRepeatWithANewTokenIsPaced(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
		rows := pairs(20, 1)
		r.tenant.SeedPairs(rows)
		for _, p := range rows[10:] {
			r.tenant.Inject(on("DELETE", onRow(p, status(http.StatusForbidden))))
		}
		r.settings.MaxRPS, r.settings.MaxFailures = 4, journal.Threshold{}
		r.settings.AllowLockout = true
		r.run(rows)
		r.expect(rows, "disabled*10", "failed*10")
		calls := r.tenant.Calls()
		slices.SortFunc(calls, func(a, b simulator.Call) int { return a.Time.Compare(b.Time) })
		calls = slices.DeleteFunc(calls, func(c simulator.Call) bool { return c.Bucket == "" })
		if want := 20 + 10 + 2*10; len(calls) != want {
			t.Errorf("%d calls, want %d", len(calls), want)
		}
		for i := 4; i < len(calls); i++ {
			if took := calls[i].Time.Sub(calls[i-4].Time); took < 900*time.Millisecond { // a token comes between permit and call
				t.Errorf("5 calls within %s, at most 4 a second may be sent", took)
			}
		}
	})
}

// A call that gave its permit back, and gets no other before the run stops, was not sent.
func TestStopWhileACallHasNoPermit(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[1], simulator.Fault{Kind: simulator.Slow, Delay: 6 * time.Second}))
		r.settings.NoCheck, r.settings.Workers, r.settings.MaxRPS = true, 1, 0.2
		r.settings.MaxDuration = journal.Duration(13 * time.Second) // between the third permit and another one
		r.run(rows)
		r.expect(rows, "disabled*2", "not_attempted")
		if !r.enabled(rows[2]) {
			t.Error("the third row is disabled")
		}
	})
}
