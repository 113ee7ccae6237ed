package throttle

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// blind is the pace for a bucket that no headers tell of: only 429s show where
// its limit is. It doubles every second until the first one, halves, and doubles
// more slowly until the second. What got through between the two is the limit.
// Then it starts a little below that and grows slowly at first and ever faster
// later, as TCP's CUBIC does, in case the limit has moved.
type blind struct {
	limiter  *rate.Limiter
	base     float64   // calls per second: the pace after the last 429, or the limit
	doubling float64   // seconds in which the pace doubles; 0: the limit is known
	since    time.Time // the last 429 that changed the pace, or the start
	passed   float64   // calls that got through since then
	denied   float64   // and 429s
	// below counts answers at a pace below the limit: what is refused there has
	// another cause.
	below struct{ passed, denied float64 }
}

const (
	blindStart     = 8    // calls per second
	blindFastest   = 1e6  // calls per second
	blindSlowest   = 0.05 // calls per second
	firstDoubling  = 1    // seconds
	secondDoubling = 4
	shortestLook   = time.Second // between two 429s, to take what got through for the limit
	perSecond      = 50          // more calls a second than that go in so many bursts
	belowMemory    = 200         // calls
	fewStrays      = 3           // 429s below the limit,
	straysAbove    = 2           // of whose share so many times are no news above it,
	mostStrays     = 0.3         // but no more than this share of all calls
)

func newBlind(now time.Time) *blind {
	return &blind{limiter: rate.NewLimiter(0, 1), base: blindStart, doubling: firstDoubling, since: now}
}

// rate is the pace in calls per second.
func (b *blind) rate(now time.Time) float64 {
	t := now.Sub(b.since).Seconds()
	growth := 0.95 + t/200 + math.Pow(t/20, 3)
	if b.doubling > 0 {
		growth = math.Exp2(t / b.doubling)
	}
	return min(max(b.base*growth, blindSlowest), blindFastest)
}

// wait is the time until the next call may go; 0: now.
func (b *blind) wait(now time.Time) time.Duration {
	pace := b.rate(now)
	b.limiter.SetLimitAt(now, rate.Limit(pace))
	b.limiter.SetBurstAt(now, 1+int(pace/perSecond))
	return seconds(max(0, 1-b.limiter.TokensAt(now)) / pace)
}

func (b *blind) sent(now time.Time) { b.limiter.ReserveN(now, 1) }

// got counts a call that got through.
func (b *blind) got(now time.Time) {
	b.passed++
	if b.isBelow(now) {
		b.count(&b.below.passed)
	}
}

// isBelow reports whether the pace is no higher than the limit, as far as that
// is known.
func (b *blind) isBelow(now time.Time) bool { return b.doubling == 0 && b.rate(now) <= b.base }

// count adds to one of below's counts.
func (b *blind) count(n *float64) {
	*n++
	if b.below.passed+b.below.denied > belowMemory {
		b.below.passed /= 2
		b.below.denied /= 2
	}
}

// stray reports whether a 429 says nothing about our pace. Another user, who
// empties a bucket that we do not see now and then, has a share of our calls
// refused at any pace; to slow down for each of them would come to a standstill.
func (b *blind) stray(now time.Time) bool {
	share := b.denied / (b.passed + b.denied)
	if b.isBelow(now) {
		b.count(&b.below.denied)
		return b.denied < fewStrays || share < mostStrays
	}
	usual := b.below.denied / (b.below.passed + b.below.denied)
	return b.doubling == 0 && b.below.denied >= fewStrays && share < min(straysAbove*usual, mostStrays)
}

// refused takes in a 429; first says that it is the first of its round.
func (b *blind) refused(now time.Time, first bool) {
	b.denied++
	if b.stray(now) || !first {
		return
	}
	look := now.Sub(b.since)
	through := b.passed / max(look.Seconds(), 0.001)
	switch {
	case b.doubling == firstDoubling:
		b.base = min(b.rate(now), max(through, blindStart)) / 2
		b.doubling = secondDoubling
	case look < shortestLook:
		b.base = max(b.rate(now)/2, min(b.rate(now), through))
		b.doubling = secondDoubling
	default:
		b.base, b.doubling = through, 0
	}
	b.since, b.passed, b.denied = now, 0, 0
}
