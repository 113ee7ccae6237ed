package batch

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

// settled is a scenario without chance: a tenant in which all of the list is
// enabled.
func settled(t *testing.T, planName string, rows []simulator.Pair) *scenario {
	s := &scenario{
		t: t, random: rand.New(rand.NewPCG(1, 1)), sheet: &sheet{}, rows: rows,
		tenant:   simulator.New(simulator.Config{Plan: limits(t, planName), Latency: 40 * time.Millisecond}),
		lines:    map[simulator.Pair]int{},
		had:      map[simulator.Pair]bool{},
		settings: journal.Settings{Headroom: 0.25, Workers: 128, Timeout: journal.Duration(5 * time.Second)},
	}
	s.tenant.SeedPairs(rows)
	for i, p := range rows {
		s.lines[p], s.had[p] = i+2, true
	}
	s.before = s.links()
	return s
}

// A journal that ends anywhere in its last outcome, or behind it, can be gone on with.
func TestJournalCutAtEveryByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := settled(t, "unlimited", pairs(2, 2))
		s.begin(journal.CommandDisable, s.list())
		if code := s.invocation(0, false); code != journal.ExitOK {
			t.Fatalf("exit %d", code)
		}
		whole := slices.Clone(s.disk.content)
		last := bytes.LastIndex(whole, []byte(`"outcome":{`))
		end := last + bytes.IndexByte(whole[last:], '\n')
		for cut := end - 80; cut <= end+20; cut++ {
			s.disk.content = slices.Clone(whole[:cut])
			if code := s.invocation(1, false); code != journal.ExitOK {
				t.Fatalf("cut at byte %d: exit %d", cut, code)
			}
			for line, outcome := range s.outcomes() {
				if outcome != journal.Disabled && outcome != journal.AlreadyDisabled {
					t.Fatalf("cut at byte %d: line %d is %s", cut, line, outcome)
				}
			}
		}
	})
}

// An outage in the middle of a run, another one while it is resumed, and then
// none: nothing of what is unknown is lost.
func TestOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := settled(t, "private-500", pairs(40, 3))
		s.begin(journal.CommandDisable, s.list())
		dark := simulator.Fault{Kind: simulator.Hang, Path: "/api/v2/"}
		time.AfterFunc(1*time.Second, func() {
			s.tenant.Inject(simulator.Fault{Kind: simulator.Hang, Stage: simulator.AfterEffect, Method: "DELETE", Probability: 0.5})
		})
		time.AfterFunc(3*time.Second, func() { s.tenant.Inject(dark) })
		start := time.Now()
		if code := s.invocation(0, false); code != journal.ExitStopped {
			t.Errorf("exit %d", code)
		}
		if took := time.Since(start); took < 55*time.Second || took > 85*time.Second {
			t.Errorf("the run took %s, of which 3 s were good", took)
		}
		unknown := s.checkSoFar()
		if len(unknown) == 0 {
			t.Fatal("no answer was lost")
		}

		s.tenant.ClearFaults()
		s.tenant.Inject(dark)
		if code := s.invocation(1, false); code != journal.ExitStopped {
			t.Errorf("resume into an outage: exit %d", code)
		}
		if again := s.checkSoFar(); !slices.Equal(again, unknown) {
			t.Errorf("unknown were lines %v, now %v", unknown, again)
		}

		s.tenant.ClearFaults()
		if code := s.invocation(2, false); code != journal.ExitOK {
			t.Errorf("resume: exit %d", code)
		}
		s.checkDisabled()
		s.begin(journal.CommandRestore, s.restorable())
		if code := s.invocation(0, false); code != journal.ExitOK {
			t.Errorf("restore: exit %d", code)
		}
		s.checkRestored(false)
	})
}

