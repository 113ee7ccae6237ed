package batch

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient/simulator"
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
		r.tenant.SetPlan(simulator.Plan{Groups: map[string]simulator.Limit{
			simulator.OrganizationConnectionsWrite: simulator.PerMinute(5, 5), // takes twenty minutes
		}})
		r.settings.MaxChanges = len(rows)
		r.runWithoutSpares(append(rows, pair(0, 9))) // one more than that, and not there
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
