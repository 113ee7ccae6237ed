package throttle

import "time"

// Reason says what the next call waits for.
type Reason int

const (
	Idle    Reason = iota // no call is waiting
	Probing               // the answer to the first call
	Bucket                // tokens
	Paused                // the end of a pause after 429s
	MaxRPS                // the run's own limit, Config.Pace
	Outage                // the answer to the one call that Single allows
)

// State is what a Throttle knows at one moment. Where Known is false, nothing
// is known of the tenant's bucket: Burst, Refill, Others and Content are 0. Refill
// and Others take a few seconds to be measured, and are 0 until then.
type State struct {
	Known   bool
	Burst   float64 // tokens that the full bucket holds
	Refill  float64 // tokens per second that drip in, whoever takes them
	Others  float64 // tokens per second that other users take
	Content float64 // tokens in the bucket when the calls in flight are served
	// Rate is the calls per second that can be expected from now to the last one,
	// where their number is known with what is spent at the end.
	Rate float64

	Waiting Reason // what holds the next call back
	Sent    int    // calls let go
	Left    int    // calls to come, as far as they are known

	First, Last time.Time // the first call let go, the last one let go or answered
}

// state describes the bucket that holds calls back most: the one with the least
// left for us. Left is the number of calls to come; negative: unknown.
func (r *rule) state(now time.Time, left int) State {
	var s State
	for _, b := range r.buckets {
		if !r.counts(b) || s.Known && b.rate() >= s.Rate {
			continue
		}
		s = State{Known: true, Burst: b.burst, Content: max(b.content(now), 0), Rate: b.rate()}
		if b.earned >= leastMeasured {
			s.Others = b.others()
			s.Refill = s.Rate + s.Others
		}
	}
	if s.Known && left > 0 {
		// The last calls do not wait for tokens, they are there.
		wait := max(0, float64(left)-max(0, s.Content-r.low(s.Burst))) / s.Rate
		s.Rate = float64(left) / (wait + r.trip.Seconds())
	}
	if r.blind != nil && (!s.Known || r.blind.rate(now) < s.Rate) {
		s.Rate = r.blind.rate(now)
	}
	return s
}
