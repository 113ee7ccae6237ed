// Package throttle sends calls as fast as a tenant's token bucket allows, and
// no faster, without harm to others who use the same bucket. It learns the
// bucket from the answers: how large it is, how fast it fills, what others take.
//
// A Throttle serves one group of calls with one bucket. Workers Acquire a
// Permit before each call and say afterwards what came of it. The rule that
// decides is a type of its own, rule, without clock or lock; Throttle adds those
// and a queue.
package throttle

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Config is how much a Throttle leaves to others.
type Config struct {
	// Headroom is the share of the bucket, from 0 to 1, that is always left to
	// others. At least half a token is left in any case.
	Headroom float64
	// Pace is the limit that all throttles of a run share, in calls per second;
	// nil: none. Its burst must be at least 1.
	Pace *rate.Limiter
}

// Throttle hands out permits for the calls of one group. All methods are safe
// for concurrent use.
type Throttle struct {
	mu      sync.Mutex
	rule    rule
	pace    *rate.Limiter
	paid    *rate.Reservation // pace's token for the next call, once it is that call's turn
	repeats list.List         // of chan *Permit: repeated calls, which go first
	fresh   list.List         // of chan *Permit: new calls
	expect  int               // new calls to come, those queued included; negative: unknown

	waiting     Reason
	first, last time.Time

	wake chan struct{} // tells the dispatcher that something has changed
}

// New makes a Throttle that knows nothing of its bucket. It hands out nothing
// before Run is called.
func New(cfg Config) *Throttle {
	return &Throttle{
		rule:   rule{headroom: cfg.Headroom},
		pace:   cfg.Pace,
		expect: -1,
		wake:   make(chan struct{}, 1),
	}
}

// Run hands out permits until ctx ends. It is called once, in a goroutine of its
// own: a single dispatcher, because workers that each had a reservation for
// later could not be told of what is learned in the meantime. Calls that wait
// when ctx ends go on waiting for their own context.
func (t *Throttle) Run(ctx context.Context) {
	timer := time.NewTimer(forever)
	defer timer.Stop()
	for {
		timer.Reset(t.dispatch())
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		case <-timer.C:
		}
	}
}

// shortestSleep keeps rounding from waking the dispatcher again and again a
// nanosecond too early.
const shortestSleep = 50 * time.Microsecond

// dispatch hands out the permits that are due and returns the time until the
// next one.
func (t *Throttle) dispatch() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		queue := &t.repeats
		if queue.Len() == 0 {
			queue = &t.fresh
		}
		if queue.Len() == 0 {
			t.waiting = Idle
			return forever
		}
		now := time.Now()
		wait, reason := t.next(now)
		if wait > 0 {
			t.waiting = reason
			return max(wait, shortestSleep)
		}
		queue.Remove(queue.Front()).(chan *Permit) <- t.grant(now)
		if queue == &t.fresh && t.expect > 0 {
			t.expect--
		}
	}
}

// next is how long the next call has to wait, and for what; 0: it may go.
func (t *Throttle) next(now time.Time) (time.Duration, Reason) {
	wait, reason := t.rule.next(now, t.left())
	if wait > 0 || t.pace == nil {
		return wait, reason
	}
	if t.paid == nil {
		t.paid = t.pace.ReserveN(now, 1) // its turn among the throttles of the run
	}
	return t.paid.DelayFrom(now), MaxRPS
}

// left is the number of calls to come; negative: unknown.
func (t *Throttle) left() int {
	if t.expect < 0 {
		return -1
	}
	return max(t.expect, t.fresh.Len()) + t.repeats.Len()
}

func (t *Throttle) grant(now time.Time) *Permit {
	t.paid = nil
	if t.first.IsZero() {
		t.first = now
	}
	t.last = now
	return &Permit{throttle: t, call: t.rule.send(now)}
}

// Expect changes how many new calls are still to come, by a number that may be
// negative; it is unknown before the first change. Permits count it down. Repeated
// calls are not part of it, they are known by their waiting. With the last calls
// the bucket is spent down to the headroom, so a number too high wastes up to a
// bucket's worth of time at the end, and one too low takes from others too early.
func (t *Throttle) Expect(calls int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expect = max(t.expect, 0) + calls
	t.stir()
}

// Single allows one call in flight at most, to see whether an outage is over.
func (t *Throttle) Single(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rule.single = on
	t.stir()
}

// stir makes the dispatcher plan anew.
func (t *Throttle) stir() {
	select {
	case t.wake <- struct{}{}:
	default: // it is about to
	}
}

// Acquire waits for a permit to send one call. Calls go in the order in which
// they ask, but repeated ones (again) go before new ones. The only error is
// ctx's cause, when ctx ends first; then nothing may be sent.
func (t *Throttle) Acquire(ctx context.Context, again bool) (*Permit, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	queue := &t.fresh
	if again {
		queue = &t.repeats
	}
	granted := make(chan *Permit, 1)
	t.mu.Lock()
	place := queue.PushBack(granted)
	t.stir()
	t.mu.Unlock()
	select {
	case p := <-granted:
		return p, nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	queue.Remove(place) // nothing to do where it was granted just now
	t.stir()
	t.mu.Unlock()
	select {
	case p := <-granted:
		p.Unused()
	default:
	}
	return nil, context.Cause(ctx)
}

// Permit is the right to send one call. It ends by exactly one call of Answered
// or Unused.
type Permit struct {
	throttle *Throttle
	call     call
	done     bool
}

// Answered says what came back, be it nothing. It panics where the permit has
// ended already.
func (p *Permit) Answered(o Observation) {
	t := p.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	p.end()
	now := time.Now()
	t.rule.answered(now, p.call, o)
	t.last = now
	t.stir()
}

// Unused gives the permit back: nothing was sent. It panics where the permit
// has ended already.
func (p *Permit) Unused() {
	t := p.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	p.end()
	t.rule.unused(time.Now())
	t.stir()
}

// end is called with the throttle's lock held.
func (p *Permit) end() {
	if p.done {
		panic("throttle: permit used twice")
	}
	p.done = true
}

// State is what is known now.
func (t *Throttle) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.rule.state(time.Now(), t.left())
	if t.pace != nil {
		s.Rate = min(s.Rate, float64(t.pace.Limit()))
	}
	s.Waiting, s.Sent, s.Left = t.waiting, int(t.rule.sent), max(t.left(), 0)
	s.First, s.Last = t.first, t.last
	return s
}
