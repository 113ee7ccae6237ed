package batch

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/throttle"
)

const (
	// checkAge is how old a check may be when a row's call is sent.
	checkAge = 5 * time.Minute
	// readsAhead is how many seconds' worth of writes the reads run ahead.
	readsAhead = 60
	// leastAhead is how many rows reads are ahead before the writes' rate is
	// known.
	leastAhead = 10
)

const messageUnconfirmed = "the organization's existence is not confirmed: the tenant answers an empty list for one that does not exist, too"

// plan is an organization's rows, and what its last check says of them. It is
// safe for concurrent use.
type plan struct {
	org       string
	rows      []list.Row
	unchecked bool // --no-check: nothing was read

	mu        sync.Mutex
	decisions []decision // by row
	checkedAt time.Time
}

// decision is what the last check says of row i; fresh is false where that is
// too long ago to act on.
func (p *plan) decision(i int) (d decision, fresh bool) {
	if p.unchecked {
		return decision{}, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.decisions[i], time.Since(p.checkedAt) < checkAge
}

// young says whether the last check can be acted on.
func (p *plan) young() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.checkedAt) < checkAge
}

// check notes a new check.
func (p *plan) check(decisions []decision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decisions, p.checkedAt = decisions, time.Now()
}

// checkAll checks every organization of the list, as far ahead of the writes
// as it should be.
func (r *Run) checkAll() {
	defer r.backlog.close()
	var pool errgroup.Group
	for org := range r.List.Organizations() {
		if !r.mayReadOn() {
			break
		}
		permit, err := r.reads.turn(false)
		if err != nil {
			break
		}
		pool.Go(func() error {
			r.safely(func() { r.check(org, permit) })
			return nil
		})
	}
	_ = pool.Wait()
}

// mayReadOn waits until the next check is due; false where the run stops.
func (r *Run) mayReadOn() bool {
	if r.Settings.DryRun || r.checksWhole() {
		return r.control.stopping.Err() == nil
	}
	return r.backlog.waitBelow(func() int {
		return max(leastAhead, int(readsAhead*r.writes.throttle.State().Rate))
	})
}

// check decides an organization's rows, when it is its turn: those that need no
// write get their outcome, the others go to the backlog.
func (r *Run) check(org list.Organization, permit *throttle.Permit) {
	p := &plan{org: org.ID, rows: org.Rows}
	if reply := r.readWith(permit, p); reply.err != nil {
		for _, row := range org.Rows {
			r.writes.expect(-1)
			r.unread(row, reply)
		}
		return
	}
	writes := 0
	for i, row := range org.Rows {
		d := p.decisions[i]
		if d.outcome == "" {
			writes++
			if !r.Settings.DryRun {
				continue
			}
			d.outcome = journal.WouldDisable
		}
		r.writes.expect(-1)
		r.settle(decided(row.Line, d))
	}
	r.plan(p, writes)
}

// plan hands a checked organization to the writes.
func (r *Run) plan(p *plan, writes int) {
	changes := int(r.changes.Add(int64(writes)))
	switch {
	case r.Settings.DryRun || writes == 0:
	case r.checksWhole() && changes > r.Settings.MaxChanges:
		r.control.stop(tooManyChanges(r.Settings.MaxChanges, changes))
	default:
		r.backlog.push(p.pending(), writes)
	}
}

// pending is the plan without the rows that are decided.
func (p *plan) pending() *plan {
	rest := &plan{org: p.org, checkedAt: p.checkedAt}
	for i, d := range p.decisions {
		if d.outcome == "" {
			rest.rows = append(rest.rows, p.rows[i])
			rest.decisions = append(rest.decisions, d)
		}
	}
	return rest
}

// read reads a plan's organization again. A plan whose check is young already
// is left as it is, and one that several rows ask for is read once for all.
func (r *Run) read(p *plan) *reply {
	answer, _, _ := r.reading.Do(p.org, func() (any, error) {
		if p.young() {
			return &reply{}, nil
		}
		r.reads.expect(1)
		permit, err := r.reads.turn(false)
		if err != nil {
			return stoppedReply(err), nil
		}
		return r.readWith(permit, p), nil
	})
	return answer.(*reply)
}

