package batch

import (
	"time"

	"github.com/orgconn/orgconn/batch/throttle"
)

// Progress is how far a run is, for people.
type Progress struct {
	Rows     int            // rows to work on
	Done     int            // rows that have an outcome
	Outcomes map[string]int // of those
	Lane     throttle.State // of the calls that the rows wait for: reads in a dry run, else writes
	Limited  int            // calls answered by 429
	Outage   bool
	ETA      time.Duration // until the last row, from the measured rates; 0 where they are not known yet
}

// Progress is how far the run is now.
func (r *Run) Progress() Progress {
	p := Progress{
		Rows:     r.List.Counts().Pairs,
		Outcomes: r.tally.snapshot(),
		Lane:     r.writes.throttle.State(),
		Limited:  r.reads.counts().limited + r.writes.counts().limited,
		Outage:   r.health.out(),
		ETA:      max(r.reads.eta(), r.writes.eta()),
	}
	if r.Settings.DryRun {
		p.Lane = r.reads.throttle.State()
	}
	for outcome, n := range r.before.snapshot() {
		p.Outcomes[outcome] += n
	}
	for _, n := range p.Outcomes {
		p.Done += n
	}
	return p
}

// eta is the time that the lane's calls to come will take.
func (l *lane) eta() time.Duration {
	l.mu.Lock()
	todo := l.todo
	l.mu.Unlock()
	rate := l.throttle.State().Rate
	if todo <= 0 || rate <= 0 {
		return 0
	}
	return time.Duration(float64(todo) / rate * float64(time.Second))
}
