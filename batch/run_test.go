package batch

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
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
