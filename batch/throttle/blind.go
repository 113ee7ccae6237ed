package throttle

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// blind is the pace for a bucket that no headers describe. Only 429s show its
// limit, so the pace is found as TCP finds its own. It doubles every second until
// the first 429 (slow start), is halved, and then doubles more slowly until the
// second. What got through between the two is the limit. The pace goes on a little
// below the limit and grows slowly at first, then faster and faster (CUBIC), in
// case the limit has changed.
type blind struct {
	limiter  *rate.Limiter
	base     float64   // calls per second: the pace after the last 429, or the limit
	doubling float64   // seconds in which the pace doubles; 0: the limit is known
	since    time.Time // the last 429 that changed the pace, or the start
	recent   counts    // of answers since then
	below    counts    // of answers at a pace below the limit: 429s there have another cause
}

// counts are numbers of answers.
type counts struct {
	accepted, refused float64 // refused: by a 429
}

// refusedShare is NaN if there are no answers.
func (c counts) refusedShare() float64 { return c.refused / (c.accepted + c.refused) }

// fade halves the counts if they are large, so that newer answers count for more.
func (c *counts) fade() {
	if c.accepted+c.refused > belowMemory {
		c.accepted /= 2
		c.refused /= 2
	}
}

const (
	blindStart     = 8           // calls per second
	blindFastest   = 1e6         // calls per second
	blindSlowest   = 0.05        // calls per second
	firstDoubling  = 1           // seconds
	secondDoubling = 4           // seconds
	minLimitTime   = time.Second // between two 429s, to take what got through as the limit
	perSecond      = 50          // more calls per second than that go in so many bursts
	belowMemory    = 200         // calls
	minStrays      = 3           // 429s below the limit that show another cause
	strayFactor    = 2           // a share of 429s up to so many times that below the limit is no news
	maxStrayShare  = 0.3         // but a larger share of all calls is
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
	return inSeconds(max(0, 1-b.limiter.TokensAt(now)) / pace)
}

func (b *blind) sent(now time.Time) { b.limiter.ReserveN(now, 1) }

// accepted counts a call that got through.
func (b *blind) accepted(now time.Time) {
	b.recent.accepted++
	if b.belowLimit(now) {
		b.below.accepted++
		b.below.fade()
	}
}

// refused learns from a 429; first says that it is the first of its round.
func (b *blind) refused(now time.Time, first bool) {
	b.recent.refused++
	if b.belowLimit(now) {
		b.below.refused++
		b.below.fade()
	}
	if first && !b.stray(now) {
		b.slowDown(now)
	}
}

// belowLimit reports whether the limit is known and the pace no higher.
func (b *blind) belowLimit(now time.Time) bool { return b.doubling == 0 && b.rate(now) <= b.base }

// stray reports whether the latest 429 says nothing about our pace. Another user
// who empties a hidden bucket now and then causes a share of 429s at any pace. If
// each of them slowed us down, we would come to a standstill.
func (b *blind) stray(now time.Time) bool {
	share := b.recent.refusedShare()
	if b.belowLimit(now) {
		return b.recent.refused < minStrays || share < maxStrayShare
	}
	return b.doubling == 0 && b.below.refused >= minStrays &&
		share < min(strayFactor*b.below.refusedShare(), maxStrayShare)
}

// slowDown lowers the pace after a 429, to the limit if it is known by now.
func (b *blind) slowDown(now time.Time) {
	passed := now.Sub(b.since)
	through := b.recent.accepted / max(passed.Seconds(), 0.001) // calls per second
	switch {
	case b.doubling == firstDoubling:
		b.base = min(b.rate(now), max(through, blindStart)) / 2
		b.doubling = secondDoubling
	case passed < minLimitTime:
		b.base = max(b.rate(now)/2, min(b.rate(now), through))
		b.doubling = secondDoubling
	default:
		b.base, b.doubling = through, 0
	}
	b.since, b.recent = now, counts{}
}
