package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
)

// Names of buckets, besides those of the groups, which package plans has.
// Global is the tenant's own. Default stands for the endpoints without a group,
// which draw on the global bucket alone.
const (
	Global  = "global"
	Default = "default"
)

// HeadersOf says which bucket the X-RateLimit headers describe where a request
// draws on two. What Auth0 does today is not known.
type HeadersOf int

const (
	// HeadersTightest describes the bucket with the fewest tokens left, the
	// global one where both have as many, and on 429 the one that refused, as
	// Auth0's old open plugin did.
	HeadersTightest HeadersOf = iota
	// HeadersGroup always describes the group's bucket, if it has one.
	HeadersGroup
	// HeadersGlobal always describes the global bucket.
	HeadersGlobal
)

// limits are the buckets of a tenant.
type limits struct {
	refill    Refill
	headersOf HeadersOf
	buckets   map[string]*bucket
	drawn     map[string][]*bucket // by group: the buckets that its requests draw on
}

// setPlan changes the limits. Buckets that stay keep their content and their
// counters; new ones start full.
func (l *limits) setPlan(plan plans.Plan, now time.Time) {
	old := l.buckets
	l.buckets, l.drawn = map[string]*bucket{}, map[string][]*bucket{}
	var global []*bucket
	if plan.Global.Burst > 0 {
		global = append(global, l.setBucket(old[Global], Global, plan.Global, now))
	}
	l.drawn[Default] = global
	for name, limit := range plan.Groups {
		if limit.Burst <= 0 {
			continue
		}
		own := l.setBucket(old[name], name, limit, now)
		if plan.GlobalExceptGroups {
			l.drawn[name] = []*bucket{own}
		} else {
			l.drawn[name] = append(slices.Clone(global), own)
		}
	}
}

func (l *limits) setBucket(b *bucket, name string, limit plans.Limit, now time.Time) *bucket {
	if b == nil {
		b = newBucket(name, limit, l.refill, now)
	} else {
		b.advance(now)
		b.setLimit(limit)
	}
	l.buckets[name] = b
	return b
}

// of returns the buckets that a request of a group draws on, brought up to
// date, the global one first: Auth0's docs say that it is checked first.
func (l *limits) of(group string, now time.Time) []*bucket {
	drawn, ok := l.drawn[group]
	if !ok {
		drawn = l.drawn[Default]
	}
	for _, b := range drawn {
		b.advance(now)
	}
	return drawn
}

// take removes a token from each bucket or, where one is empty, none at all,
// and returns the one that refused.
func take(drawn []*bucket) (refusing *bucket) {
	for _, b := range drawn {
		if b.empty() {
			return b
		}
	}
	for _, b := range drawn {
		b.take()
	}
	return nil
}

// admit takes the tokens for a request that is answered: it counts, and writes
// the headers.
func (l *limits) admit(group string, now time.Time, h http.Header) (refusing *bucket) {
	drawn := l.of(group, now)
	if refusing = take(drawn); refusing != nil {
		refusing.refused++
	} else {
		for _, b := range drawn {
			b.taken++
		}
	}
	if len(drawn) > 0 {
		b := l.described(drawn)
		h.Set(limitHeader, strconv.Itoa(b.size()))
		h.Set(remainingHeader, strconv.Itoa(b.remaining()))
		h.Set(resetHeader, strconv.FormatInt(b.reset(), 10))
	}
	return refusing
}

// described chooses the bucket that the headers show. The one that refused is
// the first that has no token left.
func (l *limits) described(drawn []*bucket) *bucket {
	switch l.headersOf {
	case HeadersGlobal:
		return drawn[0]
	case HeadersGroup:
		return drawn[len(drawn)-1]
	}
	return slices.MinFunc(drawn, func(a, b *bucket) int { return a.remaining() - b.remaining() })
}

// refusal is the text of a 429.
func (b *bucket) refusal() string {
	if b.name == Global {
		return "Global limit has been reached"
	}
	period := "second"
	if b.limit.Per >= time.Minute {
		period = "minute"
	}
	return fmt.Sprintf("Global per %s %s group limit has been reached", period, b.name)
}

// BucketState is what a bucket holds and what it has seen.
type BucketState struct {
	Content float64 // tokens now, with their fraction
	Lowest  float64 // tokens at the lowest point so far, whoever took them
	Taken   int     // requests that got a token, without those of Take
	Refused int     // requests that got a 429, without those of Take
}

// Bucket returns the state of a bucket, by name; the zero state where the plan
// has no such bucket.
func (t *Tenant) Bucket(name string) BucketState {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.limits.buckets[name]
	if b == nil {
		return BucketState{}
	}
	b.advance(time.Now())
	return BucketState{b.tokens(b.content), b.tokens(b.lowest), b.taken, b.refused}
}

// Take draws a token as a request of another client would, from the group's
// bucket and the global one, and reports false where that client would have
// had a 429. Take(Global) stands for an endpoint without a group.
func (t *Tenant) Take(group string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return take(t.limits.of(group, time.Now())) == nil
}

// SetPlan raises or lowers the limits of a running tenant. Tokens that still
// fit stay in their buckets.
func (t *Tenant) SetPlan(plan plans.Plan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limits.setPlan(plan, time.Now())
}

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
