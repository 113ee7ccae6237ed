// Package throttle sends calls as fast as a tenant's token bucket allows,
// without harm to the other users of that bucket. It learns the bucket from the
// answers: its size, its refill rate, and what others take.
//
// A Throttle limits one group of calls that share a bucket. Workers Acquire a
// Permit before each call, tell it when the call is sent, and what the answer was.
// The type rule decides when the next call may go; it has no clock and no lock.
// Throttle adds both, and the queues of the calls that wait.
package throttle

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Config says how much a Throttle leaves to others.
type Config struct {
	// Headroom is the share of the bucket, from 0 to 1, that is always left to
	// others. Half a token is left in any case, but for a bucket of one.
	Headroom float64
	// Pace is the limit that all throttles of a run share, in calls per second.
	// Its burst must be at least 1. Nil means no limit.
	Pace *rate.Limiter
}

// Throttle hands out permits for the calls of one group. All methods are safe
// for concurrent use.
type Throttle struct {
	mu       sync.Mutex
	rule     rule
	pace     *rate.Limiter
	reserved *rate.Reservation // pace's token for the next call; nil: not reserved yet
	retries  list.List         // of chan *Permit: repeated calls, which go first
	newCalls list.List         // of chan *Permit
	unsent   list.List         // of *Permit: those whose calls are not sent yet, the oldest first
	expected int               // new calls to come, including the waiting ones; negative: Expect was never called

	waiting     Reason
	first, last time.Time

	wake chan struct{} // tells the dispatcher that something has changed
}

// New makes a Throttle that knows nothing about its bucket. It hands out no
// permits until Run is called.
func New(cfg Config) *Throttle {
	return &Throttle{
		rule:     rule{headroom: cfg.Headroom},
		pace:     cfg.Pace,
		expected: -1,
		wake:     make(chan struct{}, 1),
	}
}

// Run hands out permits until ctx ends. Call it once, in its own goroutine. It
// is the only dispatcher: if each worker reserved its own time to send, later
// answers could not change that time. Calls that still wait when ctx ends go on
// waiting until their own context ends.
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

// shortestSleep prevents the dispatcher from waking up again and again a
// nanosecond too early, because of rounding.
const shortestSleep = 50 * time.Microsecond

// dispatch hands out the permits that are due and returns the time until the
// next one.
func (t *Throttle) dispatch() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		queue := &t.retries
		if queue.Len() == 0 {
			queue = &t.newCalls
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
		if queue == &t.newCalls && t.expected > 0 {
			t.expected--
		}
	}
}

// maxUnsent is how long a call may have its permit without being sent; then no more permits
// are handed out. So no more calls get ready than the bucket allows in that time, however
// long they wait for an access token, a slow disk, or the answers to calls in flight. A disk
// that takes longer to sync slows the run down.
const maxUnsent = 2 * time.Second

// next returns how long the next call has to wait, and for what; 0: it may go.
func (t *Throttle) next(now time.Time) (time.Duration, Reason) {
	if oldest := t.unsent.Front(); oldest != nil && now.Sub(oldest.Value.(*Permit).call.sentAt) > maxUnsent {
		return forever, Unsent
	}
	wait, reason := t.rule.next(now, t.left())
	if wait > 0 || t.pace == nil {
		return wait, reason
	}
	if t.reserved == nil {
		t.reserved = t.pace.ReserveN(now, 1) // first come, first served among the run's throttles
	}
	return t.reserved.DelayFrom(now), MaxRPS
}

// left is the number of calls to come; negative: unknown.
func (t *Throttle) left() int {
	if t.expected < 0 {
		return -1
	}
	return max(t.expected, t.newCalls.Len()) + t.retries.Len()
}

func (t *Throttle) grant(now time.Time) *Permit {
	t.reserved = nil
	if t.first.IsZero() {
		t.first = now
	}
	t.last = now
	p := &Permit{throttle: t, call: t.rule.send(now)}
	p.place = t.unsent.PushBack(p)
	return p
}

// Expect adds calls, which may be negative, to the number of new calls to come.
// That number is unknown until the first Expect, and never below 0 from then on.
// Each permit for a new call lowers it by one; a retry counts only while it waits.
//
// The number says when the end begins, where the bucket is spent down to the
// headroom. If it is too high, the run ends later, by up to the time in which
// the bucket fills. If it is too low, others lose tokens too early.
func (t *Throttle) Expect(calls int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expected = max(max(t.expected, 0)+calls, 0)
	t.notify()
}

