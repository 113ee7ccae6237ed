package simulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
)

// Names of buckets, besides those of the groups, which package plans has.
// Global is the tenant's bucket for all requests. Default stands for the
// endpoints without a group, which only the global bucket limits.
const (
	Global  = "global"
	Default = "default"
)

const (
	limitHeader     = "X-Ratelimit-Limit"
	remainingHeader = "X-Ratelimit-Remaining"
	resetHeader     = "X-Ratelimit-Reset"
)

// HeadersOf is the choice of the bucket that the X-RateLimit headers describe
// if two limit a request. What Auth0 does today is not known.
type HeadersOf int

const (
	// HeadersTightest describes the bucket with the fewest tokens left, or the
	// global one if both have as many. On 429 this is the bucket that refused.
	// Auth0's old open-source plugin did so.
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
	byGroup   map[string][]*bucket // that limit a group: the global one first
}

// setPlan changes the limits. Buckets that stay keep their tokens and their
// counters; new ones start full.
func (l *limits) setPlan(plan plans.Plan, now time.Time) {
	old := l.buckets
	l.buckets, l.byGroup = map[string]*bucket{}, map[string][]*bucket{}
	var global []*bucket
	if plan.Global.Burst > 0 {
		global = append(global, l.setBucket(old[Global], Global, plan.Global, now))
	}
	l.byGroup[Default] = global
	for group, limit := range plan.Groups {
		if limit.Burst <= 0 {
			continue
		}
		b := l.setBucket(old[group], group, limit, now)
		if plan.GlobalExceptGroups {
			l.byGroup[group] = []*bucket{b}
		} else {
			l.byGroup[group] = append(slices.Clone(global), b)
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

// take takes a token from each bucket that limits the group. If one is empty,
// it takes none and returns that one. The buckets are in the order in which
// Auth0's docs say that they are checked, the global one first.
func (l *limits) take(group string, now time.Time) (buckets []*bucket, refusing *bucket) {
	buckets, ok := l.byGroup[group]
	if !ok {
		buckets = l.byGroup[Default]
	}
	for _, b := range buckets {
		b.advance(now)
		if refusing == nil && b.empty() {
			refusing = b
		}
	}
	if refusing == nil {
		for _, b := range buckets {
			b.take()
		}
	}
	return buckets, refusing
}

// admit takes the tokens for a request of the tenant's client, counts it and
// sets the headers. It returns the bucket that refuses it, or nil.
func (l *limits) admit(group string, now time.Time, h http.Header) (refusing *bucket) {
	buckets, refusing := l.take(group, now)
	if refusing != nil {
		refusing.refused++
	} else {
		for _, b := range buckets {
			b.taken++
		}
	}
	if len(buckets) > 0 {
		b := l.forHeaders(buckets)
		h.Set(limitHeader, strconv.Itoa(b.size()))
		h.Set(remainingHeader, strconv.Itoa(b.remaining()))
		h.Set(resetHeader, strconv.FormatInt(b.reset(), 10))
	}
	return refusing
}

// forHeaders chooses the bucket that the headers describe.
func (l *limits) forHeaders(buckets []*bucket) *bucket {
	switch l.headersOf {
	case HeadersGlobal:
		return buckets[0]
	case HeadersGroup:
		return buckets[len(buckets)-1]
	}
	return slices.MinFunc(buckets, func(a, b *bucket) int { return cmp.Compare(a.remaining(), b.remaining()) })
}

// BucketState is what a bucket holds and what it has counted.
type BucketState struct {
	Content float64 // tokens now, with their fraction
	Lowest  float64 // fewest tokens so far, whoever took them
	Taken   int     // requests that got a token, without those of Take
	Refused int     // requests that got a 429, without those of Take
}

// Bucket returns the state of a bucket by its name. The state is zero if the
// plan has no such bucket.
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

// Take takes a token as another client's request would, from the group's bucket
// and the global one. It reports whether there was one; if not, that client
// would have got a 429. Take(Global) stands for an endpoint without a group.
func (t *Tenant) Take(group string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, refusing := t.limits.take(group, time.Now())
	return refusing == nil
}

// SetPlan raises or lowers the limits of a running tenant. Tokens that still
// fit stay in their buckets.
func (t *Tenant) SetPlan(plan plans.Plan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limits.setPlan(plan, time.Now())
}

// Refill is how tokens come back.
type Refill int

const (
	// Drip refills continuously.
	Drip Refill = iota
	// Steps refills limits per minute once a second and limits per second
	// once a millisecond, as Auth0's rate limit policy words it.
	Steps
	// Window refills all at once at the start of each second or minute. The
	// bucket then holds the limit's Refill tokens; its Burst is ignored.
	Window
)

// bucket is a token bucket. Its content is brought up to date by advance when
// it is needed, so there is no timer. Content is counted in units: one token is
// limit.Per nanoseconds' worth, so each nanosecond brings limit.Refill units and
// the arithmetic is exact.
type bucket struct {
	name    string
	limit   plans.Limit
	refill  Refill
	content int64     // units
	updated time.Time // when content was right
	lowest  int64     // units, lowest content so far
	taken   int
	refused int
}

func newBucket(name string, limit plans.Limit, refill Refill, now time.Time) *bucket {
	b := &bucket{name: name, refill: refill, updated: now}
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
		b.content = min(convertUnits(b.content, old, limit.Per), b.capacity())
		b.lowest = min(convertUnits(b.lowest, old, limit.Per), b.capacity())
	}
}

// convertUnits converts units of a limit per from into units of one per to.
func convertUnits(units int64, from, to time.Duration) int64 {
	tokens, rest := units/int64(from), units%int64(from)
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
func (b *bucket) tokens(units int64) float64 { return float64(units) / float64(b.limit.Per) }

// advance adds the units that have come in since the bucket was last advanced.
func (b *bucket) advance(now time.Time) {
	if !now.After(b.updated) {
		return
	}
	from, to := b.lastRefill(b.updated), b.lastRefill(now)
	b.updated = now
	missing := b.capacity() - b.content
	elapsed := int64(to.Sub(from))
	// Divide, as a product over years would overflow.
	if elapsed > missing/int64(b.limit.Refill) || b.refill == Window && elapsed > 0 {
		b.content += missing
		return
	}
	b.content += elapsed * int64(b.limit.Refill)
}

// lastRefill is the last time, up to t, at which tokens came in.
func (b *bucket) lastRefill(t time.Time) time.Time {
	if b.refill == Drip {
		return t
	}
	return t.Truncate(b.interval())
}

// interval is the time between two refills, except for Drip.
func (b *bucket) interval() time.Duration {
	switch {
	case b.refill == Window:
		return b.limit.Per
	case b.limit.Per >= time.Minute:
		return time.Second
	default:
		return time.Millisecond
	}
}

// take takes one token. The bucket must be up to date and not empty.
func (b *bucket) take() {
	b.content -= int64(b.limit.Per)
	b.lowest = min(b.lowest, b.content)
}

// reset is the Unix second, rounded up, at which the bucket will be full if
// nothing more is taken. The bucket must be up to date.
func (b *bucket) reset() int64 {
	full := b.updated
	missing, refill := b.capacity()-b.content, int64(b.limit.Refill)
	switch {
	case b.refill == Window:
		full = b.lastRefill(b.updated).Add(b.interval())
	case b.refill == Drip:
		full = b.updated.Add(time.Duration(ceilDiv(missing, refill)))
	case missing > 0:
		intervals := ceilDiv(missing, refill*int64(b.interval()))
		full = b.lastRefill(b.updated).Add(time.Duration(intervals) * b.interval())
	}
	return ceilDiv(full.UnixNano(), int64(time.Second))
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

// message is the text of the 429 with which the bucket refuses a request.
func (b *bucket) message() string {
	if b.name == Global {
		return "Global limit has been reached"
	}
	period := "second"
	if b.limit.Per >= time.Minute {
		period = "minute"
	}
	return fmt.Sprintf("Global per %s %s group limit has been reached", period, b.name)
}
