package batch

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

// errStale says that a check is too old to act on.
var errStale = errors.New("the check is too old")

const messageUnchecked = "not checked before (--no-check)"

// writeAll sends the writes of the rows in the backlog.
func (r *Run) writeAll() {
	var pool errgroup.Group
	for {
		p, ok := r.backlog.pop()
		if !ok || !r.writePlan(&pool, p) {
			break
		}
	}
	_ = pool.Wait()
}

// writePlan sends the writes of a plan's rows, in their order; false where the
// run stops. The pool has no limit of its own: a row enters it when it is its
// turn, which is when there are not too many others and the throttle permits it.
func (r *Run) writePlan(pool *errgroup.Group, p *plan) bool {
	for i := range p.rows {
		permit, err := r.writes.turn()
		if err != nil {
			return false
		}
		pool.Go(func() error {
			r.safely(func() { r.write(p, i, permit) })
			return nil
		})
	}
	return true
}

// write sees a row of a plan, whose turn it is, through to its outcome.
func (r *Run) write(p *plan, i int, permit *throttle.Permit) {
	defer r.backlog.sent()
	for {
		var d decision
		intended := false
		reply := r.writes.do(permit, func(ctx context.Context) (err error) {
			if intended { // held back by 429s since
				intended = !r.retract(p, i)
			} else {
				d, err = r.intend(ctx, p, i)
				intended = err == nil
			}
			if err == nil && !intended {
				err = errStale
			}
			return err
		}, func(ctx context.Context) (*apiclient.Response, error) {
			return r.action.send(ctx, r.API, p.org, p.rows[i])
		})
		switch {
		case intended:
			reply.lost = reply.lost || p.unchecked && p.rows[i].lost
			r.settle(r.written(p, i, d, reply))
			return
		case !errors.Is(reply.err, errStale) || !r.checkAgain(p, i):
			return // as it was before
		}
		r.writes.expect(1)
		var err error
		if permit, err = r.writes.turn(); err != nil {
			return
		}
	}
}

// checkAgain reads a row's organization again, and says whether the row's call
// is still to be sent. Where it is not, the row has its outcome.
func (r *Run) checkAgain(p *plan, i int) bool {
	if reply := r.readAgain(p, time.Now().Add(-checkAge)); reply.err != nil {
		r.unread(p.rows[i], reply)
		return false
	}
	d, _ := p.decision(i)
	if d.outcome != "" {
		r.settle(decided(p.rows[i].Line, d))
	}
	return d.outcome == ""
}

// intend puts on disk that a row's call is about to be sent, and what the
// connection's settings were. It is asked with the permit in hand, so intents
// run ahead of their calls by no more than there may be turns.
func (r *Run) intend(ctx context.Context, p *plan, i int) (decision, error) {
	d, fresh := p.decision(i)
	if !fresh || d.outcome != "" { // another row's check may have decided this one
		return d, errStale
	}
	p.begin(i)
	intent := journal.Record{Intent: &journal.Intent{Line: p.rows[i].Line, Snapshot: d.snapshot}}
	err := r.Journal.Commit(ctx, stamp(intent))
	if err != nil && ctx.Err() == nil {
		r.journalFailed(err)
	}
	return d, err
}

// retract takes a row's intent back where its check has grown too old while the
// tenant's limit held its call back, and says whether it did.
func (r *Run) retract(p *plan, i int) bool {
	if !p.retract(i) {
		return false
	}
	r.record(journal.Record{Outcome: &journal.Outcome{
		Line: p.rows[i].Line, Outcome: journal.NotAttempted, Message: "its check grew too old before its call",
	}})
	return true
}

// written is the outcome of a row whose intent is on disk, by decision d.
func (r *Run) written(p *plan, i int, d decision, reply *reply) journal.Outcome {
	o := journal.Outcome{Line: p.rows[i].Line, Message: d.message, Call: reply.call()}
	earlier := reply.lost || p.rows[i].lost // an attempt that may have done it
	switch outcome := r.action.conclude(reply.class(), earlier, p.unchecked); {
	case reply.err == nil:
		o.Outcome = r.action.done()
		if p.unchecked {
			o.Message = messageUnchecked
		}
		return o
	case outcome != "":
		o.Outcome = outcome
		return o
	case reply.stopped && !reply.lost:
		o.Outcome, o.Message, o.Call = journal.NotAttempted, "the run stopped before its call", nil
		return o
	case r.action.ambiguous(reply) && r.understand(p, i, earlier, reply.err, &o):
		return o
	case reply.lost:
		o.Outcome = journal.Unknown
	case reply.class() == apiclient.NotFound:
		o.Outcome = journal.NotFound
	default:
		o.Outcome = journal.Failed
	}
	o.Message = reply.err.Error()
	return o
}

// understand reads an organization again to learn what became of a row whose
// call was refused. It says whether that could be told. The read is the row's
// own: one that began earlier may have been answered before the call was.
func (r *Run) understand(p *plan, i int, earlier bool, refusal error, o *journal.Outcome) bool {
	r.reads.expect(1)
	permit, err := r.reads.turn()
	if err != nil {
		return false
	}
	links, read := r.links(permit, p.org)
	if read.err != nil {
		return false
	}
	asked := p.rows[i]
	asked.lost = earlier
	d := r.action.decide([]row{asked}, links)[0]
	if d.outcome != r.action.already() && d.outcome != r.action.done() {
		d = decision{outcome: journal.Failed, message: refusal.Error()}
	}
	o.Outcome, o.Message = d.outcome, d.message
	return true
}
