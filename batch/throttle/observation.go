package throttle

import "time"

// Kind says what an answer means for the bucket.
type Kind int

const (
	// Taken is an answer to a call that took a token.
	Taken Kind = iota
	// Limited is a 429: the call was refused and took no token.
	Limited
	// Silent is an answer that says nothing about the bucket and may not have
	// taken a token, such as Auth0's 404, which has no rate-limit headers.
	Silent
	// Lost is a call without an answer, or with one that did not come from the
	// server itself. It counts as taken.
	Lost
)

// Observation is what one answer says about the bucket.
type Observation struct {
	Kind       Kind
	Headers    bool          // the three X-RateLimit headers were there, as numbers
	Limit      int64         // X-RateLimit-Limit: tokens that the full bucket holds
	Remaining  int64         // X-RateLimit-Remaining: tokens left after this call, rounded down
	Reset      int64         // X-RateLimit-Reset: Unix second at which the bucket is full again, rounded up
	Date       time.Time     // the server's clock, from the Date header; zero: absent
	RetryAfter time.Duration // from the Retry-After header; zero: absent
}

const (
	maxBurst = 2e6 // tokens; a larger Limit is nonsense, and its thousandths might not fit an int of 32 bits

	// If Reset makes no sense, the bucket is taken to be full after a minute:
	// per-minute limits are the slowest that Auth0 publishes.
	defaultUntilFull = time.Minute
	longestWait      = 5 * time.Minute // for Reset and Retry-After
)

// credible reports whether the headers can be true. A call that took a token
// leaves fewer than Limit.
func (o Observation) credible() bool {
	return o.Headers && o.Limit >= 1 && o.Limit <= maxBurst &&
		o.Remaining >= 0 && o.Remaining < o.Limit
}

// untilFull is the time until Reset, at which the bucket is full. It goes by the
// server's clock if that is known, else by ours, which may be wrong.
func (o Observation) untilFull(now time.Time) time.Duration {
	left := time.Unix(o.Reset, 0).Sub(o.serverTime(now))
	if left < -5*time.Second || left > longestWait {
		return defaultUntilFull
	}
	return max(left, time.Second)
}

// exact reports whether untilFull is good enough to measure the refill by.
func (o Observation) exact(untilFull time.Duration) bool {
	return !o.Date.IsZero() && untilFull != defaultUntilFull
}

// serverTime is the server's clock if it is known, else ours. It has whole
// seconds, as in the Date header.
func (o Observation) serverTime(now time.Time) time.Time {
	if o.Date.IsZero() {
		return now.Truncate(time.Second)
	}
	return o.Date
}
