package batch

import (
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

// A tenant that is out from the first call on is noticed within about a minute,
// or the answers that have begun by then, and costs no row.
func TestOutageFromTheStart(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"503":           status(503),
		"no answer":     {Kind: simulator.Hang},
		"reset at once": {Kind: simulator.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
				rows := pairs(20, 2)
				r.tenant.SeedPairs(rows)
				r.tenant.Inject(on("", fault))
				start := time.Now()
				if result := r.run(rows); result.ExitCode != ExitStopped {
					t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
				}
				if took := time.Since(start); took < time.Minute || took > 2*time.Minute {
					t.Errorf("the run took %s", took)
				}
				for _, o := range r.outcomes(rows) {
					if o != journal.NotAttempted {
						t.Errorf("a row is %s", o)
					}
				}
			})
		})
	}
}

// One organization that cannot be read, be it the first, is no outage.
func TestFirstRowBadIsNoOutage(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		bad := status(503)
		bad.Path = "/api/v2/organizations/" + orgID(0)
		r.tenant.Inject(bad)
		r.run(rows)
		r.expect(rows, "failed", "disabled*2")
	})
}
