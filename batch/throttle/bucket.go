package throttle

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// bucket estimates one of the server's token buckets: its content and how fast
// it refills. The estimate is a token bucket itself, a rate.Limiter. Every call
// takes its token from it when it is sent. Every answer corrects it a little, not
// fully, because answers come in another order than the server served the calls:
// an estimate that follows the latest answer oscillates.
type bucket struct {
	burst       float64       // X-RateLimit-Limit, which identifies the bucket
	limiter     *rate.Limiter // the content less the calls in flight, in thousandths of a token
	netRefill   float64       // tokens per second that are left to us: the refill less what others take
	span        time.Duration // by which a correction is divided to correct netRefill
	correctedAt time.Time     // the last time that netRefill was corrected

	inflow, inflowTime float64 // tokens that were left to us recently, and in how many seconds

	fullAt    time.Time // by Reset, if nobody takes any more
	emptiedAt time.Time // the last 429

	// Sums over the headers of the last minute or so. Each answer is weighted by
	// the seconds since the one before.
	missing, untilFull, weight float64 // tokens, seconds, weights
	weightedAt                 time.Time

	mode       refillMode
	newestCall uint64 // the newest call whose answer mode has seen
	lastSample uint64 // the number of the last sample that named this bucket
}

const perToken = 1000 // rate.Limiter reserves whole units only, so one is a thousandth

// How netRefill is estimated, which is in tokens per second.
const (
	initialRefill = 0.5         // of the bucket, until answers tell; as in Auth0's tables
	minByReset    = 0.05        // of the bucket; Reset does not lower it further, as in a fixed window it is far away
	minSpan       = time.Second // a new estimate learns fast,
	maxSpan       = 5 * time.Second
	maxFall       = 0.2  // of netRefill at one correction
	maxRise       = 0.4  // of netRefill at one correction
	minRefill     = 0.01 // keeps waits finite
	minInflowTime = 1    // seconds, for an average
	minReported   = 3    // seconds, for an average that is shown to people
	maxInflowTime = 900  // seconds
)

// Of what the headers say.
const (
	refillMemory   = 60              // seconds, over which the gross refill is averaged
	minWeight      = 5               // seconds: the least sum of weights, and the most for one answer
	surprise       = 0.2             // of the bucket; a full one so far above its estimate may have had a step
	minUntilFull   = 0.5             // seconds on average; less is nothing but rounding
	minBurst       = 3               // tokens; in a smaller bucket there is nothing but rounding
	minShare       = 0.1             // of the gross refill, which we use even beside the greediest others
	resetRetryTime = 5 * time.Second // between two calls that go because Reset has passed
)

// newBucket starts the estimate with the first sample that names the bucket.
func newBucket(now time.Time, s sample) *bucket {
	b := &bucket{
		burst:       float64(s.Limit),
		limiter:     rate.NewLimiter(0, int(s.Limit)*perToken), // full
		netRefill:   initialRefill * float64(s.Limit),
		span:        minSpan,
		correctedAt: now,
		weightedAt:  now,
	}
	b.add(now, b.atLeast(s)-b.burst)
	b.limiter.SetLimitAt(now, rate.Limit(b.netRefill*perToken))
	return b
}

// content is the estimated number of tokens after the calls in flight have taken
// theirs. It is negative if there are not enough for them.
func (b *bucket) content(now time.Time) float64 { return b.limiter.TokensAt(now) / perToken }

// add adds tokens, which may be negative.
func (b *bucket) add(now time.Time, tokens float64) {
	n := int(math.Round(-tokens * perToken))
	b.limiter.ReserveN(now, min(n, b.limiter.Burst()))
}

// sent takes the token of a call that goes now. Once Reset has passed, a call goes
// only every resetRetryTime: if answers get lost, calls would otherwise never stop.
func (b *bucket) sent(now time.Time) {
	b.add(now, -1)
	if !now.Before(b.fullAt) {
		b.fullAt = now.Add(resetRetryTime)
	}
}

