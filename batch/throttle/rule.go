package throttle

import "time"

// rule decides when the next call may go. It is the whole of the throttling,
// without clock, lock or goroutine: state and observation in, permission out.
//
// The server has a bucket of tokens that drips full. Every call takes one; a
// call that finds none is refused with a 429, ours or another user's. While
// calls remain, the rule holds the bucket at a level near 70 %:
//
//	tokens
//	burst     ─┐                                  what drips in up here is lost
//	           │
//	level      └╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮╭╮     one out whenever one has dripped in
//	                                        │
//	                                        │
//	headroom  ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ └──   the others' share, never taken
//	zero      ─────────────────────────────────▶  time; here everybody gets 429s
//	           probe       hold             end
//
// Any level below full passes the same calls per second, the refill rate. A high
// one costs nothing, and others who come in a burst find tokens. Once the calls
// left are no more than the tokens above the headroom, all of them go at once:
// the level was a loan, and no time is lost by it. The first call is a probe,
// alone, because nothing is known before its answer.
//
// The picture of the server's bucket is in bucket; for servers that refill in
// steps see windows, for those without usable headers see blind. Times must not
// go backwards from call to call.
type rule struct {
	headroom float64   // share of the bucket that is left to others
	buckets  []*bucket // most often one; two where a group's and a global one take turns in the headers
	blind    *blind    // in use where headers are no use,
	hidden   bool      // or beside the buckets, for one that they do not tell of

	sent     uint64 // calls
	lastSent time.Time
	inflight int
	single   bool          // one call in flight at most
	trip     time.Duration // usual round trip

	paused time.Time // nothing is sent before
	rounds int       // round trips in a row in which all answers were 429s
	round  uint64    // the newest call when this round of 429s began

	read       uint64  // answers with credible headers
	headless   int     // answers in a row without
	denied     float64 // tokens denied by answers in a row while calls get through
	distrusted bool    // headers are not read any more
}

// call is one that was sent.
type call struct {
	number uint64
	at     time.Time
}

const (
	level         = 0.7 // of the bucket
	leastHeadroom = 0.5 // tokens, whatever the bucket's size
	patience      = 16  // answers after which a bucket that none of them names does not count
)

// next is how long the next call has to wait, and for what; 0: it may go. Left
// is the number of calls to come, this one included; negative: unknown.
func (r *rule) next(now time.Time, left int) (time.Duration, Reason) {
	switch {
	case now.Before(r.paused):
		return r.paused.Sub(now), Paused
	case r.single && r.inflight > 0:
		return forever, Outage
	case r.probing() && r.inflight > 0:
		return forever, Probing
	}
	var wait time.Duration
	if r.blind != nil {
		wait = r.blind.wait(now)
	}
	for _, b := range r.buckets {
		if r.counts(b) {
			wait = max(wait, r.wait(b, now, left))
		}
	}
	return wait, Bucket
}

// probing reports whether nothing is known of the server yet.
func (r *rule) probing() bool { return len(r.buckets) == 0 && r.blind == nil }

// wait is how long one bucket holds the next call back.
func (r *rule) wait(b *bucket, now time.Time, left int) time.Duration {
	short := r.floor(b, now, left) + 1 - b.content(now)
	if short < 1.0/thousandth {
		return 0
	}
	wait := b.until(short)
	if r.inflight == 0 {
		wait = min(wait, b.fullAt.Sub(now)) // the picture may be wrong; ask again
	}
	if pace := b.leastPace(); pace > 0 {
		wait = min(wait, r.lastSent.Add(seconds(1/pace)).Sub(now))
	}
	return max(wait, 0)
}

// floor is the content that the next call must leave: the level while calls
// remain, the headroom for the last ones. Above the level there is room for the
// calls of two round trips, so that waiting for answers never slows it down. The
// end begins two round trips early, so that few calls are left to be repeated
// when all has been spent.
func (r *rule) floor(b *bucket, now time.Time, left int) float64 {
	low := r.low(b.burst)
	last := left >= 0 && float64(left) <= b.content(now)-low+2*b.drip*r.trip.Seconds()
	if last || b.windows.fixed {
		return low
	}
	room := max(2, 1+b.drip*(2*r.trip.Seconds()+b.windows.step(now)))
	return max(low, min(level*b.burst, b.burst-room))
}

// low is the content that is left to others in any case.
func (r *rule) low(burst float64) float64 {
	return min(max(min(r.headroom*burst, burst-2), leastHeadroom), burst-1)
}

// counts reports whether a bucket holds calls back. One that was not named for
// a while is not the one that is short; or the tenant's limit was changed.
func (r *rule) counts(b *bucket) bool { return r.read-b.heard < patience }

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
	return call{number: r.sent, at: now}
}

// unused takes back a call that was counted and then not sent.
func (r *rule) unused(now time.Time) {
	r.inflight--
	for _, b := range r.buckets {
		b.add(now, 1)
	}
}
