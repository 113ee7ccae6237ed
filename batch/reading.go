package batch

import (
	"context"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// Directory is what can be asked of a tenant about what it has;
// *apiclient.Client is the real one.
type Directory interface {
	LinkLister
	OrganizationCount(ctx context.Context) (int, *apiclient.Response, error)
	ConnectionCount(ctx context.Context) (int, *apiclient.Response, error)
	Organizations(ctx context.Context, cursor string) ([]apiclient.Named, string, *apiclient.Response, error)
	Organization(ctx context.Context, id string) (apiclient.Named, *apiclient.Response, error)
	OrganizationByName(ctx context.Context, name string) (apiclient.Named, *apiclient.Response, error)
	Connections(ctx context.Context, name, cursor string) ([]apiclient.Named, string, *apiclient.Response, error)
}

// reading is work that only reads, and has no rows. Each of Auth0's groups of
// calls has a bucket of its own, and so a lane.
type reading struct {
	*lanes
	api Directory

	lists, byID, byName, connections, links *lane
}

// newReading takes headroom, pace and workers from the settings.
func newReading(api Directory, s journal.Settings, log *zap.Logger) *reading {
	r := &reading{api: api}
	r.lanes = newLanes(s, log, &r.lists, &r.byID, &r.byName, &r.connections, &r.links)
	return r
}

// failed stops the work for a call that came to nothing.
func (r *reading) failed(reply *reply) {
	if !reply.stopped {
		r.control.stop(&Stop{Code: journal.ExitStopped, Reason: reply.err.Error()})
	}
}

// foresee adds the calls so far, and when the work will be over, which is up to
// the slowest of these lanes.
func (r *reading) foresee(p *Progress, lanes ...*lane) {
	calls := r.calls()
	p.Limited = calls.RateLimited
	var slow ahead
	for _, l := range lanes {
		if todo := l.ahead(); slow.calls == 0 || todo.time() > slow.time() {
			slow = todo
		}
	}
	p.ETA = slow.time()
	p.hold(slow, HeldByReads, r.health.out())
	if p.Rows == 0 {
		p.ETA = 0 // the calls to come are not known either
	}
	if r.control.stopping.Err() != nil {
		p.Holdup, p.ETA = Stopping, 0
	}
}

// calls counts the calls so far.
func (r *reading) calls() journal.Calls {
	var calls journal.Calls
	for _, l := range r.all {
		calls.Reads += int(l.calls.Load())
		calls.Retries += int(l.retries.Load())
		calls.RateLimited += int(l.limited.Load())
	}
	return calls
}

// ask makes a call in its turn.
func ask[T any](l *lane, send func(context.Context) (T, *apiclient.Response, error)) (answer T, _ *reply) {
	reply := l.turn().call(func(ctx context.Context) (resp *apiclient.Response, err error) {
		answer, resp, err = send(ctx)
		return resp, err
	}, nil)
	return answer, reply
}

// pager gets the page of a list that begins at a cursor.
type pager func(ctx context.Context, cursor string) (items []apiclient.Named, next string, resp *apiclient.Response, err error)

// readPages reads a list page by page until it ends or visit has had enough. A
// tenant that ignores paging sends a page again; that ends the list.
func readPages(l *lane, get pager, visit func([]apiclient.Named) bool) *reply {
	begun := map[string]bool{} // by the first item of each page
	for cursor := ""; ; {
		var next string
		items, reply := ask(l, func(ctx context.Context) (items []apiclient.Named, resp *apiclient.Response, err error) {
			items, next, resp, err = get(ctx, cursor)
			return items, resp, err
		})
		if reply.err != nil || len(items) == 0 || begun[items[0].ID] {
			return reply
		}
		begun[items[0].ID] = true
		if !visit(items) || next == "" {
			return reply
		}
		cursor = next
	}
}
