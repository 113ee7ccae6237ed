package throttle

import (
	"math"
	"time"
)

// rule decides when the next call may go. It contains all decisions of the
// throttle and has no clock, no lock and no goroutine.
//
// The server limits calls by a token bucket: it adds tokens at a constant rate
// until the bucket is full, and every call takes one. A call that finds no token
// is refused with a 429, whether it is ours or another user's. While calls
// remain, the rule keeps the bucket at a level near 70 %:
//
//	tokens
//	burst     ─┐                                  a full bucket loses its refill
//	           │
//	level      └╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮     one call for each token that is added
//	                                        │
//	                                        │
//	headroom  ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ └──   the others' share, never taken
//	zero      ─────────────────────────────────▶  time; an empty bucket: 429s for everybody
//	           probe       hold             end
//
// Probe: the first call goes alone, because nothing is known before its answer.
// Hold: any level below full passes the same number of calls per second, the
// refill rate. So a high level costs nothing, and others who come in a burst find
// tokens. End: as soon as the tokens above the headroom are enough for all
// remaining calls, these go at once. So no time is lost by holding tokens back.
//
// The type bucket estimates the server's bucket. The type blind finds a pace
// without usable headers. Times passed to the methods must not go backwards.
type rule struct {
	headroom float64   // share of the bucket that is left to others, 0 to 1
	buckets  []*bucket // usually one; two if the headers alternate between a group's and a global one
	blind    *blind    // nil, unless a bucket without usable headers limits calls
	hidden   bool      // such a bucket exists beside those of the headers, so blind stays

	sent     uint64 // calls let through
	returned uint64 // of these, those taken back
	lastSent time.Time
	inflight int
	halfOpen bool          // at most one call in flight
	rtt      time.Duration // usual round-trip time

	pausedUntil time.Time // nothing is sent before
	rounds      int       // round trips in a row that brought nothing but 429s
	roundEnd    uint64    // the newest call when the last of these rounds began

	samples    uint64  // answers with credible headers
	headerless int     // answers in a row without them
	mismatch   float64 // tokens of the estimate that the headers lack although calls succeed; added up over answers in a row
	distrusted bool    // headers are ignored from now on
}

// call is one that was let through.
type call struct {
	number uint64    // from 1
	sentAt time.Time // when it was let through; it is sent right then, as far as the rule knows
}

const (
	level       = 0.7 // of the bucket
	minHeadroom = 0.5 // tokens, of any bucket but one of a single token
	staleAfter  = 16  // samples after which a bucket that none of them named no longer limits calls
)

// next returns how long the next call has to wait, and for what; 0: it may go.
// Left is the number of calls to come, including this one; negative: unknown.
func (r *rule) next(now time.Time, left int) (time.Duration, Reason) {
	switch {
	case now.Before(r.pausedUntil):
		return r.pausedUntil.Sub(now), Paused
	case r.halfOpen && r.inflight > 0:
		return forever, Outage
	case r.probing() && r.inflight > 0:
		return forever, Probing
	}
	var wait time.Duration
	if r.blind != nil {
		wait = r.blind.wait(now)
	}
	for _, b := range r.buckets {
		if r.limits(b) {
			wait = max(wait, r.wait(b, now, left))
		}
	}
	return wait, Bucket
}

// probing reports whether nothing is known about the server yet.
func (r *rule) probing() bool { return len(r.buckets) == 0 && r.blind == nil }

// limits reports whether a bucket limits calls. One that was not named for a
// while does not: either calls run short in another bucket, or the tenant's
// limit was changed and the old one is gone.
func (r *rule) limits(b *bucket) bool { return r.samples-b.lastSample < staleAfter }

// wait is how long one bucket delays the next call.
func (r *rule) wait(b *bucket, now time.Time, left int) time.Duration {
	missing := r.floor(b, now, left) + 1 - b.content(now)
	if missing < 1.0/perToken {
		return 0
	}
	wait := b.timeFor(missing)
	if r.inflight == 0 {
		wait = min(wait, b.fullAt.Sub(now)) // the estimate may be wrong; an answer will correct it
	}
	if pace := b.minPace(); pace > 0 {
		wait = min(wait, r.lastSent.Add(inSeconds(1/pace)).Sub(now))
	}
	return max(wait, 0)
}

// floor is the number of tokens that the next call must leave: the level while
// calls remain, the headroom at the end.
func (r *rule) floor(b *bucket, now time.Time, left int) float64 {
	low := r.headroomOf(b.burst)
	// The end begins two round trips early. Then few calls are left to be retried
	// once all tokens are spent.
	end := left >= 0 && float64(left) <= b.content(now)-low+2*b.netRefill*r.rtt.Seconds()
	if end || b.mode.window {
		return low
	}
	// The calls of two round trips fit above the level, so that waiting for
	// answers never slows the run down.
	room := max(2, 1+b.netRefill*(2*r.rtt.Seconds()+b.mode.step(now)))
	return max(low, min(level*b.burst, b.burst-room))
}

// headroomOf is the number of tokens left to others in a bucket of this size.
func (r *rule) headroomOf(burst float64) float64 {
	return min(max(min(r.headroom*burst, burst-2), minHeadroom), burst-1)
}

// send counts a call that goes now.
func (r *rule) send(now time.Time) call {
	r.sent++
	r.inflight++
	r.lastSent = now
	for _, b := range r.buckets {
		b.sent(now)
	}
	if r.blind != nil {
		r.blind.sent(now)
	}
	return call{number: r.sent, sentAt: now}
}

// unused takes back a call that was counted and then not sent.
func (r *rule) unused(now time.Time) {
	r.inflight--
	r.returned++
	for _, b := range r.buckets {
		b.add(now, 1)
	}
}

// state describes the bucket that limits calls most. Left is as in next.
func (r *rule) state(now time.Time, left int) State {
	var s State
	for _, b := range r.buckets {
		if !r.limits(b) || s.Known && b.rate() >= s.Rate {
			continue
		}
		s = State{Known: true, Burst: b.burst, Content: max(b.content(now), 0), Rate: b.rate()}
		if b.inflowTime >= minReported {
			s.Others = b.others()
			s.Refill = s.Rate + s.Others
		}
	}
	if s.Known && left > 0 {
		// The last calls do not wait: their tokens are in the bucket already.
		wait := max(0, float64(left)-max(0, s.Content-r.headroomOf(s.Burst))) / s.Rate
		s.Rate = float64(left) / (wait + r.rtt.Seconds())
	}
	if r.blind != nil && (!s.Known || r.blind.rate(now) < s.Rate) {
		s.Rate = r.blind.rate(now)
	}
	return s
}

// forever is a wait that only an answer ends.
const forever = time.Duration(math.MaxInt64)

// inSeconds is a number of seconds as a duration, longestWait at most.
func inSeconds(s float64) time.Duration {
	if s > longestWait.Seconds() {
		return longestWait
	}
	return time.Duration(s * float64(time.Second))
}
