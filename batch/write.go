package batch

import (
	"cmp"
	"context"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

const (
	messageUnchecked = "not checked before (--no-check)"
	messageTooOld    = "its check grew too old before its call"
	messageStopped   = "the run stopped before its call"

	messageNoOrganization = "the organization does not exist"
)

// writeAll starts the workers that write the rows in the queue.
func (r *Run) writeAll() error {
	if r.checksFirst() {
		r.queue.waitClosed()
		if err := r.checkChanges(); err != nil {
			return err
		}
	}
	for range writersPerCall * r.Settings.Workers {
		r.spawn(r.writeWorker)
	}
	return nil
}

// writeWorker writes rows from the queue, one after the other. A row gets its permit
// before anything else, so no more rows are begun than the tenant permits. An
// error ends the run.
func (r *Run) writeWorker() error {
	for o, row := range r.queue.all() {
		if err := r.write(o, row); err != nil {
			return err
		}
	}
	return context.Cause(r.stopping)
}

// write sees a row through to its outcome. Is its check fresh? Then the intent
// goes on disk, the call is sent, and the outcome is recorded. Else the
// organization is read again. An error ends the run.
func (r *Run) write(o *organization, row *row) error {
	defer r.queue.done()
	permit, err := r.writes.acquire()
	if err != nil {
		return err
	}
	for {
		over, err := r.writeOnce(o, row, permit)
		if over || err != nil {
			return err
		}
		toSend, err := r.checkAgain(o, row)
		if !toSend || err != nil {
			return err
		}
		if permit, err = r.writes.acquireExtra(); err != nil {
			return err
		}
	}
}

// writeOnce makes a row's call and settles the row, unless its check is too old to
// act on: then the row is not settled, and nothing more was sent. The permit ends here.
func (r *Run) writeOnce(o *organization, row *row, permit *throttle.Permit) (over bool, err error) {
	if !o.claim(row) {
		permit.Unused()
		return false, nil
	}
	id := journal.CorrelationID(r.RunID, row.Line, row.OrgID, row.ConnectionID)
	if err := r.intend(row, id); err != nil {
		permit.Unused()
		return false, err
	}
	reply, err := r.writes.do(permit,
		func(ctx context.Context) (*apiclient.Response, error) {
			return r.action.send(apiclient.WithCorrelationID(ctx, id), r.API, r.reads.known(), row)
		},
		func(lost bool) bool { return o.keepClaim(row, lost) }, row.faults)
	if reply.stale {
		row.attempts += reply.attempts
	}
	switch {
	case reply.stale && reply.lost: // the intent says that the call may have taken effect
		row.faults = reply.faults
		return false, nil
	case reply.stale:
		// This is not the row's end, so it is recorded and not settled.
		takenBack := journal.RowOutcome{Line: row.Line, Outcome: journal.NotAttempted, Message: messageTooOld}
		return false, r.record(journal.Record{Outcome: &takenBack})
	}
	return true, cmp.Or(err, r.settleWrite(o, row, reply))
}

// intend puts on disk that a row's call is about to be sent, under which id, and what
// the link's settings were.
func (r *Run) intend(row *row, id string) error {
	intent := journal.Record{At: time.Now().UTC(), Intent: &journal.Intent{Line: row.Line, CorrelationID: id, Snapshot: row.link}}
	if err := r.Journal.Commit(r.cutoff, intent); err != nil {
		return cmp.Or(context.Cause(r.cutoff), error(journalFailed(err)))
	}
	return nil
}

// checkAgain reads a row's organization again, and reports whether the row's call
// is still to be sent. If it is not, the row has its outcome. The read may be one that
// another row has begun too early for this one; then claim says so.
func (r *Run) checkAgain(o *organization, row *row) (toSend bool, err error) {
	reply, err := r.readAndDecideAgain(o, row)
	if err != nil {
		return false, err
	}
	checked := o.conclude(row, reply.err == nil)
	if reply.err != nil {
		return false, r.unread(reply, row)
	}
	if checked.Outcome != "" {
		return false, r.settle(checked)
	}
	return true, nil
}

// settleWrite records the outcome of a row whose intent is on disk.
func (r *Run) settleWrite(o *organization, row *row, reply *reply) error {
	lost := reply.lost || o.unchecked && row.maybeDone // a check would have told what earlier attempts did
	outcome := journal.RowOutcome{Line: row.Line, Message: row.message, Call: reply.record(), LastLogin: row.login.String()}
	if outcome.Call != nil {
		outcome.Call.Attempts += row.attempts
	}
	switch {
	case reply.err == nil:
		outcome.Outcome = r.action.done()
		if o.unchecked {
			outcome.Message = messageUnchecked
		}
		return r.settle(outcome)
	case reply.stopped && !lost:
		outcome.Outcome, outcome.Message, outcome.Call = journal.NotAttempted, messageStopped, nil
		return r.settle(outcome)
	case r.action.ambiguous(row, reply) && !o.unchecked:
		return r.settleAmbiguous(o, row, reply, outcome)
	case lost:
		outcome.Outcome = journal.Unknown
	case reply.class() == apiclient.NotFound:
		outcome.Outcome = journal.NotFound
	default:
		outcome.Outcome = journal.Failed
	}
	outcome.Message = reply.err.Error()
	return r.settle(outcome)
}

// settleAmbiguous settles a row whose answer contradicts its check. It goes by a new read of
// its organization. The read is the row's own: one that began earlier may have
// been answered before the call was.
func (r *Run) settleAmbiguous(o *organization, asked *row, reply *reply, outcome journal.RowOutcome) error {
	lost := reply.lost || asked.maybeDone                                // an earlier attempt may have done what the read shows
	outcome.Outcome, outcome.Message = journal.Failed, reply.err.Error() // unless the read tells more
	links, read, err := r.reads.readExtra(o.id)
	switch {
	case read.class() == apiclient.NotFound:
		outcome.Outcome, outcome.Message = journal.NotFound, messageNoOrganization
	case read.err != nil && lost:
		outcome.Outcome = journal.Unknown
	case read.err == nil:
		again := &row{Row: asked.Row, maybeDone: lost, wasOff: asked.wasOff || asked.link != nil}
		r.action.decide([]*row{again}, r.reads.known(), byID(links))
		if again.outcome == r.action.already() || again.outcome == r.action.done() {
			outcome.Outcome, outcome.Message = again.outcome, again.message
		}
	}
	return cmp.Or(err, r.settle(outcome))
}
