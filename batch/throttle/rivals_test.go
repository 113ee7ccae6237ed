package throttle

import (
	"context"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// rivals are plain ways of sending. Like the throttle, they know only the answers.
var rivals = []struct {
	name   string
	client client
}{
	{"wait for reset", pool(untilReset)},
	{"back off", pool(backOff)},
	{"pace by Remaining/(Reset-now)", evenPace},
}

// pool is eight workers that send at once and wait after a 429.
func pool(wait func(o Observation, tries int) time.Duration) client {
	return func(context.Context, int) (int, func(exchange), func() State) {
		send := func(once exchange) {
			for tries := 0; ; tries++ {
				o, ok := once()
				if ok {
					return
				}
				if o.Kind == Limited {
					time.Sleep(wait(o, tries))
				}
			}
		}
		return 8, send, noState
	}
}

// noState is the state of a client that measures nothing.
func noState() State { return State{Rate: math.NaN()} }

// untilReset waits as the official Go SDK does: until Reset and up to a fifth
// longer, between one second and one minute.
func untilReset(o Observation, tries int) time.Duration {
	if !o.Headers {
		return backOff(o, tries)
	}
	left := min(max(time.Until(time.Unix(o.Reset, 0)), time.Second), time.Minute)
	return left + rand.N(left/5)
}

// backOff waits up to half a second, doubled with each try up to half a minute.
func backOff(_ Observation, tries int) time.Duration {
	return rand.N(min(500*time.Millisecond<<min(tries, 6), 30*time.Second))
}

// evenPace sends one call after the other, at a distance that makes Remaining last
// until Reset.
func evenPace(context.Context, int) (int, func(exchange), func() State) {
	var gap atomic.Int64
	gap.Store(int64(time.Second))
	token := make(chan struct{}, 1)
	token <- struct{}{}
	learn := func(o Observation) {
		left := min(max(time.Until(time.Unix(o.Reset, 0)), time.Millisecond), time.Minute)
		if o.Headers {
			gap.Store(int64(left) / max(o.Remaining, 1))
		}
	}
	send := func(once exchange) {
		for {
			<-token
			time.Sleep(time.Duration(gap.Load()))
			token <- struct{}{}
			o, ok := once()
			learn(o)
			if ok {
				return
			}
		}
	}
	return 128, send, noState
}
