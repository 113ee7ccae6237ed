package batch

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch/journal"
)

// books are what a run counts.
type books struct {
	now     counts // outcomes of this invocation
	earlier counts // outcomes of earlier ones that are final
	todo    struct{ organizations, rows int }
	checked struct{ rows, writes atomic.Int64 } // rows of this invocation, and those that need a write
	changes atomic.Int64                        // rows that are or will be changed, by earlier invocations too
	found   atomic.Bool                         // an organization of the list exists
	listed  map[string]int                      // connections of the list; nil where nothing is checked
	seen    seen

	noConnection atomic.Int64 // rows whose connection does not exist
}

// counts are rows by outcome. The zero value is ready, and safe for concurrent
// use.
type counts struct {
	mu   sync.Mutex
	rows map[journal.Outcome]int
}

func (c *counts) add(outcome journal.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows == nil {
		c.rows = map[journal.Outcome]int{}
	}
	c.rows[outcome]++
}

// sum counts the rows whose outcome is one of those.
func (c *counts) sum(those func(journal.Outcome) bool) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for outcome, rows := range c.rows {
		if those(outcome) {
			n += rows
		}
	}
	return n
}

// failed counts the rows that did not end as wanted.
func (c *counts) failed(missingOK bool) int {
	return c.sum(func(o journal.Outcome) bool { return o.Failed(missingOK) })
}

// move counts a row under another outcome than before.
func (c *counts) move(from, to journal.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows[from]--
	c.rows[to]++
}

func (c *counts) snapshot() map[journal.Outcome]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.rows)
}

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
	failed := r.books.now.sum(func(o journal.Outcome) bool { return o.FailedByCall(r.Settings.MissingOK) })
	if r.Settings.MaxFailures.Passed(failed, r.books.now.sum(journal.Outcome.Decided)) {
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
