package batch

import (
	"context"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

// sampleEvery is the time between two rate-limit samples in the journal.
const sampleEvery = 15 * time.Second

// sample records what the throttles know, a few times a minute. An error
// is ignored, as the next row's record fails, too.
func (r *Run) sample(ctx context.Context) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s := r.Sample()
			_ = r.record(journal.Record{Sample: &s})
		case <-ctx.Done():
			return
		}
	}
}

// Sample is what the throttles know now, with the calls of this invocation so far.
func (r *Run) Sample() journal.Sample {
	calls := r.callsSoFar()
	calls.Writes = int(r.writes.sent.Load())
	calls.Reads -= calls.Writes
	s := journal.Sample{Reads: r.reads.measured(), Writes: r.writes.measured(), Calls: calls.Plus(r.Lookups)}
	if r.Settings.ReadsLogins() {
		s.Logs = r.logs.measured()
	}
	return s
}
