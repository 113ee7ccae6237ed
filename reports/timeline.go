package reports

import (
	"fmt"
	"strings"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

const (
	maxSteps  = 300                    // of a timeline, so that its size does not grow with the run
	firstStep = 100 * time.Millisecond // doubled until the run fits maxSteps
	maxPauses = 50                     // that the charts mark
	maxNamed  = 5                      // pauses that the text names
)

// timeline is what a run did over the time that it worked. It leaves out the pauses
// between invocations: all its times count from the start of the run, without them.
type timeline struct {
	stepWidth time.Duration
	steps     []step
	spans     []span
	pauses    []pause // the first maxPauses
}

// step counts what was answered within one stepWidth.
type step struct {
	rows         [numGroups]int
	writeAnswers int
}

// span is the time between two samples.
type span struct {
	from, to      time.Duration
	calls         journal.Calls
	reads, writes journal.Bucket // at the end
}

// pause is the time between two invocations.
type pause struct{ at, length time.Duration }

// add adds a record of an invocation. answersWrite says that the record is the
// outcome of a write.
func (t *timeline) add(rec journal.Record, inv *invocation, answersWrite bool) {
	at := inv.workedBefore + inv.until(rec.At)
	switch {
	case rec.Outcome != nil && rec.Outcome.Outcome.Reached():
		s := t.step(at)
		s.rows[groupOf(rec.Outcome.Outcome)]++
		if answersWrite {
			s.writeAnswers++
		}
	case rec.Sample != nil:
		t.sample(*rec.Sample, inv, at)
	case rec.End != nil:
		t.sample(rec.End.Final, inv, at)
	}
}

// step returns the step at a time.
func (t *timeline) step(at time.Duration) *step {
	if t.stepWidth == 0 {
		t.stepWidth = firstStep
	}
	for at/t.stepWidth >= maxSteps {
		t.joinSteps()
	}
	for len(t.steps) <= int(at/t.stepWidth) {
		t.steps = append(t.steps, step{})
	}
	return &t.steps[at/t.stepWidth]
}

// joinSteps joins each two steps into one.
func (t *timeline) joinSteps() {
	t.stepWidth *= 2
	for i, s := range t.steps {
		if i%2 == 0 {
			t.steps[i/2] = s
		} else {
			t.steps[i/2].add(s)
		}
	}
	t.steps = t.steps[:(len(t.steps)+1)/2]
}

func (s *step) add(other step) {
	for group, n := range other.rows {
		s.rows[group] += n
	}
	s.writeAnswers += other.writeAnswers
}

// sample adds what happened since the invocation's last sample, which is still in
// inv.
func (t *timeline) sample(now journal.Sample, inv *invocation, at time.Duration) {
	if len(t.spans) == maxSteps {
		t.joinSpans()
	}
	last := inv.sample.Calls
	from := inv.workedBefore
	if n := len(t.spans); n > 0 {
		from = max(from, t.spans[n-1].to)
	}
	t.spans = append(t.spans, span{
		from: from, to: max(from, at),
		calls: journal.Calls{
			Reads:       now.Calls.Reads - last.Reads,
			Writes:      now.Calls.Writes - last.Writes,
			RateLimited: now.Calls.RateLimited - last.RateLimited,
		},
		reads: now.Reads, writes: now.Writes,
	})
}

// joinSpans joins each two spans into one.
func (t *timeline) joinSpans() {
	for i := 0; i+1 < len(t.spans); i += 2 {
		a, b := t.spans[i], t.spans[i+1]
		b.from, b.calls = a.from, a.calls.Plus(b.calls)
		t.spans[i/2] = b
	}
	t.spans = t.spans[:len(t.spans)/2]
}

// pause records that the run was resumed after a pause.
func (t *timeline) pause(at, length time.Duration) {
	if len(t.pauses) < maxPauses {
		t.pauses = append(t.pauses, pause{at, max(0, length)})
	}
}

// pausesText describes the pauses of a run that was resumed; otherwise it is "".
func (ix *index) pausesText() string {
	pauses := ix.timeline.pauses
	if len(pauses) == 0 {
		return ""
	}
	var parts []string
	for _, p := range pauses[:min(len(pauses), maxNamed)] {
		parts = append(parts, fmt.Sprintf("%s after %s", secondsText(p.length.Seconds()), secondsText(p.at.Seconds())))
	}
	if more := len(ix.invocations) - 1 - len(parts); more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return ", with pauses between them: " + strings.Join(parts, ", ")
}

// column is what happened within a part of the time axis: in some steps, or in one
// span.
type column struct {
	from, to time.Duration
	step
	span
}

// perSecond is a rate over the column. It is 0 if the column has no width.
func (c column) perSecond(n int) float64 {
	if c.to <= c.from {
		return 0
	}
	return float64(n) / (c.to - c.from).Seconds()
}

// stepColumns joins steps into columns that are wide enough to be seen and to hold
// more than a few rows. length is that of the time axis.
func (t *timeline) stepColumns(length time.Duration) (columns []column) {
	if t.stepWidth == 0 {
		return nil
	}
	width := max(length/maxColumns, min(time.Second, length/8))
	joined := max(1, int((width+t.stepWidth-1)/t.stepWidth))
	for i := 0; i < len(t.steps); i += joined {
		c := column{from: time.Duration(i) * t.stepWidth, to: time.Duration(i+joined) * t.stepWidth}
		for _, s := range t.steps[i:min(i+joined, len(t.steps))] {
			c.step.add(s)
		}
		// The last column ends with the run. It keeps at least half its width,
		// because the rate in a very narrow column would mean nothing.
		c.to = min(c.to, max(length, c.from+time.Duration(joined)*t.stepWidth/2))
		columns = append(columns, c)
	}
	return columns
}

// spanColumns has a column for each span.
func (t *timeline) spanColumns() (columns []column) {
	for _, s := range t.spans {
		columns = append(columns, column{from: s.from, to: s.to, span: s})
	}
	return columns
}

// length is the length of the time axis for a run that worked this many seconds.
func (t *timeline) length(worked float64) time.Duration {
	length := time.Duration(worked * float64(time.Second))
	if n := len(t.spans); n > 0 {
		length = max(length, t.spans[n-1].to)
	}
	return max(length, time.Duration(len(t.steps)-1)*t.stepWidth, time.Millisecond)
}
