package batch

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

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
	for _, row := range p.rows {
		turn := r.writes.turn()
		if turn.err != nil {
			return false
		}
		pool.Go(func() error {
			r.safely(func() { r.write(p, row, turn) })
			return nil
		})
	}
	return true
}

// write sees a row of a plan, whose turn it is, through to its outcome. The intent
// is on disk before the call, and it is made with the turn in hand, so intents run
// ahead of their calls by no more than there may be turns.
func (r *Run) write(p *plan, row *row, turn *turn) {
	defer r.backlog.sent()
	for turn.err == nil {
		if p.begin(row) {
			if !r.intend(row) {
				turn.giveBack()
				return // as it was before
			}
			reply := turn.call(
				func(ctx context.Context) (*apiclient.Response, error) { return r.action.send(ctx, r.API, p.org, row) },
				func() bool { return p.retract(row) },
			)
			if !reply.stale {
				reply.lost = reply.lost || p.unchecked && row.lost
				r.settle(r.written(p, row, reply))
				return
			}
			r.record(journal.Record{Outcome: &journal.RowOutcome{
				Line: row.Line, Outcome: journal.NotAttempted, Message: "its check grew too old before its call",
			}})
		} else {
			turn.giveBack()
		}
		if !r.checkAgain(p, row) {
			return
		}
		turn = r.writes.extra()
	}
}

// intend puts on disk that a row's call is about to be sent, and what the
// connection's settings were.
func (r *Run) intend(row *row) bool {
	ctx := r.control.calls
	intent := journal.Record{Intent: &journal.Intent{Line: row.Line, Snapshot: row.decision.snapshot}}
	err := r.Journal.Commit(ctx, stamp(intent))
	if err != nil && ctx.Err() == nil {
		r.journalFailed(err)
	}
	return err == nil
}

// checkAgain reads a row's organization again, unless another row has just done
// so, and says whether the row's call is still to be sent. Where it is not, the row
// has its outcome.
func (r *Run) checkAgain(p *plan, row *row) bool {
	if reply := r.readAgain(p, time.Now().Add(-checkAge)); reply.err != nil {
		r.unread(row, reply)
		return false
	}
	d := p.outcome(row)
	if d.outcome != "" {
		r.settle(decided(row.Line, d))
	}
	return d.outcome == ""
}

// written is the outcome of a row whose intent is on disk.
func (r *Run) written(p *plan, row *row, reply *reply) journal.RowOutcome {
	o := journal.RowOutcome{Line: row.Line, Message: row.decision.message, Call: reply.call()}
	earlier := reply.lost || row.lost // an attempt that may have done it
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
	case r.action.ambiguous(reply) && r.understand(p.org, *row, earlier, reply.err, &o):
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
func (r *Run) understand(org string, asked row, earlier bool, refusal error, o *journal.RowOutcome) bool {
	links, read := readLinks(r.reads.extra(), r.API, org)
	if read.err != nil {
		return false
	}
	asked.lost = earlier
	d := r.action.decide([]*row{&asked}, links)[0]
	if d.outcome != r.action.already() && d.outcome != r.action.done() {
		d = decision{outcome: journal.Failed, message: refusal.Error()}
	}
	o.Outcome, o.Message = d.outcome, d.message
	return true
}
