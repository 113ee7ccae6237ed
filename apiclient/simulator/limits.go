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
	Limit   plans.Limit
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
	return BucketState{b.limit, b.tokens(b.content), b.tokens(b.lowest), b.taken, b.refused}
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
