package batch

import (
	"math/rand/v2"
	"slices"
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

// A journal that ends anywhere in its last records can be gone on with.
func TestJournalCutAtEveryByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := settled(t, "unlimited", pairs(2, 2))
		s.begin(journal.CommandDisable, s.list())
		if code := s.invocation(0, false); code != journal.ExitOK {
			t.Fatalf("exit %d", code)
		}
		whole := slices.Clone(s.disk.content)
		for cut := len(whole) - 400; cut <= len(whole); cut++ {
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
