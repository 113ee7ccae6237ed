package throttle

import (
	"slices"
	"time"
)

const (
	initialRTT       = 100 * time.Millisecond // until answers tell
	maxBuckets       = 4                      // remembered
	maxSilentProbes  = 3                      // answers to the first call that say nothing, until calls go blind
	maxHeaderless    = 10                     // answers in a row without headers, until calls go blind
	maxMismatch      = 25                     // tokens, until headers are ignored
	maxMismatchEach  = 5                      // tokens that one answer adds to it
	pauseAfterRounds = 3                      // rounds of 429s
	firstPause       = 250 * time.Millisecond // then doubling
	longestPause     = 30 * time.Second
)

// answered learns from an answer.
func (r *rule) answered(now time.Time, c call, o Observation) {
	r.inflight--
	switch o.Kind {
	case Silent:
		if r.probing() {
			r.countHeaderless(now, maxSilentProbes)
		}
	case Lost:
		// Nothing is learnt. Its token stays taken, as the call may have reached the server.
	case Limited:
		r.refused(now, c, o)
	case Taken:
		r.updateRTT(now.Sub(c.sentAt))
		r.taken(now, c, o)
	}
}

// updateRTT averages the round-trip time. A straggler counts for at most twice
// the usual time.
func (r *rule) updateRTT(rtt time.Duration) {
	if r.rtt == 0 {
		r.rtt = initialRTT // the first answer may be a straggler
	}
	r.rtt += (min(rtt, 2*r.rtt) - r.rtt) / 8
}

// taken learns from the answer to a call that took a token.
func (r *rule) taken(now time.Time, c call, o Observation) {
	r.rounds = 0
	if r.blind != nil {
		r.blind.accepted(now)
	}
	switch {
	case r.distrusted:
	case o.credible():
		s := r.sample(now, c, o)
		b := r.bucketFor(now, s)
		r.compare(o.Remaining, b.content(now))
		b.learn(now, s)
	case r.probing():
		r.goBlind(now)
	default:
		r.countHeaderless(now, maxHeaderless)
	}
	if r.distrusted {
		r.goBlind(now)
	}
}

// compare checks Remaining against the estimated content. Headers are wrong if
// they show an empty bucket again and again although calls succeed. From then on
// they are ignored.
func (r *rule) compare(remaining int64, content float64) {
	if remaining > 0 || content < 2 {
		r.mismatch = 0
		return
	}
	r.mismatch += min(content, maxMismatchEach)
	r.distrusted = r.mismatch >= maxMismatch
}

// countHeaderless counts an answer without headers. After most of them in a row
// no more headers are expected.
func (r *rule) countHeaderless(now time.Time, most int) {
	if r.headerless++; r.headerless >= most {
		r.goBlind(now)
	}
}

// goBlind discards the estimates. The next credible headers start new ones,
// unless headers are ignored.
func (r *rule) goBlind(now time.Time) {
	r.buckets = nil
	if r.blind == nil {
		r.blind = newBlind(now)
	}
}

// refused learns from a 429. The calls that were in flight at the first 429 of a
// round belong to the same round: their 429s are no further news.
func (r *rule) refused(now time.Time, c call, o Observation) {
	var named *bucket
	if o.credible() && !r.distrusted {
		s := r.sample(now, c, o)
		named = r.bucketFor(now, s)
		named.learnReset(now, s)
	}
	first := c.number > r.roundEnd
	if first {
		r.roundEnd = r.sent
		r.rounds++
		r.pause(now, named)
	}
	if o.RetryAfter > 0 {
		r.pauseUntil(now.Add(min(o.RetryAfter, longestWait)))
	}
	r.mismatch = 0
	r.findEmpty(now, named, o.Remaining, first)
}

// findEmpty decides which bucket refused a call, and sets its estimate to empty.
// It is the bucket that the headers name, unless that has tokens left; then it is
// the emptiest of the others. If that was not thought to be short, a bucket that no
// headers describe has probably refused. In this case a 429 without headers leaves
// the estimates as they are.
func (r *rule) findEmpty(now time.Time, named *bucket, remaining int64, first bool) {
	empty := named
	if named == nil || remaining > 0 {
		empty = r.emptiest(now, named)
	}
	unlikely := empty == nil || empty != named && empty.content(now) >= 2
	if unlikely {
		r.refusedByHidden(now, first)
	}
	if empty != nil && !(unlikely && named == nil) {
		empty.refused(now)
	}
}

// refusedByHidden learns from a 429 of a bucket that no headers describe. From
// then on the blind pace limits calls too. It stops mattering once it has grown.
func (r *rule) refusedByHidden(now time.Time, first bool) {
	r.hidden = r.hidden || len(r.buckets) > 0
	if r.blind == nil {
		r.blind = newBlind(now)
	} else {
		r.blind.refused(now, first)
	}
}

// emptiest is the bucket with the least content among those that limit calls,
// other than excluded; nil: there is none.
func (r *rule) emptiest(now time.Time, excluded *bucket) *bucket {
	var least *bucket
	for _, b := range r.buckets {
		if b != excluded && r.limits(b) && (least == nil || b.content(now) < least.content(now)) {
			least = b
		}
	}
	return least
}

// pause stops sending, longer with each round that brings nothing but 429s, but
// not beyond the time at which the bucket is full.
func (r *rule) pause(now time.Time, named *bucket) {
	if r.rounds < pauseAfterRounds {
		return
	}
	doublings := min(r.rounds-pauseAfterRounds, 7)
	until := now.Add(min(firstPause<<doublings, longestPause))
	if named != nil && named.fullAt.Before(until) {
		until = named.fullAt
	}
	r.pauseUntil(until)
}

func (r *rule) pauseUntil(until time.Time) {
	if until.After(r.pausedUntil) {
		r.pausedUntil = until
	}
}

// sample dates an answer.
func (r *rule) sample(now time.Time, c call, o Observation) sample {
	return sample{
		Observation: o,
		call:        c,
		after:       float64(r.sent - c.number),
		inflight:    float64(r.inflight),
		rtt:         r.rtt.Seconds(),
		age:         now.Sub(c.sentAt).Seconds(),
	}
}

// bucketFor returns the bucket that a sample names by its Limit. An unknown Limit
// is either a second bucket or the new limit of the same one. Both buckets are
// kept, because the one that is no longer named stops limiting calls by itself.
func (r *rule) bucketFor(now time.Time, s sample) *bucket {
	r.headerless = 0
	if !r.hidden {
		r.blind = nil
	}
	r.samples++
	i := slices.IndexFunc(r.buckets, func(b *bucket) bool { return b.burst == float64(s.Limit) })
	if i < 0 {
		r.buckets = append(r.buckets, newBucket(now, s))
		i = len(r.buckets) - 1
	}
	b := r.buckets[i]
	b.lastSample = r.samples
	r.buckets = append(slices.Delete(r.buckets, i, i+1), b) // the last one is the one named last
	if len(r.buckets) > maxBuckets {
		r.buckets = slices.Delete(r.buckets, 0, 1)
	}
	return b
}