// sample is a dated answer: its headers, and what else was under way.
type sample struct {
	Observation
	call     call
	after    float64 // calls sent after this one
	inflight float64 // calls in flight now
	rtt      float64 // usual round-trip time, seconds
	age      float64 // seconds since the call was sent
}

// atLeast is the least content that a sample allows, after the calls in flight:
// Remaining, less what later calls take, plus what was added on the way back. That is never
// more than the full bucket, or the refill of one that stays full would seem to grow.
func (b *bucket) atLeast(s sample) float64 {
	return min(b.burst, float64(s.Remaining)-s.after+b.netRefill*min(s.age, s.rtt)/2)
}

// atMost is the largest content that a sample allows. Remaining is rounded down,
// and a late answer may have been delayed on the way to the server or back.
func (b *bucket) atMost(s sample) float64 {
	return b.atLeast(s) + 1 + b.netRefill*max(0, s.age-s.rtt)
}

// learn corrects the estimate towards a sample. The more calls are under way, the
// less is known about their order, and the smaller is the correction.
func (b *bucket) learn(now time.Time, s sample) {
	content := b.content(now)
	off := min(max(content, b.atLeast(s)), b.atMost(s)) - content
	if s.call.sentAt.Before(b.emptiedAt) {
		off = min(off, 0) // older than the 429, so it does not show new tokens
	}
	if s.Remaining >= s.Limit-1 && off > max(1, surprise*b.burst) {
		b.mode.watchFull(now)
	}
	correction := off / (1 + s.inflight + s.after)
	b.add(now, correction)
	b.learnReset(now, s)
	b.correctRefill(now, correction)
}

// refused sets the estimate to empty after a 429.
func (b *bucket) refused(now time.Time) {
	correction := min(-b.content(now), 0)
	b.add(now, correction)
	b.emptiedAt = now
	b.correctRefill(now, correction)
}

// correctRefill corrects netRefill by a correction of the content.
func (b *bucket) correctRefill(now time.Time, correction float64) {
	passed := now.Sub(b.correctedAt)
	b.correctedAt = now
	b.addInflow(passed.Seconds(), correction)
	if b.mode.window {
		b.limiter.SetLimitAt(now, 0)
		return
	}
	b.span = min(b.span+passed, maxSpan)
	change := correction / b.span.Seconds()
	b.netRefill += min(max(change, -maxFall*b.netRefill), maxRise*b.netRefill)
	b.netRefill = max(b.netRefill, b.minPace(), minRefill)
	b.limiter.SetLimitAt(now, rate.Limit(b.netRefill*perToken))
}

// addInflow adds up the tokens that the estimate gained, as corrected.
func (b *bucket) addInflow(passed, correction float64) {
	keep := max(0, 1-passed/maxInflowTime)
	b.inflow = keep*b.inflow + float64(b.limiter.Limit())/perToken*passed + correction
	b.inflowTime = keep*b.inflowTime + passed
}

// learnReset learns when the bucket is full and how fast it refills.
func (b *bucket) learnReset(now time.Time, s sample) {
	left := s.untilFull(now)
	b.fullAt = now.Add(left)
	if s.exact(left) {
		b.netRefill = min(b.netRefill, max(s.maxRefill(left), minByReset*b.burst))
		b.average(now, b.burst-float64(s.Remaining), left.Seconds())
	}
	if s.call.number > b.newestCall {
		b.newestCall = s.call.number
		b.mode.watchReset(now, s.Observation)
	}
}

// maxRefill is the highest refill at which the bucket is not full before Reset.
// Reset is rounded up and Date down, so it may be full two seconds earlier.
func (s sample) maxRefill(left time.Duration) float64 {
	if left <= 2*time.Second {
		return math.Inf(1)
	}
	return float64(s.Limit-s.Remaining) / (left - 2*time.Second).Seconds()
}

