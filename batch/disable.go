package batch

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

// errStale says that a check is too old to act on.
var errStale = errors.New("the check is too old")

const messageUnchecked = "not checked before (--no-check)"

// disableAll sends the writes of the rows in the backlog.
func (r *Run) disableAll() {
	var pool errgroup.Group
	for {
		p, ok := r.backlog.pop()
		if !ok || !r.disablePlan(&pool, p) {
			break
		}
	}
	_ = pool.Wait()
}

// disablePlan sends the writes of a plan's rows, in their order; false where
// the run stops. The pool has no limit of its own: a row enters it when it is
// its turn, which is when a worker is free and the throttle permits the call.
func (r *Run) disablePlan(pool *errgroup.Group, p *plan) bool {
	for i := range p.rows {
		permit, err := r.writes.turn(false)
		if err != nil {
			return false
		}
		pool.Go(func() error {
			r.safely(func() { r.disable(p, i, permit) })
			return nil
		})
	}
	return true
}

// disable sees a row of a plan, whose turn it is, through to its outcome.
func (r *Run) disable(p *plan, i int, permit *throttle.Permit) {
	defer r.backlog.sent()
	for intended := false; ; {
		reply := r.writes.do(permit, func(ctx context.Context) (*apiclient.Response, error) {
			if !intended {
				if err := r.intend(ctx, p, i); err != nil {
					return nil, err
				}
				intended = true
			}
			return r.API.DisableConnection(ctx, p.org, p.rows[i].ConnectionID)
		})
		if intended {
			d, _ := p.decision(i)
			r.settle(written(p.rows[i].Line, reply, d, p.unchecked))
			return
		}
		if !errors.Is(reply.err, errStale) || !r.checkAgain(p, i) {
			return
		}
		r.writes.expect(1)
		var err error
		if permit, err = r.writes.turn(false); err != nil {
			return
		}
	}
}

// checkAgain reads a row's organization again, and says whether the row is
// still to be disabled. Where it is not, it has its outcome.
func (r *Run) checkAgain(p *plan, i int) bool {
	if reply := r.read(p); reply.err != nil {
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
// connection's settings were. It is asked with the permit in hand, so that
// intents never run ahead of their calls.
func (r *Run) intend(ctx context.Context, p *plan, i int) error {
	d, fresh := p.decision(i)
	if !fresh {
		return errStale
	}
	intent := journal.Record{Intent: &journal.Intent{Line: p.rows[i].Line, Snapshot: d.snapshot}}
	if err := r.Journal.Commit(ctx, stamp(intent)); err != nil {
		r.journalFailed(err)
		return err
	}
	return nil
}

// written is the outcome of a row whose intent is on disk.
func written(line int, reply *reply, d decision, unchecked bool) journal.Outcome {
	o := journal.Outcome{Line: line, Message: d.message, Call: reply.call()}
	var failure *apiclient.Error
	switch isError := errors.As(reply.err, &failure); {
	case reply.err == nil:
		o.Outcome = journal.Disabled
		if unchecked {
			o.Message = messageUnchecked
		}
		return o
	case reply.stopped && !reply.lost:
		o.Outcome, o.Message, o.Call = journal.NotAttempted, "the run stopped before its call", nil
		return o
	case isError && failure.Class == apiclient.NotFound && !unchecked:
		o.Outcome = journal.AlreadyDisabled
		if reply.lost {
			o.Outcome = journal.Disabled
		}
		return o
	case reply.lost:
		o.Outcome = journal.Unknown
	case isError && failure.Class == apiclient.NotFound:
		o.Outcome = journal.NotFound
	default:
		o.Outcome = journal.Failed
	}
	o.Message = failure.Error()
	return o
}
