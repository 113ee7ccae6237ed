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
	since    time.Time // the last 429, or the start
	passed   int       // calls that got through since then
}

const (
	blindStart     = 8    // calls per second
	blindFastest   = 1e6  // calls per second
	blindSlowest   = 0.05 // calls per second
	firstDoubling  = 1    // seconds
	secondDoubling = 4
	shortestLook   = time.Second // between two 429s, to take what got through for the limit
	perSecond      = 50          // more calls a second than that go in so many bursts
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

// refused takes in the first 429 of a round.
func (b *blind) refused(now time.Time) {
	look := now.Sub(b.since)
	through := float64(b.passed) / max(look.Seconds(), 0.001)
	switch {
	case b.doubling == firstDoubling:
		b.base = min(b.rate(now), max(through, blindStart)) / 2
		b.doubling = secondDoubling
	case look < shortestLook:
		b.base = b.rate(now) / 2
		b.doubling = secondDoubling
	default:
		b.base, b.doubling = through, 0
	}
	b.since, b.passed = now, 0
}
