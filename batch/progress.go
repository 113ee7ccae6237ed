package batch

import (
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

// Progress is how far a run is, for people.
type Progress struct {
	Of       string                  // what is counted, if it is not rows
	Rows     int                     // rows to work on
	Done     int                     // rows that were reached
	Outcomes map[journal.Outcome]int // of those
	Failed   int                     // rows that did not end as wanted
	Limited  int                     // calls answered by 429
	Holdup   Holdup
	Known    bool          // whether something is known of the bucket that holds the run back
	Tokens   float64       // left in that bucket
	ETA      time.Duration // until the last row, from the measured rates; 0 where they are not known yet

	PausedUntil time.Time // nothing is sent before, after a 429; zero: there is no pause
}

// Holdup is what holds a run back, in words.
type Holdup string

// What a run may wait for.
const (
	HeldByReads   Holdup = "reads"                // the tenant's limit on reads
	HeldByWrites  Holdup = "writes"               // the tenant's limit on writes
	HeldByLogs    Holdup = "reads of the log"     // the tenant's limit on them
	HeldByOthers  Holdup = "another user"         // who takes a large part of the bucket
	HeldByAnswers Holdup = "the tenant's answers" // slow ones, faults
	HeldByOutage  Holdup = "the end of an outage" // nobody knows when that is
	HeldByPause   Holdup = "the end of a pause"   // after a 429, until Progress.PausedUntil
	HeldByMaxRPS  Holdup = "--max-rps"
	Stopping      Holdup = "the last calls" // to end, after a stop
)

// greedy is the share of the refill from which on others hold a run back.
const greedy = 1.0 / 3

// Progress is how far the run is now.
func (r *Run) Progress() Progress {
	p := Progress{Rows: r.List.Counts().Pairs, Outcomes: map[journal.Outcome]int{}, Limited: r.callsSoFar().RateLimited}
	for _, c := range []*counts{&r.books.now, &r.books.earlier} {
		for outcome, rows := range c.snapshot() {
			p.Outcomes[outcome] += rows
			if outcome.Reached() {
				p.Done += rows
			}
		}
	}
	p.Failed = r.failedPairs(r.missingOK())
	r.addETA(&p)
	if r.stopping.Err() != nil {
		p.setStopping()
	}
	return p
}

// addETA adds when the run will be over, and what that is up to: of reads, reads of
// the log and writes, which go at the same time, the ones that take longest.
func (r *Run) addETA(p *Progress) {
	slow, holdup := r.reads.remaining(), HeldByReads
	writes, logs := r.writesRemaining(), r.logs.remaining()
	known := slow.known() && writes.known() && logs.known()
	if logs.time() > slow.time() {
		slow, holdup = logs, HeldByLogs
	}
	if r.Settings.NoCheck || !writes.known() || writes.time() > slow.time() {
		slow, holdup = writes, HeldByWrites
	}
	if known {
		p.ETA = slow.time()
	}
	p.addHoldup(slow, holdup, r.breaker.open())
	for _, calls := range []remaining{r.reads.remaining(), logs, writes} {
		p.addPause(calls)
	}
}

// addPause adds the pause of a caller that still has something to do.
func (p *Progress) addPause(a remaining) {
	if until := a.state.PausedUntil; a.calls >= 1 && until.After(p.PausedUntil) {
		p.Holdup, p.PausedUntil = HeldByPause, until
	}
}

// setStopping makes it the progress of a pool that stops.
func (p *Progress) setStopping() {
	p.Holdup, p.ETA, p.PausedUntil = Stopping, 0, time.Time{}
}

// addHoldup adds what holds back the calls that take longest, which are of this kind.
func (p *Progress) addHoldup(slow remaining, kind Holdup, outage bool) {
	p.Holdup, p.Known, p.Tokens = kind, slow.state.Known, slow.state.Content
	switch state := slow.state; {
	case outage:
		p.Holdup, p.ETA = HeldByOutage, 0
	case state.Waiting != throttle.Bucket && state.Waiting != throttle.MaxRPS:
		p.Holdup = HeldByAnswers
		p.ETA = max(p.ETA, slow.timeAsBefore())
	case state.Waiting == throttle.MaxRPS:
		p.Holdup = HeldByMaxRPS
	case state.Others > greedy*state.Refill:
		p.Holdup = HeldByOthers
	}
}

// remaining is what a caller has to do.
type remaining struct {
	calls float64
	state throttle.State
}

func (c *caller) remaining() remaining {
	state := c.throttle.State()
	return remaining{float64(state.Left), state}
}

// writesRemaining are the writes to come. Of the rows that are not checked yet, so
// many will need one as of those that are.
func (r *Run) writesRemaining() remaining {
	a := r.writes.remaining()
	if checked := float64(r.books.checked.rows.Load()); checked > 0 {
		unchecked := max(0, float64(r.books.todo.rows)-checked)
		a.calls = max(0, a.calls-unchecked) + unchecked*float64(r.books.checked.writes.Load())/checked
	}
	return a
}

// known reports whether it can be told how long the calls will take.
func (a remaining) known() bool { return a.calls < 1 || a.state.Rate > 0 }

// time is how long the calls will take, as far as pauses and the bucket decide.
func (a remaining) time() time.Duration {
	if a.calls < 1 || !a.known() {
		return 0
	}
	return a.pause() + time.Duration(a.calls/a.state.Rate*float64(time.Second))
}

// pause is how long nothing is sent yet.
func (a remaining) pause() time.Duration {
	if a.state.PausedUntil.IsZero() {
		return 0
	}
	return time.Until(a.state.PausedUntil)
}

// timeAsBefore is how long the calls will take where something else decides,
// if it goes on like this.
func (a remaining) timeAsBefore() time.Duration {
	if a.state.Sent == 0 {
		return 0
	}
	return time.Duration(a.calls / float64(a.state.Sent) * activeSeconds(a.state) * float64(time.Second))
}