// average adds a sample to the sums over the headers. It is weighted by the time
// since the one before, because samples of the same second share the same rounding
// error: half a second each for Reset and Date on average, and half a token for
// Remaining.
func (b *bucket) average(now time.Time, missing, untilFull float64) {
	weight := min(now.Sub(b.weightedAt).Seconds(), minWeight)
	b.weightedAt = now
	if missing <= 1 {
		return // full, or nearly: Reset is now
	}
	keep := 1 - weight/refillMemory
	b.missing = keep*b.missing + weight*(missing-0.5)
	b.untilFull = keep*b.untilFull + weight*(untilFull-1)
	b.weight = keep*b.weight + weight
}

// rate is the average of netRefill, in tokens per second. It is what can be
// expected; netRefill itself follows every burst of the others.
func (b *bucket) rate() float64 {
	if b.inflowTime < minInflowTime {
		return b.netRefill
	}
	return max(b.inflow/b.inflowTime, minRefill)
}

// grossRefill is the rate at which the server refills the bucket, in tokens per
// second, whoever takes them; 0: Reset has not told it yet, or is too rough.
func (b *bucket) grossRefill() float64 {
	if b.weight < minWeight || b.untilFull < minUntilFull*b.weight || b.burst < minBurst {
		return 0
	}
	return b.missing / b.untilFull
}

// minPace is kept up even if others keep the bucket empty, in calls per second;
// 0: none.
func (b *bucket) minPace() float64 {
	if b.mode.window {
		return 0
	}
	return minShare * b.grossRefill()
}

// others is what other users take, in tokens per second. Less than a tenth of
// the refill cannot be told from rounding.
func (b *bucket) others() float64 {
	if taken := b.grossRefill() - b.rate(); taken > 0.1*b.grossRefill() {
		return taken
	}
	return 0
}

// timeFor is the time in which so many tokens are added.
func (b *bucket) timeFor(tokens float64) time.Duration {
	if b.mode.window {
		return forever
	}
	return inSeconds(tokens / b.netRefill)
}

// refillMode finds out whether the server adds tokens in another way than one by
// one. In a fixed window, all tokens come at its end: to hold a level is of no use,
// because what is left then is lost. If tokens come in steps of a second, the
// level has to leave room for a step.
type refillMode struct {
	window bool // the bucket is a fixed window, which ends at Reset

	reset          int64     // the last Reset seen
	resetSince     time.Time // when it was first seen
	resetRemaining int64     // Remaining then

	full       int       // answers in a row from a bucket that was unexpectedly full
	fullAt     time.Time // the last of them
	stepsUntil time.Time // tokens are taken to come in steps until then
}

const (
	standstill = 2 * time.Second  // of Reset, until it is taken as a window's end
	minFull    = 3                // answers from a full bucket that show steps
	maxFullGap = 10 * time.Second // between two of them
	stepsLast  = 5 * time.Minute  // until steps have to be found again
	oneStep    = 1.0              // seconds: Auth0 may refill buckets per minute once a second
)

// step is the time between two steps in seconds; 0: there are no steps.
func (m *refillMode) step(now time.Time) float64 {
	if now.Before(m.stepsUntil) {
		return oneStep
	}
	return 0
}

// watchReset compares Reset with the one before. Every token that is taken from a
// bucket moves Reset to a later time. If Reset stands still while Remaining falls,
// it is the end of a window. If it moves before it has passed, it is not.
func (m *refillMode) watchReset(now time.Time, o Observation) {
	if o.Reset == m.reset {
		m.window = m.window || now.Sub(m.resetSince) > standstill && o.Remaining < m.resetRemaining
		return
	}
	if o.serverTime(now).Unix() < m.reset {
		m.window = false
	}
	m.reset, m.resetSince, m.resetRemaining = o.Reset, now, o.Remaining
}

// watchFull counts answers from a bucket that was full although its estimate was
// held below. A constant refill cannot explain that; a step can.
func (m *refillMode) watchFull(now time.Time) {
	if now.Sub(m.fullAt) > maxFullGap {
		m.full = 0
	}
	m.full, m.fullAt = m.full+1, now
	if m.full >= minFull {
		m.stepsUntil = now.Add(stepsLast)
	}
}
