package batch

import (
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

const (
	// readsAhead is how many seconds' worth of writes the reads run ahead.
	readsAhead = 60
	// leastAhead is how many rows reads are ahead before the writes' rate is
	// known, and mostAhead bounds the memory that they take.
	leastAhead = 10
	mostAhead  = 10_000
)

// checkAll checks every organization of the list, as far ahead of the writes
// as it should be. Where nothing is to be checked every pair is a change.
func (r *Run) checkAll() {
	defer r.backlog.close()
	var pool errgroup.Group
	for org, rows := range r.organizations() {
		if !r.mayReadOn() {
			break
		}
		if r.Settings.NoCheck {
			r.hand(&plan{org: org, rows: rows, unchecked: true}, int(r.changes.Add(int64(len(rows)))))
			continue
		}
		turn := r.reads.turn()
		if turn.err != nil {
			break
		}
		pool.Go(func() error {
			r.safely(func() { r.check(&plan{org: org, rows: rows}, turn) })
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
		return int(min(max(leastAhead, readsAhead*r.writes.throttle.State().Rate), mostAhead))
	})
}

// check decides an organization's rows, when it is its turn: those that need no
// write get their outcome, the others go to the backlog.
func (r *Run) check(p *plan, turn *turn) {
	defer r.checked.rows.Add(int64(len(p.rows)))
	if reply := r.readWith(turn, p); reply.err != nil {
		for _, row := range p.rows {
			r.writes.expect(-1)
			r.unread(row, reply)
		}
		return
	}
	changes := 0
	var pending []*row
	for _, row := range p.rows {
		d := row.decision
		if d.outcome == "" || d.outcome == r.action.done() {
			changes++
		}
		if d.outcome == "" {
			pending = append(pending, row)
			if !r.Settings.DryRun {
				continue
			}
			d.outcome = r.action.would()
		}
		r.writes.expect(-1)
		r.settle(decided(row.Line, d))
	}
	p.rows = pending
	r.checked.writes.Add(int64(len(pending)))
	r.hand(p, int(r.changes.Add(int64(changes))))
}

// hand gives a checked organization to the writes, unless the run makes none,
// or too many.
func (r *Run) hand(p *plan, changes int) {
	switch {
	case r.Settings.DryRun || len(p.rows) == 0:
	case r.checksWhole() && changes > r.Settings.MaxChanges:
		r.control.stop(tooManyChanges(r.Settings.MaxChanges, changes))
	default:
		r.backlog.push(p)
	}
}

// readAgain reads a plan's organization again, where its check is from before
// since. What several rows ask for is read once for all.
func (r *Run) readAgain(p *plan, since time.Time) *reply {
	answer, _, _ := r.rereads.Do(p.org, func() (any, error) {
		if p.checkedSince(since) {
			return &reply{}, nil
		}
		return r.readWith(r.reads.extra(), p), nil
	})
	return answer.(*reply)
}

// readWith reads an organization's connections and decides the plan's rows by
// them.
func (r *Run) readWith(turn *turn, p *plan) *reply {
	links, reply := readLinks(turn, r.API, p.org)
	if reply.err == nil {
		r.found.Store(true)
		r.see(p, links)
		rows, left := p.open(links)
		p.check(rows, r.decide(rows, left))
	}
	return reply
}

// decide is what an organization's connections mean for its rows.
func (r *Run) decide(rows []*row, links []apiclient.Link) []decision {
	decisions := r.action.decide(rows, links)
	if len(links) > 0 {
		return decisions
	}
	for i := range decisions {
		if decisions[i].outcome == r.action.already() && !r.provesAbsence() {
			decisions[i].message = messageUnconfirmed
		}
	}
	return decisions
}

// unread settles a row whose organization could not be read. What an earlier
// attempt did is as unknown as before.
func (r *Run) unread(row *row, reply *reply) {
	o := journal.RowOutcome{Line: row.Line, Call: reply.call(), Outcome: journal.Failed}
	switch {
	case reply.stopped:
		return // as it was before
	case reply.class() == apiclient.NotFound:
		o.Outcome, o.Message, o.Call = journal.NotFound, "the organization does not exist", nil
	default:
		if row.lost {
			o.Outcome = journal.Unknown
		}
		o.Message = "read the organization's connections: " + reply.err.Error()
	}
	r.settle(o)
}

// decided is the outcome of a row that the check settled.
func decided(line int, d decision) journal.RowOutcome {
	return journal.RowOutcome{Line: line, Outcome: d.outcome, Message: d.message, Snapshot: d.snapshot}
}
