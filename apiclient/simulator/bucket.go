package simulator

import (
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
)

// Refill says how tokens come back.
type Refill int

const (
	// Drip refills continuously.
	Drip Refill = iota
	// Steps refills limits per minute once a second and limits per second
	// once a millisecond, as Auth0's rate limit policy words it.
	Steps
	// Window refills all at once at the top of each second or minute. The
	// bucket then holds what the period allows, the limit's Refill, whatever
	// its Burst says.
	Window
)

// bucket is a token bucket. Its content is brought up to date when it is
// looked at, so there is no timer. It is counted in parts: one token is
// limit.Per nanoseconds' worth, so that a nanosecond brings limit.Refill parts
// and the arithmetic is exact.
type bucket struct {
	name    string
	limit   plans.Limit
	refill  Refill
	content int64     // parts
	at      time.Time // when content was right
	lowest  int64     // parts, ever
	taken   int
	refused int
}

func newBucket(name string, limit plans.Limit, refill Refill, now time.Time) *bucket {
	b := &bucket{name: name, refill: refill, at: now}
	b.setLimit(limit)
	b.content = b.capacity()
	b.lowest = b.content
	return b
}

// setLimit changes the limit and keeps the tokens that still fit.
func (b *bucket) setLimit(limit plans.Limit) {
	old := b.limit.Per
	limit.Refill = max(limit.Refill, 1)
	if limit.Per <= 0 {
		limit.Per = time.Minute
	}
	b.limit = limit
	if old > 0 {
		b.content = min(rescale(b.content, old, limit.Per), b.capacity())
		b.lowest = min(rescale(b.lowest, old, limit.Per), b.capacity())
	}
}

// rescale turns parts of a limit per from into parts of one per to.
func rescale(parts int64, from, to time.Duration) int64 {
	tokens, rest := parts/int64(from), parts%int64(from)
	return tokens*int64(to) + int64(float64(rest)/float64(from)*float64(to))
}

// size is the number of tokens in a full bucket.
func (b *bucket) size() int {
	if b.refill == Window {
		return b.limit.Refill
	}
	return b.limit.Burst
}

func (b *bucket) capacity() int64            { return int64(b.size()) * int64(b.limit.Per) }
func (b *bucket) empty() bool                { return b.content < int64(b.limit.Per) }
func (b *bucket) remaining() int             { return int(b.content / int64(b.limit.Per)) }
func (b *bucket) tokens(parts int64) float64 { return float64(parts) / float64(b.limit.Per) }

// advance adds what came in since the bucket was last looked at.
func (b *bucket) advance(now time.Time) {
	if !now.After(b.at) {
		return
	}
	from, to := b.tick(b.at), b.tick(now)
	b.at = now
	missing := b.capacity() - b.content
	elapsed := int64(to.Sub(from))
	// Compared by division, as a product over years would overflow.
	if elapsed > missing/int64(b.limit.Refill) || b.refill == Window && elapsed > 0 {
		b.content += missing
		return
	}
	b.content += elapsed * int64(b.limit.Refill)
}

// tick is the last instant, up to t, at which tokens came in.
func (b *bucket) tick(t time.Time) time.Time {
	if b.refill == Drip {
		return t
	}
	return t.Truncate(b.step())
}

// step is the time between two refills of a bucket that does not drip.
func (b *bucket) step() time.Duration {
	switch {
	case b.refill == Window:
		return b.limit.Per
	case b.limit.Per >= time.Minute:
		return time.Second
	default:
		return time.Millisecond
	}
}

// take removes one token. The bucket must be up to date and not empty.
func (b *bucket) take() {
	b.content -= int64(b.limit.Per)
	b.lowest = min(b.lowest, b.content)
}

// reset is the Unix second, rounded up, at which the bucket would be full if
// nothing more were taken. The bucket must be up to date.
func (b *bucket) reset() int64 {
	full := b.at
	missing, refill := b.capacity()-b.content, int64(b.limit.Refill)
	switch {
	case b.refill == Window:
		full = b.tick(b.at).Add(b.step())
	case b.refill == Drip:
		full = b.at.Add(time.Duration(ceilDiv(missing, refill)))
	case missing > 0:
		steps := ceilDiv(missing, refill*int64(b.step()))
		full = b.tick(b.at).Add(time.Duration(steps) * b.step())
	}
	return ceilDiv(full.UnixNano(), int64(time.Second))
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
