package batch

import (
	"context"
	"sync"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// Directory is what can be asked of a tenant about what it has;
// *apiclient.Client is the real one.
type Directory interface {
	LinkLister
	OrganizationCount(ctx context.Context) (int, *apiclient.Response, error)
	Organizations(ctx context.Context, cursor string) ([]apiclient.Organization, string, *apiclient.Response, error)
	Organization(ctx context.Context, id string) (apiclient.Organization, *apiclient.Response, error)
	OrganizationByName(ctx context.Context, name string) (apiclient.Organization, *apiclient.Response, error)
	Connections(ctx context.Context, name, cursor string) ([]apiclient.Connection, string, *apiclient.Response, error)
}

// reading is work that only reads, and has no rows. Each of Auth0's groups of
// calls has a bucket of its own, and so a lane.
type reading struct {
	api     Directory
	log     *zap.Logger
	control *control
	health  *health

	lists, byID, byName, connections, links *lane
}

// newReading takes headroom, pace and workers from the settings.
func newReading(api Directory, s journal.Settings, log *zap.Logger) *reading {
	r := &reading{api: api, log: log, control: newControl()}
	r.health = newHealth(func(on bool) {
		for _, l := range r.lanes() {
			l.throttle.Single(on)
		}
	}, func() { r.control.stop(outOfReach()) })
	var pace *rate.Limiter
	if s.MaxRPS > 0 {
		pace = rate.NewLimiter(rate.Limit(s.MaxRPS), 1)
	}
	workers := make(chan struct{}, s.Workers)
	for _, l := range []**lane{&r.lists, &r.byID, &r.byName, &r.connections, &r.links} {
		*l = newLane(s.Headroom, pace, workers, r.control, r.health)
	}
	return r
}

func (r *reading) lanes() []*lane {
	return []*lane{r.lists, r.byID, r.byName, r.connections, r.links}
}

// do does the work. It returns why that stopped before its end; nil where it did
// not.
func (r *reading) do(ctx context.Context, work func()) *Stop {
	defer r.control.done()
	defer context.AfterFunc(ctx, func() { r.control.stop(stopFor(ctx)) })()
	background, end := context.WithCancel(context.Background())
	var throttles sync.WaitGroup
	for _, l := range r.lanes() {
		throttles.Go(func() { r.safely(func() { l.throttle.Run(background) }) })
	}
	r.safely(work)
	end()
	throttles.Wait()
	r.health.rest()
	return r.control.cause()
}

func (r *reading) safely(work func()) { r.control.safely(r.log, work) }

// failed stops the work for a call that came to nothing.
func (r *reading) failed(reply *reply) {
	if !reply.stopped {
		r.control.stop(&Stop{Code: ExitStopped, Reason: reply.err.Error()})
	}
}

// foresee adds the calls so far, and when the work will be over if it is up to
// one lane.
func (r *reading) foresee(p *Progress, slow *lane) {
	for _, l := range r.lanes() {
		counts := l.counts()
		p.Calls += counts.calls
		p.Limited += counts.limited
	}
	todo := ahead{float64(slow.left()), slow.throttle.State()}
	p.ETA = todo.time()
	p.hold(todo, HeldByReads, r.health.out())
	if p.Rows == 0 {
		p.ETA = 0 // the calls to come are not known either
	}
	if r.control.stopping.Err() != nil {
		p.Holdup, p.ETA = Stopping, 0
	}
}

// ask makes a call in its turn.
func ask[T any](l *lane, send func(context.Context) (T, *apiclient.Response, error)) (answer T, _ *reply) {
	permit, err := l.turn()
	if err != nil {
		return answer, stoppedReply(err)
	}
	reply := l.do(permit, nil, func(ctx context.Context) (resp *apiclient.Response, err error) {
		answer, resp, err = send(ctx)
		return resp, err
	})
	return answer, reply
}

// page is a page of a list.
type page[T any] struct {
	items []T
	next  string
}

// pager gets the page of a list that begins at a cursor.
type pager[T any] func(ctx context.Context, cursor string) ([]T, string, *apiclient.Response, error)

// readPages reads a list page by page until it ends or visit has had enough. A
// tenant that ignores paging sends a page again; that ends the list.
func readPages[T any](l *lane, get pager[T], id func(T) string, visit func([]T) bool) *reply {
	begun := map[string]bool{} // by the first item of each page
	for cursor := ""; ; {
		p, reply := ask(l, func(ctx context.Context) (p page[T], resp *apiclient.Response, err error) {
			p.items, p.next, resp, err = get(ctx, cursor)
			return p, resp, err
		})
		if reply.err != nil || len(p.items) == 0 || begun[id(p.items[0])] {
			return reply
		}
		begun[id(p.items[0])] = true
		if !visit(p.items) || p.next == "" {
			return reply
		}
		cursor = p.next
	}
}
