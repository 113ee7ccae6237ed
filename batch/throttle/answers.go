package throttle

import (
	"slices"
	"time"
)

const (
	expectedTrip = 100 * time.Millisecond // until answers tell
	mostBuckets  = 4                      // remembered
	silentProbes = 3                      // answers to a probe that say nothing, until it goes on blind
	headlessMost = 10                     // answers without headers in a row
	deniedEnough = 25                     // tokens, by answers in a row,
	mostDenied   = 5                      // of which each one counts so many
	pauseAfter   = 3                      // rounds of 429s
	firstPause   = 250 * time.Millisecond // then doubling
	longestPause = 30 * time.Second
)

// answered learns from an answer.
func (r *rule) answered(now time.Time, c call, o Observation) {
	r.inflight--
	switch o.Kind {
	case Silent:
		if r.probing() {
			r.withoutHeaders(now, silentProbes)
		}
	case Limited:
		r.refused(now, c, o)
	case Taken:
		r.time(now.Sub(c.at))
		r.taken(now, c, o)
	}
}

// time averages the round trip. One straggler does not count for more than
// twice what is usual.
func (r *rule) time(trip time.Duration) {
	if r.trip == 0 {
		r.trip = expectedTrip // the first answer may be a straggler's
	}
	r.trip += (min(trip, 2*r.trip) - r.trip) / 8
}

// taken learns from the answer to a call that took a token.
func (r *rule) taken(now time.Time, c call, o Observation) {
	r.rounds = 0
	if r.blind != nil {
		r.blind.got(now)
	}
	switch {
	case r.distrusted:
	case o.credible():
		b := r.bucket(now, c, o)
		r.doubt(o.Remaining, b.content(now))
		b.learn(now, r.reading(now, c, o))
	case r.probing():
		r.goBlind(now)
	default:
		r.withoutHeaders(now, headlessMost)
	}
	if r.distrusted {
		r.goBlind(now)
	}
}

// doubt adds up the tokens that answers in a row deny while calls get through.
// When they are many the headers are not read any more.
func (r *rule) doubt(remaining int64, content float64) {
	if remaining > 0 || content < 2 {
		r.denied = 0
		return
	}
	r.denied += min(content, mostDenied)
	r.distrusted = r.denied >= deniedEnough
}

// withoutHeaders counts answers in a row that have none, up to the one after
// which none are expected any more.
func (r *rule) withoutHeaders(now time.Time, most int) {
	if r.headless++; r.headless >= most {
		r.goBlind(now)
	}
}

// refused learns from a 429. Those of calls sent before the last round was
// noticed only say the same again.
func (r *rule) refused(now time.Time, c call, o Observation) {
	var named *bucket
	if o.credible() && !r.distrusted {
		named = r.bucket(now, c, o)
		named.note(now, r.reading(now, c, o))
	}
	first := c.number > r.round
	if first {
		r.round = r.sent
		r.rounds++
		r.pause(now, named)
	}
	if o.RetryAfter > 0 {
		r.pauseUntil(now.Add(min(o.RetryAfter, longestWait)))
	}
	r.denied = 0
	r.blame(now, named, o.Remaining, first)
}

// blame makes the bucket that refused count as empty. One with tokens left did
// not refuse, so it was another one. Where none is known that was thought to be
// short, it is one that the headers never tell of; and where there are no headers
// at all, nothing then speaks against the buckets that are known.
func (r *rule) blame(now time.Time, named *bucket, remaining int64, first bool) {
	guilty := named
	if named == nil || remaining > 0 {
		guilty = r.emptiest(now, named)
	}
	unlikely := guilty == nil || guilty != named && guilty.content(now) >= 2
	if unlikely {
		r.unseen(now, first)
	}
	if guilty != nil && !(unlikely && named == nil) {
		guilty.refused(now)
	}
}

// unseen takes in a 429 of a bucket that no headers tell of. From then on calls
// go by the blind pace too, which does not matter any more when it has grown.
func (r *rule) unseen(now time.Time, first bool) {
	r.hidden = r.hidden || len(r.buckets) > 0
	if r.blind == nil {
		r.blind = newBlind(now)
	} else {
		r.blind.refused(now, first)
	}
}

// emptiest is the bucket with the least content among those that count, the
// excluded one left out; nil: there is none.
func (r *rule) emptiest(now time.Time, excluded *bucket) *bucket {
	var least *bucket
	for _, b := range r.buckets {
		if b != excluded && r.counts(b) && (least == nil || b.content(now) < least.content(now)) {
			least = b
		}
	}
	return least
}

// pause stops for longer and longer where nothing but 429s comes back, though
// not beyond the time at which the bucket is full.
func (r *rule) pause(now time.Time, named *bucket) {
	if r.rounds < pauseAfter {
		return
	}
	doublings := min(r.rounds-pauseAfter, 7)
	until := now.Add(min(firstPause<<doublings, longestPause))
	if named != nil && named.fullAt.Before(until) {
		until = named.fullAt
	}
	r.pauseUntil(until)
}

func (r *rule) pauseUntil(until time.Time) {
	if until.After(r.paused) {
		r.paused = until
	}
}

// goBlind gives up the picture. The next credible headers make a new one,
// unless they are not trusted any more.
func (r *rule) goBlind(now time.Time) {
	r.buckets = nil
	if r.blind == nil {
		r.blind = newBlind(now)
	}
}

// reading dates an answer.
func (r *rule) reading(now time.Time, c call, o Observation) reading {
	return reading{
		Observation: o,
		call:        c,
		after:       float64(r.sent - c.number),
		inflight:    float64(r.inflight),
		trip:        r.trip.Seconds(),
		age:         now.Sub(c.at).Seconds(),
	}
}

// bucket is the picture of the bucket that the headers name by its Limit. An
// unknown one is either a second bucket or the same with a new limit. Both are
// kept: the one that is not named any more stops counting by itself.
func (r *rule) bucket(now time.Time, c call, o Observation) *bucket {
	r.headless = 0
	if !r.hidden {
		r.blind = nil
	}
	r.read++
	i := slices.IndexFunc(r.buckets, func(b *bucket) bool { return b.limit == o.Limit })
	if i < 0 {
		r.buckets = append(r.buckets, newBucket(now, r.reading(now, c, o)))
		i = len(r.buckets) - 1
	}
	b := r.buckets[i]
	b.heard = r.read
	r.buckets = append(slices.Delete(r.buckets, i, i+1), b) // the last is the one heard last
	if len(r.buckets) > mostBuckets {
		r.buckets = slices.Delete(r.buckets, 0, 1)
	}
	return b
}