// readWith reads an organization's connections and decides the plan's rows by
// them.
func (r *Run) readWith(permit *throttle.Permit, p *plan) *reply {
	links, reply := r.links(permit, p.org)
	if reply.err == nil {
		r.found.Store(true)
		r.see(p, links)
		p.check(r.decide(p.rows, links))
	}
	return reply
}

// decide is what an organization's connections mean for its rows.
func (r *Run) decide(rows []list.Row, links []apiclient.EnabledConnection) []decision {
	decisions := decide(rows, links, r.Settings.AllowLockout)
	if len(links) == 0 && !r.provesAbsence() {
		for i := range decisions {
			decisions[i].message = messageUnconfirmed
		}
	}
	return decisions
}

// links reads all connections of an organization, page by page. A tenant that
// ignores paging sends the same page again; that ends the list.
func (r *Run) links(permit *throttle.Permit, org string) ([]apiclient.EnabledConnection, *reply) {
	var links []apiclient.EnabledConnection
	known := map[string]bool{}
	for page := 0; ; page++ {
		var more bool
		var items []apiclient.EnabledConnection
		reply := r.reads.do(permit, func(ctx context.Context) (resp *apiclient.Response, err error) {
			items, more, resp, err = r.API.EnabledConnections(ctx, org, page)
			return resp, err
		})
		if reply.err != nil {
			return nil, reply
		}
		before := len(links)
		for _, item := range items {
			if !known[item.ConnectionID] {
				known[item.ConnectionID] = true
				links = append(links, item)
			}
		}
		if !more || len(links) == before {
			return links, reply
		}
		r.reads.expect(1)
		var err error
		if permit, err = r.reads.turn(false); err != nil {
			return nil, stoppedReply(err)
		}
	}
}

// unread settles a row whose organization could not be read.
func (r *Run) unread(row list.Row, reply *reply) {
	o := journal.Outcome{Line: row.Line, Call: reply.call(), Outcome: journal.Failed}
	switch {
	case reply.stopped:
		return // not attempted
	case reply.class() == apiclient.NotFound:
		o.Outcome, o.Message, o.Call = journal.NotFound, "the organization does not exist", nil
	default:
		o.Message = "read the organization's connections: " + reply.err.Error()
	}
	r.settle(o)
}

// decided is the outcome of a row that the check settled.
func decided(line int, d decision) journal.Outcome {
	return journal.Outcome{Line: line, Outcome: d.outcome, Message: d.message, Connection: d.snapshot}
}

// provesAbsence says whether an empty list is one of an organization that
// exists: whether the tenant answers 404 for one that does not. Auth0 does not
// document it, so the run asks once, at the first empty list, for an
// organization that cannot exist.
func (r *Run) provesAbsence() bool {
	proof, _, _ := r.reading.Do("", func() (any, error) {
		if known := r.proof.Load(); known != nil {
			return *known, nil
		}
		r.reads.expect(1)
		permit, err := r.reads.turn(false)
		if err != nil {
			return false, nil
		}
		_, reply := r.links(permit, "org_"+rand.Text()[:16])
		proof := reply.class() == apiclient.NotFound
		r.proof.Store(&proof)
		r.Log.Debug("asked for an organization that does not exist", zap.Bool("not_found", proof))
		return proof, nil
	})
	return proof.(bool)
}

// seen remembers which connections of the list some organization had although
// the list does not pair them: they exist, so they are no typing errors.
type seen struct {
	listed *list.Connections

	mu          sync.Mutex
	connections map[string]bool
}

func (r *Run) see(p *plan, links []apiclient.EnabledConnection) {
	paired := make(map[string]bool, len(p.rows))
	for _, row := range p.rows {
		paired[row.ConnectionID] = true
	}
	var fresh []string
	r.seen.mu.Lock()
	for _, link := range links {
		id := link.ConnectionID
		if !paired[id] && !r.seen.connections[id] && r.seen.listed.Has(id) {
			if r.seen.connections == nil {
				r.seen.connections = map[string]bool{}
			}
			r.seen.connections[id] = true
			fresh = append(fresh, id)
		}
	}
	r.seen.mu.Unlock()
	if len(fresh) > 0 {
		r.record(journal.Record{Seen: &journal.Seen{Connections: fresh}})
	}
}
