package reports

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/orgconn/orgconn/batch/journal"
)

// The timeline counts every outcome and every write, however long the run is and
// even if the clock is set back, and its size stays bounded.
func TestTimelineCountsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ix := &index{rows: make(rowTable)}
		add := func(rec journal.Record) { ix.add(journal.Entry{Record: rec}) }
		rows, writes, pauses := 0, 0, 0
		now := start
		add(journal.Record{At: now, Header: runRecord().Header})
		for range rapid.IntRange(0, 1000).Draw(t, "records") {
			now = now.Add(time.Duration(rapid.Int64Range(-1e9, 1e13).Draw(t, "after")))
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0:
				add(journal.Record{At: now, Header: runRecord().Header})
				pauses++
			case 1:
				total := ix.invocations[len(ix.invocations)-1].sample.Calls.Writes + 7
				writes += 7
				add(journal.Record{At: now, Sample: &journal.Sample{Calls: journal.Calls{Writes: total}}})
			default:
				add(journal.Record{At: now, Outcome: &journal.RowOutcome{Outcome: journal.Disabled}})
				rows++
			}
		}
		counted := 0
		for _, st := range ix.timeline.steps {
			counted += st.rows[changed]
		}
		for _, s := range ix.timeline.spans {
			writes -= s.calls.Writes
		}
		if counted != rows || writes != 0 || len(ix.timeline.steps) > maxSteps || len(ix.timeline.spans) > maxSteps ||
			len(ix.timeline.pauses) != min(pauses, maxPauses) {
			t.Fatalf("%d rows of %d, %d writes left, %d steps, %d spans, %d pauses of %d", counted, rows, writes,
				len(ix.timeline.steps), len(ix.timeline.spans), len(ix.timeline.pauses), pauses)
		}
	})
}
