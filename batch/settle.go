package batch

import (
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch/journal"
)

// settle records a row's outcome. The error ends the run: the journal cannot be
// written, or too many rows failed.
func (r *Run) settle(o journal.RowOutcome) error {
	if err := r.record(journal.Record{Outcome: &o}); err != nil {
		return err
	}
	r.books.now.add(o.Outcome)
	if o.Outcome.Changed() {
		r.books.found.Store(true)
	}
	r.logRow(o)
	return r.checkFailures()
}

// checkFailures returns why the run stops if too many rows failed by a call. Rows that
// failed by the lookup of their names are among them. The names that were found are no
// reason to let more of the other calls fail.
func (r *Run) checkFailures() error {
	failed := r.books.now.sum(func(o journal.Outcome) bool { return o.FailedByCall(r.Settings.MissingOK) })
	decided := r.books.now.sum(journal.Outcome.Reached)
	limit := r.Settings.MaxFailures
	if limit.Passed(failed, decided) || limit.Passed(failed+r.LookedUp.Failed, decided+r.LookedUp.Rows) {
		return &Stop{
			Code:   journal.ExitStopped,
			Reason: "--max-failures " + r.Settings.MaxFailures.String() + ": too many rows failed",
			Hint:   "results.csv says why each row failed",
		}
	}
	return nil
}

// logRow logs an outcome: a failed row as a warning, for whoever looks on. A row that
// --missing-ok may let pass is no failure while the run goes on.
func (r *Run) logRow(o journal.RowOutcome) {
	level := zap.DebugLevel
	switch failed := o.Outcome.Failed(r.Settings.MissingOK); {
	case failed && r.Failed != nil:
		r.Failed(o)
	case failed:
		level = zap.WarnLevel
	}
	entry := r.Log.Check(level, "row")
	if entry == nil {
		return
	}
	fields := []zap.Field{zap.Int("line", o.Line), zap.String("outcome", string(o.Outcome)), zap.String("message", o.Message)}
	if o.Call != nil {
		fields = append(fields, zap.Int("status", o.Call.Status), zap.Int("attempts", o.Call.Attempts))
	}
	entry.Write(fields...)
}

// record queues a record for the journal. The error ends the run: nothing may be
// sent that is not recorded.
func (r *Run) record(rec journal.Record) error {
	rec.At = time.Now().UTC()
	if err := r.Journal.Append(rec); err != nil {
		return journalFailed(err)
	}
	return nil
}
