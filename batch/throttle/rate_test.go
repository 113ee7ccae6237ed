package throttle

import (
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// What the picture of a bucket needs of rate.Limiter and its documentation does
// not promise.
func TestLimiterKeepsADebtAndTakesTokensBack(t *testing.T) {
	now := time.Unix(1e9, 0)
	fresh := func() *rate.Limiter {
		l := rate.NewLimiter(10, 100)
		l.ReserveN(now, 70)
		return l
	}
	for name, c := range map[string]struct {
		do   func(*rate.Limiter)
		want float64
	}{
		"a negative number is given back":       {func(l *rate.Limiter) { l.ReserveN(now, -20) }, 50},
		"but not beyond the burst":              {func(l *rate.Limiter) { l.ReserveN(now, -500) }, 100},
		"a large one leaves a debt":             {func(l *rate.Limiter) { l.ReserveN(now, 100) }, -70},
		"a debt can grow":                       {func(l *rate.Limiter) { l.ReserveN(now, 100); l.ReserveN(now, 100) }, -170},
		"one above the burst changes nothing":   {func(l *rate.Limiter) { l.ReserveN(now, 101) }, 30},
		"without a rate too there is a debt":    {func(l *rate.Limiter) { l.SetLimitAt(now, 0); l.ReserveN(now, 100) }, -70},
		"a new rate leaves the tokens":          {func(l *rate.Limiter) { l.SetLimitAt(now, 1000) }, 30},
		"a refused AllowN takes nothing":        {func(l *rate.Limiter) { l.AllowN(now, 31) }, 30},
		"what is reserved drips in at the rate": {func(l *rate.Limiter) { l.ReserveN(now.Add(time.Second), 10) }, 30},
	} {
		t.Run(name, func(t *testing.T) {
			l := fresh()
			c.do(l)
			if got := l.TokensAt(now); got != c.want {
				t.Errorf("%v tokens, want %v", got, c.want)
			}
		})
	}
}
