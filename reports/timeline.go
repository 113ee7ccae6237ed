package reports

import (
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

const (
	maxSteps  = 300                    // of a timeline, so that its size does not grow with the run
	firstStep = 100 * time.Millisecond // doubled as often as the run's length needs it
	maxPauses = 50                     // that are marked
)

// timeline is what a run did over its time at work: the pauses between its
// sittings are cut out.
type timeline struct {
	width  time.Duration // of a step
	steps  []step
	spans  []span
	pauses []pause // the first maxPauses
}

// step counts what was decided within a time of the timeline's width.
type step struct {
	kinds   [numKinds]int // rows
	written int           // answers to writes
}

// span is the time between two samples.
type span struct {
	from, to              time.Duration // at work
	reads, writes, limits int           // calls
	tokens                [2]float64    // of reads and writes, at the end
	known                 [2]bool
}

// pause is the time between two sittings.
type pause struct{ at, length time.Duration }

// add adds a record of a sitting that began after offset at work. The answer to
// a write is one for a row whose intent came before.
func (t *timeline) add(rec journal.Record, s *sitting, written bool) {
	at := s.offset + max(0, rec.At.Sub(s.started))
	switch {
	case rec.Outcome != nil && rec.Outcome.Outcome.Decided():
		st := t.step(at)
		st.kinds[kindOf(rec.Outcome.Outcome)]++
		if written {
			st.written++
		}
	case rec.Sample != nil:
		t.sample(*rec.Sample, s, at)
	case rec.End != nil:
		t.sample(rec.End.Final, s, at)
	}
}

// step returns the step of a time.
func (t *timeline) step(at time.Duration) *step {
	if t.width == 0 {
		t.width = firstStep
	}
	for at/t.width >= maxSteps {
		t.halve()
	}
	for len(t.steps) <= int(at/t.width) {
		t.steps = append(t.steps, step{})
	}
	return &t.steps[at/t.width]
}

// halve makes one step of two.
func (t *timeline) halve() {
	t.width *= 2
	for i, st := range t.steps {
		if i%2 == 0 {
			t.steps[i/2] = st
			continue
		}
		t.steps[i/2].add(st)
	}
	t.steps = t.steps[:(len(t.steps)+1)/2]
}

func (s *step) add(other step) {
	for kind, n := range other.kinds {
		s.kinds[kind] += n
	}
	s.written += other.written
}

// sample adds what happened since the sitting's last sample, which is still in s.
func (t *timeline) sample(now journal.Sample, s *sitting, at time.Duration) {
	if len(t.spans) == maxSteps {
		t.joinSpans()
	}
	last := s.sample
	from := s.offset
	if n := len(t.spans); n > 0 {
		from = max(from, t.spans[n-1].to)
	}
	t.spans = append(t.spans, span{
		from: from, to: max(from, at),
		reads:  now.Calls.Reads - last.Calls.Reads,
		writes: now.Calls.Writes - last.Calls.Writes,
		limits: now.Calls.RateLimited - last.Calls.RateLimited,
		tokens: [2]float64{now.Reads.Remaining, now.Writes.Remaining},
		known:  [2]bool{now.Reads.Refill > 0, now.Writes.Refill > 0},
	})
}

// joinSpans makes one span of two.
func (t *timeline) joinSpans() {
	for i := 0; i+1 < len(t.spans); i += 2 {
		a, b := t.spans[i], t.spans[i+1]
		b.from = a.from
		b.reads, b.writes, b.limits = a.reads+b.reads, a.writes+b.writes, a.limits+b.limits
		t.spans[i/2] = b
	}
	t.spans = t.spans[:len(t.spans)/2]
}

// pause notes that the run was gone on with after a pause.
func (t *timeline) pause(at, length time.Duration) {
	if len(t.pauses) < maxPauses {
		t.pauses = append(t.pauses, pause{at, max(0, length)})
	}
}
