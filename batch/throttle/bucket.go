package throttle

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// bucket is our picture of one of the server's buckets: what it holds, and how
// fast it fills. Every call sent is taken from the picture at once and every
// answer corrects it a little, because answers come in another order than the
// server served the calls, and believing the last one swings.
type bucket struct {
	limit  int64 // X-RateLimit-Limit, which names the bucket
	burst  float64
	mirror *rate.Limiter // content less the calls in flight, in thousandths of a token
	drip   float64       // tokens per second that are left to us: refill less what others take
	span   time.Duration // over which drip is averaged
	at     time.Time     // of the last correction

	income, earned float64 // tokens that came in lately, and in how many seconds

	fullAt  time.Time // by Reset, if nobody took any more
	emptied time.Time // the last 429
	// What the headers said in the last minute or so, each answer weighed by the
	// seconds that it stands for: tokens lacking, seconds until full, weights.
	lacked, untilFull, watched float64
	noted                      time.Time

	windows windows
	newest  uint64 // call whose answer was the last to be watched for windows
	heard   uint64 // answers that the rule had read when this bucket was last in one
}

const thousandth = 1000 // rate.Limiter reserves whole tokens only

// Of the drip, in tokens per second.
const (
	usualDrip     = 0.5         // of the bucket, until answers tell: so in Auth0's tables
	rareDrip      = 0.05        // of the bucket; in a fixed window Reset is far away at once
	shortestSpan  = time.Second // a new picture learns fast,
	longestSpan   = 5 * time.Second
	steepestFall  = 0.2  // of drip at one correction
	steepestRise  = 0.4  // of drip at one correction
	slowestDrip   = 0.01 // keeps waits finite
	leastEarned   = 1    // seconds, for an average,
	leastMeasured = 3    // and for one to tell people
	mostEarned    = 900
)

// Of what the headers say.
const (
	memory         = 60              // seconds that refill is taken from,
	leastWatched   = 5               // and the fewest
	surprise       = 0.2             // of the bucket, more than there should have been
	leastUntilFull = 0.5             // seconds, on average
	smallestTold   = 3               // tokens
	leastShare     = 0.1             // of the refill, claimed beside the greediest others
	nextLook       = 5 * time.Second // after a look beyond Reset that brought no answer
)

// newBucket makes the picture from the first answer that names the bucket.
func newBucket(now time.Time, r reading) *bucket {
	b := &bucket{
		limit:  r.Limit,
		burst:  float64(r.Limit),
		mirror: rate.NewLimiter(0, int(r.Limit)*thousandth), // full
		drip:   usualDrip * float64(r.Limit),
		span:   shortestSpan,
		at:     now,
		noted:  now,
	}
	b.add(now, b.least(r)-b.burst)
	b.mirror.SetLimitAt(now, rate.Limit(b.drip*thousandth))
	return b
}

// content is the number of tokens that the bucket is thought to hold when the
// calls in flight have taken theirs.
func (b *bucket) content(now time.Time) float64 { return b.mirror.TokensAt(now) / thousandth }

// add puts tokens in, or takes them out.
func (b *bucket) add(now time.Time, tokens float64) {
	n := int(math.Round(-tokens * thousandth))
	b.mirror.ReserveN(now, min(n, b.mirror.Burst()))
}

// sent takes the token of a call that goes now. A Reset that has passed without
// news is good for one call only, else calls without answers would go and go.
func (b *bucket) sent(now time.Time) {
	b.add(now, -1)
	if !now.Before(b.fullAt) {
		b.fullAt = now.Add(nextLook)
	}
}

// reading is an answer's headers with what is needed to date them.
type reading struct {
	Observation
	call     call
	after    float64 // calls sent after this one
	inflight float64 // calls in flight now
	trip     float64 // usual round trip, seconds
	age      float64 // seconds since the call was sent
}

// fastest is the highest refill with which the bucket is full no sooner than by
// Reset. That is rounded up as Date is rounded down, so up to two seconds sooner.
func (r reading) fastest(left time.Duration) float64 {
	if left <= 2*time.Second {
		return math.Inf(1)
	}
	return float64(r.Limit-r.Remaining) / (left - 2*time.Second).Seconds()
}

// least is what the bucket holds at least by this answer, the calls in flight
// served: Remaining, less what the later calls take, and what has dripped in
// on the way back.
func (b *bucket) least(r reading) float64 {
	return float64(r.Remaining) - r.after + b.drip*min(r.age, r.trip)/2
}

// most is what it holds at most. Remaining is rounded down, and an answer that
// was late may have been late on either way.
func (b *bucket) most(r reading) float64 {
	return b.least(r) + 1 + b.drip*max(0, r.age-r.trip)
}

