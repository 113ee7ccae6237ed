package batch

import (
	"context"
	"maps"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

// sampleEvery is the time between two rate-limit samples in the journal.
const sampleEvery = 15 * time.Second

// tally counts the outcomes of rows that calls decided. It is safe for
// concurrent use.
type tally struct {
	mu       sync.Mutex
	outcomes map[journal.Outcome]int
}

func newTally() *tally { return &tally{outcomes: map[journal.Outcome]int{}} }

func (t *tally) add(outcome journal.Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcomes[outcome]++
}

// failed counts the rows that did not end as wanted.
func (t *tally) failed(missingOK bool) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.outcomes[journal.Blocked] + t.byCall(missingOK)
}

// failedByCall counts the rows that a call failed, of all that calls decided.
func (t *tally) failedByCall(missingOK bool) (failed, decided int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for outcome, n := range t.outcomes {
		if outcome != journal.NotAttempted {
			decided += n
		}
	}
	return t.byCall(missingOK), decided
}

// byCall requires that t.mu is held.
func (t *tally) byCall(missingOK bool) int {
	n := t.outcomes[journal.Failed] + t.outcomes[journal.Unknown]
	if !missingOK {
		n += t.outcomes[journal.NotFound]
	}
	return n
}

func (t *tally) snapshot() map[journal.Outcome]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.outcomes)
}

// settle records a row's outcome.
func (r *Run) settle(o journal.RowOutcome) {
	r.record(journal.Record{Outcome: &o})
	r.tally.add(o.Outcome)
	if o.Outcome == r.action.done() {
		r.found.Store(true)
	}
	r.logRow(o)
	failed, decided := r.tally.failedByCall(r.Settings.MissingOK)
	if r.Settings.MaxFailures.Passed(failed, decided) {
		r.control.stop(&Stop{
			Code:   journal.ExitStopped,
			Reason: "--max-failures " + r.Settings.MaxFailures.String() + ": too many rows failed",
			Hint:   "results.csv says why each row failed",
		})
	}
}

// logRow logs an outcome: a failed row as a warning, for whoever looks on.
func (r *Run) logRow(o journal.RowOutcome) {
	level := zap.DebugLevel
	switch o.Outcome {
	case journal.Blocked, journal.Failed, journal.Unknown:
		level = zap.WarnLevel
	case journal.NotFound:
		if !r.Settings.MissingOK {
			level = zap.WarnLevel
		}
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

// record queues a record for the journal. A journal that cannot be written
// stops the run: nothing may be sent that is not recorded.
func (r *Run) record(rec journal.Record) {
	if err := r.Journal.Append(stamp(rec)); err != nil {
		r.journalFailed(err)
	}
}

func (r *Run) journalFailed(err error) { r.control.stop(journalFailed(err)) }

func journalFailed(err error) *Stop {
	return &Stop{Code: journal.ExitStopped, Reason: err.Error(), Hint: "is the disk full?", Err: err}
}

func stamp(rec journal.Record) journal.Record {
	rec.At = time.Now().UTC()
	return rec
}

// sample records what the throttles know, a few times a minute.
func (r *Run) sample(ctx context.Context) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s := r.Sample()
			r.record(journal.Record{Sample: &s})
		case <-ctx.Done():
			return
		}
	}
}

// Sample is what the throttles know now.
func (r *Run) Sample() journal.Sample {
	return journal.Sample{
		Reads:  bucket(r.reads),
		Writes: bucket(r.writes),
		Calls: journal.Calls{
			Reads:       int(r.reads.calls.Load()),
			Writes:      int(r.writes.calls.Load()),
			Retries:     int(r.reads.retries.Load() + r.writes.retries.Load()),
			RateLimited: int(r.reads.limited.Load() + r.writes.limited.Load()),
		},
	}
}

func bucket(l *lane) journal.Bucket {
	state := l.throttle.State()
	return journal.Bucket{
		Burst:     state.Burst,
		Refill:    state.Refill,
		Others:    state.Others,
		Remaining: state.Content,
		ActiveS:   activeSeconds(state),
		Sent:      state.Sent,
	}
}

func activeSeconds(state throttle.State) float64 {
	if state.First.IsZero() {
		return 0
	}
	return state.Last.Sub(state.First).Seconds()
}
