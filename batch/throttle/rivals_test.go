package throttle

import (
	"context"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// What is plain to do instead. None of them knows more than the answers tell.
var rivals = []struct {
	name   string
	client client
}{
	{"wait for reset", pool(untilReset)},
	{"back off", pool(backOff)},
	{"pace by Remaining/(Reset-now)", evenPace},
}

// pool is eight workers that send without looking and wait after a 429.
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

// noState is what those know who do not measure.
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

// evenPace sends one call after the other, so far apart that what Remaining says
// lasts until Reset.
func evenPace(context.Context, int) (int, func(exchange), func() State) {
	var gap atomic.Int64
	gap.Store(int64(time.Second))
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	learn := func(o Observation) {
		left := min(max(time.Until(time.Unix(o.Reset, 0)), time.Millisecond), time.Minute)
		if o.Headers {
			gap.Store(int64(left) / max(o.Remaining, 1))
		}
	}
	send := func(once exchange) {
		for {
			<-turn
			time.Sleep(time.Duration(gap.Load()))
			turn <- struct{}{}
			o, ok := once()
			learn(o)
			if ok {
				return
			}
		}
	}
	return 128, send, noState
}