// checkSoFar holds the outcomes of a run that was stopped against the tenant,
// and returns the lines that are unknown.
func (s *scenario) checkSoFar() (unknown []int) {
	outcomes := s.outcomes()
	for p, line := range s.lines {
		switch outcome := outcomes[line]; outcome {
		case journal.Unknown:
			unknown = append(unknown, line)
		case journal.Disabled, journal.NotAttempted, journal.Failed: // failed: its organization could not be read
			if s.enabled(p) == (outcome == journal.Disabled) {
				s.t.Errorf("line %d is %s, enabled %t", line, outcome, s.enabled(p))
			}
		default:
			s.t.Errorf("line %d is %s", line, outcome)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// What earlier invocations changed counts for --max-changes: else each resume would
// allow as many again.
func TestMaxChangesOverAllInvocations(t *testing.T) {
	for limit, exit := range map[int]int{9: journal.ExitStopped, 10: journal.ExitOK} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(11, 1)
			r.tenant.SeedPairs(rows[:10])
			r.tenant.AddOrganization(orgID(10), "")
			r.settings.Limit = 4
			r.run(rows)
			r.settings.Limit, r.settings.MaxChanges = 0, limit
			if result := r.resume(rows); result.ExitCode != exit {
				t.Errorf("--max-changes %d, of which 4 were made before, with 6 to do: exit %d: %v", limit, result.ExitCode, result.Stop)
			}
			if deletes := r.count(http.MethodDelete); deletes > limit {
				t.Errorf("--max-changes %d: %d deletes", limit, deletes)
			}
		})
	}
}

// A row that an earlier invocation disabled, as is found out only now, is a change.
func TestMaxChangesWithLostAnswers(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[0], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AfterEffect, Times: 1}))
		refused := onRow(rows[0], status(400))
		refused.Skip = 1
		r.tenant.Inject(refused)
		r.settings.Limit = 1
		r.run(rows)
		r.expect(rows, "unknown", "not_attempted*2")
		r.settings.Limit, r.settings.MaxChanges = 0, 2
		if result := r.resume(rows); result.ExitCode != journal.ExitStopped {
			t.Errorf("3 changes where 2 are allowed: exit %d", result.ExitCode)
		}
		r.expect(rows, "disabled", "not_attempted*2")
	})
}

// --max-failures starts again with each invocation.
func TestMaxFailuresOfEarlierInvocations(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(6, 1)
		r.tenant.SeedPairs(rows[3:])
		r.settings.Limit = 3
		r.run(rows)
		r.settings.Limit = 0
		if err := r.settings.MaxFailures.UnmarshalText([]byte("2")); err != nil {
			t.Fatal(err)
		}
		if result := r.resume(rows); result.ExitCode != journal.ExitFailedRows {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "not_found*3", "disabled*3")
	})
}

// Organizations with rows never attempted come before those that failed: a list that
// fails at its beginning is done nevertheless.
func TestResumeBeginsWithUntriedRows(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(10, 1)
		r.tenant.SeedPairs(rows)
		r.settings.Workers, r.settings.Limit = 1, 4
		for _, p := range rows[:4] {
			r.tenant.Inject(onRow(p, status(400)))
		}
		r.run(rows)
		r.expect(rows, "failed*4", "not_attempted*6")
		r.settings.Limit = 0
		r.resume(rows)
		r.expect(rows, "failed*4", "disabled*6")
		for i, call := range r.calls(http.MethodDelete)[4:] {
			if failedBefore := call.Path < "/api/v2/organizations/"+orgID(4); failedBefore && i < 6-writersPerCall {
				t.Errorf("call %d of resume is %s", i, call.Path)
			}
		}
	})
}

// The end of an earlier invocation is not that of one that was killed.
func TestKilledInvocationHasNoEnd(t *testing.T) {
	r := newRig(t, simulator.Config{})
	r.records.all = []journal.Record{
		{Header: &journal.Header{}}, {End: &journal.End{ExitCode: journal.ExitOK}},
		{Header: &journal.Header{}}, {Intent: &journal.Intent{Line: 2}},
	}
	if h := r.replay(); h.End != nil || h.row(2).outcome != journal.Unknown {
		t.Errorf("end %+v, row %q", h.End, h.row(2).outcome)
	}
}

// A row that failed for good in an earlier invocation is still no success.
func TestResumeFailsByEarlierRows(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Disable(orgID(0), simulator.SpareConnection)
		r.settings.Limit = 1
		r.run(rows)
		r.settings.Limit = 0
		if result := r.resume(rows); result.ExitCode != journal.ExitFailedRows {
			t.Errorf("exit %d, though row 0 is blocked", result.ExitCode)
		}
		r.expect(rows, "blocked", "disabled*2")
	})
}

// With --missing-ok, a list of which no organization exists is of another tenant,
// whichever invocation looked for them.
func TestResumeOnTheWrongTenant(t *testing.T) {
	for found, exit := range map[int]int{0: journal.ExitFailedRows, 1: journal.ExitOK} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(4, 1)
			r.tenant.SeedPairs(rows[:found])
			r.settings.MissingOK, r.settings.Limit = true, 2
			r.run(rows)
			r.settings.Limit = 0
			result := r.resume(rows)
			if result.ExitCode != exit || strings.Contains(result.Reason(), "right tenant") != (exit == journal.ExitFailedRows) {
				t.Errorf("of 4 organizations %d exist: exit %d: %q", found, result.ExitCode, result.Reason())
			}
		})
	}
}