// learn corrects the picture towards the answer. The more calls are under way
// the less is known of their order, and the smaller is the step.
func (b *bucket) learn(now time.Time, r reading) {
	content := b.content(now)
	off := min(max(content, b.least(r)), b.most(r)) - content
	if r.call.at.Before(b.emptied) {
		off = min(off, 0) // from before the 429: no news of tokens
	}
	if r.Remaining >= r.Limit-1 && off > max(1, surprise*b.burst) {
		b.windows.watchFull(now)
	}
	step := off / (1 + r.inflight + r.after)
	b.add(now, step)
	b.note(now, r)
	b.steer(now, step)
}

// refused empties the picture after a 429.
func (b *bucket) refused(now time.Time) {
	step := min(-b.content(now), 0)
	b.add(now, step)
	b.emptied = now
	b.steer(now, step)
}

// steer lets a correction of the content count for the drip too.
func (b *bucket) steer(now time.Time, step float64) {
	passed := now.Sub(b.at)
	b.at = now
	b.earn(passed.Seconds(), step)
	if b.windows.fixed {
		b.mirror.SetLimitAt(now, 0)
		return
	}
	b.span = min(b.span+passed, longestSpan)
	change := step / b.span.Seconds()
	b.drip += min(max(change, -steepestFall*b.drip), steepestRise*b.drip)
	b.drip = max(b.drip, b.leastPace(), slowestDrip)
	b.mirror.SetLimitAt(now, rate.Limit(b.drip*thousandth))
}

// earn adds up what came in: what dripped, as corrected.
func (b *bucket) earn(passed, step float64) {
	keep := max(0, 1-passed/mostEarned)
	b.income = keep*b.income + float64(b.mirror.Limit())/thousandth*passed + step
	b.earned = keep*b.earned + passed
}

// note keeps what Reset says: when the bucket is full and how fast it fills.
func (b *bucket) note(now time.Time, r reading) {
	left := r.untilFull(now)
	b.fullAt = now.Add(left)
	if r.measures(left) {
		b.drip = min(b.drip, max(r.fastest(left), rareDrip*b.burst))
		b.average(now, b.burst-float64(r.Remaining), left.Seconds())
	}
	if r.call.number > b.newest {
		b.newest = r.call.number
		b.windows.watchReset(now, r.Observation)
	}
}

// average weighs an answer by the time since the last one, because the answers
// of the same second all have the same error: Reset is rounded up and Date down.
// On average that is half a second each, and half a token for Remaining.
func (b *bucket) average(now time.Time, lacked, untilFull float64) {
	weight := min(now.Sub(b.noted).Seconds(), leastWatched)
	b.noted = now
	if lacked <= 1 {
		return // full, or nearly: Reset is now
	}
	keep := 1 - weight/memory
	b.lacked = keep*b.lacked + weight*(lacked-0.5)
	b.untilFull = keep*b.untilFull + weight*(untilFull-1)
	b.watched = keep*b.watched + weight
}

// rate is the drip on average, in tokens per second: what can be expected. Drip
// itself follows every whim of the others.
func (b *bucket) rate() float64 {
	if b.earned < leastEarned {
		return b.drip
	}
	return max(b.income/b.earned, slowestDrip)
}

// refill is the rate at which the server fills the bucket, in tokens per
// second, whoever takes them; 0 while Reset has not told it yet. Where the bucket
// is small, or full again in an instant, the rounding is all that Reset tells.
func (b *bucket) refill() float64 {
	if b.watched < leastWatched || b.untilFull < leastUntilFull*b.watched || b.burst < smallestTold {
		return 0
	}
	return b.lacked / b.untilFull
}

// leastPace is claimed even where others keep the bucket empty: in calls per
// second, 0 for none.
func (b *bucket) leastPace() float64 {
	if b.windows.fixed {
		return 0
	}
	return leastShare * b.refill()
}

// others is what other users take, in tokens per second. Less than a tenth of
// the refill cannot be told from the rounding of Reset.
func (b *bucket) others() float64 {
	if taken := b.refill() - b.rate(); taken > 0.1*b.refill() {
		return taken
	}
	return 0
}

// until is the time in which that many tokens drip in.
func (b *bucket) until(tokens float64) time.Duration {
	if b.windows.fixed {
		return forever
	}
	return seconds(tokens / b.drip)
}

// forever is a wait that only an answer ends.
const forever = time.Duration(math.MaxInt64)

func seconds(s float64) time.Duration {
	if s > longestWait.Seconds() {
		return longestWait
	}
	return time.Duration(s * float64(time.Second))
}