// HalfOpen sets the half-open state of a circuit breaker: while it is on, only
// one call at a time is let through. Its answer shows whether an outage is over.
func (t *Throttle) HalfOpen(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rule.halfOpen = on
	t.notify()
}

// notify makes the dispatcher decide again.
func (t *Throttle) notify() {
	select {
	case t.wake <- struct{}{}:
	default: // it has been notified already
	}
}

// Acquire waits for a permit to send one call. Calls go in the order in which
// they ask, but retries go before new calls. If ctx ends first, nothing may be
// sent, and the error is ctx's cause. There are no other errors.
func (t *Throttle) Acquire(ctx context.Context, retry bool) (*Permit, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	queue := &t.newCalls
	if retry {
		queue = &t.retries
	}
	granted := make(chan *Permit, 1)
	t.mu.Lock()
	place := queue.PushBack(granted)
	t.notify()
	t.mu.Unlock()
	select {
	case p := <-granted:
		return p, nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	queue.Remove(place) // does nothing if the permit was granted just now
	t.notify()
	t.mu.Unlock()
	select {
	case p := <-granted:
		p.Unused()
	default:
	}
	return nil, context.Cause(ctx)
}

// Permit is the right to send one call. It ends with exactly one call of
// Answered or Unused.
type Permit struct {
	throttle *Throttle
	call     call
	place    *list.Element // in the throttle's unsent
	done     bool
}

// Age is how long ago the permit was granted.
func (p *Permit) Age() time.Duration { return time.Since(p.call.sentAt) }

// Sent reports that the call is sent now. An answer says so, too.
func (p *Permit) Sent() {
	t := p.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unsent.Remove(p.place)
	if t.waiting == Unsent {
		t.notify()
	}
}

// Answered reports what came back, even if it was nothing. It panics if the
// permit has already ended.
func (p *Permit) Answered(o Observation) {
	t := p.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	p.end()
	now := time.Now()
	t.rule.answered(now, p.call, o)
	t.last = now
	t.notify()
}

// Unused gives the permit back if nothing was sent. It panics if the permit has
// already ended.
func (p *Permit) Unused() {
	t := p.throttle
	t.mu.Lock()
	defer t.mu.Unlock()
	p.end()
	t.rule.unused(time.Now())
	t.notify()
}

// end requires the throttle's lock.
func (p *Permit) end() {
	if p.done {
		panic("throttle: permit used twice")
	}
	p.throttle.unsent.Remove(p.place)
	p.done = true
}

// Reason says what the next call waits for.
type Reason int

const (
	Idle    Reason = iota // no call is waiting
	Probing               // the answer to the first call
	Bucket                // tokens
	Paused                // the end of a pause after 429s
	MaxRPS                // the run's own limit, Config.Pace
	Outage                // the answer to the one call that HalfOpen allows
	Unsent                // calls that have permits to be sent
)

// State is what a Throttle knows at one moment.
type State struct {
	// Known reports whether the tenant's bucket is known. If not, Burst, Refill,
	// Others and Content are 0. It takes a few seconds to measure Refill and
	// Others; they are 0 until then.
	Known   bool
	Burst   float64 // tokens that the full bucket holds
	Refill  float64 // tokens per second that the server adds, whoever takes them
	Others  float64 // tokens per second that other users take
	Content float64 // tokens in the bucket after the calls in flight have taken theirs
	// Rate is the calls per second to expect until the last call. If the number
	// of calls to come is known, it includes what is spent at the end.
	Rate float64

	Waiting     Reason    // what the next call waits for
	PausedUntil time.Time // end of the pause after 429s; zero if there is none now
	Sent        int       // calls that were let through and not given back
	Left        int       // calls to come; 0 if unknown

	First, Last time.Time // when the first call was let through, and the last let through or answered
}

// State returns what is known now.
func (t *Throttle) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	s := t.rule.state(now, t.left())
	if now.Before(t.rule.pausedUntil) {
		s.PausedUntil = t.rule.pausedUntil
	}
	if t.pace != nil {
		s.Rate = min(s.Rate, float64(t.pace.Limit()))
	}
	s.Waiting, s.Sent, s.Left = t.waiting, int(t.rule.sent-t.rule.returned), max(t.left(), 0)
	s.First, s.Last = t.first, t.last
	return s
}