// The organization of a row whose connection does not exist was found, so the tenant is the
// right one.
func TestResumeKnowsTheTenantByMissingConnections(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := []simulator.Pair{{OrganizationID: orgID(0), ConnectionID: "con_mistyped00000001"}, pair(1, 0)}
		r.tenant.SeedPairs([]simulator.Pair{pair(0, 0), pair(1, 0)})
		r.connections = true
		r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 400, Path: "/api/v2/organizations/" + orgID(1)})
		r.run(rows)
		r.expect(rows, "not_found", "failed")
		r.tenant.ClearFaults()
		r.tenant.RemoveOrganization(orgID(1))
		if reason := r.resume(rows).Reason(); reason != "" {
			t.Errorf("reason %q", reason)
		}
		r.expect(rows, "not_found*2")
	})
}

// What an earlier attempt did stays unknown until an answer or a read tells. A row
// that it may have disabled must not be told failed, not_found or already_disabled:
// restore would forget it.
func TestUnknownRowIsResumed(t *testing.T) {
	tests := map[string]struct {
		noCheck bool
		set     func(*rig, simulator.Pair)
		want    string
	}{
		"not there any more": {false, func(r *rig, p simulator.Pair) {
			r.tenant.Disable(p.OrganizationID, p.ConnectionID)
		}, "disabled"},
		"still there": {false, func(*rig, simulator.Pair) {}, "disabled"},
		"takes effect while it is sent again": {false, func(r *rig, p simulator.Pair) {
			r.tenant.Inject(onRow(p, simulator.Fault{Kind: simulator.Slow, Delay: 10 * time.Second}))
			time.AfterFunc(5*time.Second, func() { r.tenant.Disable(p.OrganizationID, p.ConnectionID) })
		}, "disabled"},
		"takes effect while it is sent again, and then no read tells": {false, func(r *rig, p simulator.Pair) {
			r.tenant.Inject(onRow(p, simulator.Fault{Kind: simulator.Slow, Delay: 10 * time.Second}))
			time.AfterFunc(5*time.Second, func() {
				r.tenant.Disable(p.OrganizationID, p.ConnectionID)
				r.tenant.Inject(on(http.MethodGet, status(400)))
			})
		}, "unknown"},
		"its organization cannot be read": {false, func(r *rig, p simulator.Pair) {
			r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 400, Path: "/api/v2/organizations/" + p.OrganizationID})
		}, "unknown"},
		"not there, without check": {true, func(r *rig, p simulator.Pair) {
			r.tenant.Disable(p.OrganizationID, p.ConnectionID)
		}, "unknown"},
		"refused, without check": {true, func(r *rig, p simulator.Pair) {
			r.tenant.Inject(onRow(p, status(400)))
		}, "unknown"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{DeleteMissingStatus: 404}, func(t *testing.T, r *rig) {
				rows := pairs(2, 1)
				r.tenant.SeedPairs(rows)
				r.settings.NoCheck = test.noCheck
				r.tenant.Inject(onRow(rows[0], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AtHandler, Times: 1}))
				refused := onRow(rows[0], status(400))
				refused.Skip = 1
				r.tenant.Inject(refused)
				r.run(rows)
				r.expect(rows, "unknown", "disabled")
				r.tenant.ClearFaults()
				test.set(r, rows[0])
				r.resume(rows)
				r.expect(rows, test.want, "disabled")
			})
		})
	}
}

// A resume without a check reads no settings. Those that an earlier attempt has on record
// stay with the row, so that restore can give them back.
func TestResumeWithoutCheckKeepsSettings(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[0], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AfterEffect}))
		r.run(rows)
		r.expect(rows, "unknown")
		r.tenant.ClearFaults()
		r.settings.NoCheck = true
		r.resume(rows)
		r.expect(rows, "disabled")
		var last *journal.Intent
		intents := 0
		for _, rec := range r.records.all {
			if rec.Intent != nil {
				last = rec.Intent
				intents++
			}
		}
		if intents != 2 || last.Snapshot == nil {
			t.Errorf("after %d intents, the last one has no settings", intents)
		}
	})
}
