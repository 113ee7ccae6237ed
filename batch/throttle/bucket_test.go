package throttle

import (
	"math"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// The server may have served a late call long ago or just now. The estimate stays
// if it fits one of these times.
func TestLateAnswerLeavesTheEstimate(t *testing.T) {
	for _, c := range []struct {
		late      float64 // seconds
		remaining int64
		moves     bool
	}{{0.1, 93, true}, {2, 93, false}, {2, 20, false}, {2, 3, false}, {4, 1, false}} {
		r := probed(100, 0.1)
		b := r.buckets[0]
		sent := r.send(at(0.1))
		now := at(0.1 + c.late)
		before := b.content(now)
		r.answered(now, sent, taken(now, 100, c.remaining, 1))
		if got := b.content(now); (math.Abs(got-before) > 0.01) != c.moves {
			t.Errorf("Remaining %d after %v s: content %.1f, before %.1f", c.remaining, c.late, got, before)
		}
	}
}

// A bucket that stays full, as something else holds the calls back, tells nothing of its
// refill.
func TestFullBucketLeavesTheRefill(t *testing.T) {
	r := probed(1500, 0.09)
	b := r.buckets[0]
	before := b.netRefill
	for i := range 2000 {
		sent := r.send(at(float64(i)))
		now := at(float64(i) + 0.09)
		r.answered(now, sent, taken(now, 1500, 1499, 1))
	}
	if b.netRefill > 1.01*before {
		t.Errorf("%.4g tokens per second, before %.4g", b.netRefill, before)
	}
}

// The first answer already shows a slow bucket: it takes long to replace one token.
func TestResetLimitsTheRefill(t *testing.T) {
	for _, c := range []struct {
		full int64 // seconds until then, as told
		want float64
	}{{1, 2.5}, {2, 2.5}, {3, 1}, {4, 0.5}, {50, 0.25}} {
		var r rule
		r.answered(at(0.1), r.send(at(0)), taken(at(0.1), 5, 4, c.full))
		if got := r.buckets[0].netRefill; got > c.want+0.01 {
			t.Errorf("full after %d s: %.2f tokens per second, want at most %.2f", c.full, got, c.want)
		}
	}
}

// In a fixed window, tokens that are held back are lost.
func TestFixedWindowIsFound(t *testing.T) {
	type answer struct {
		at, reset float64 // seconds
		remaining int64   // of 100
	}
	for _, c := range []struct {
		name    string
		answers []answer
		want    bool
	}{
		{"Reset stands still, Remaining falls", []answer{{0, 60, 99}, {1, 60, 80}, {2.5, 60, 70}}, true},
		{"Reset stands still, not for long yet", []answer{{0, 60, 99}, {1, 60, 80}, {1.9, 60, 70}}, false},
		{"Reset stands still, nothing is taken", []answer{{0, 60, 70}, {3, 60, 73}}, false},
		{"Reset moves on: no window", []answer{{0, 60, 99}, {1, 61, 80}, {3.5, 63, 70}}, false},
		{"the next window", []answer{{0, 60, 99}, {3, 60, 50}, {61, 120, 99}}, true},
		{"no window after all: Reset moves too early", []answer{{0, 60, 99}, {3, 60, 50}, {4, 61, 49}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m refillMode
			for _, a := range c.answers {
				o := taken(at(a.at), 100, a.remaining, 0)
				o.Reset = at(a.reset).Unix()
				m.watchReset(at(a.at), o)
			}
			if m.window != c.want {
				t.Errorf("found a window: %v, want %v", m.window, c.want)
			}
		})
	}
}

// A bucket that is full again and again although it was held below gets its tokens
// in steps, and the level has to leave room for one.
func TestStepsAreFound(t *testing.T) {
	for _, c := range []struct {
		name    string
		full    []float64 // seconds of the answers that find the bucket full
		now     float64
		stepped bool
	}{
		{"two full buckets are chance", []float64{1, 2}, 2, false},
		{"three are steps", []float64{1, 2, 3}, 3, true},
		{"unless they are far apart", []float64{1, 12, 23}, 23, false},
		{"forgotten after a while", []float64{1, 2, 3}, 304, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m refillMode
			for _, s := range c.full {
				m.watchFull(at(s))
			}
			if got := m.step(at(c.now)) > 0; got != c.stepped {
				t.Errorf("found steps: %v, want %v", got, c.stepped)
			}
		})
	}
}

// The estimate of a bucket needs this of rate.Limiter, whose documentation does not
// promise it.
func TestLimiterHasDebtsAndTakesTokensBack(t *testing.T) {
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
		"a negative number gives tokens back": {func(l *rate.Limiter) { l.ReserveN(now, -20) }, 50},
		"but not beyond the burst":            {func(l *rate.Limiter) { l.ReserveN(now, -500) }, 100},
		"a large one leaves a debt":           {func(l *rate.Limiter) { l.ReserveN(now, 100) }, -70},
		"a debt can grow":                     {func(l *rate.Limiter) { l.ReserveN(now, 100); l.ReserveN(now, 100) }, -170},
		"one above the burst changes nothing": {func(l *rate.Limiter) { l.ReserveN(now, 101) }, 30},
		"a debt is possible without a rate":   {func(l *rate.Limiter) { l.SetLimitAt(now, 0); l.ReserveN(now, 100) }, -70},
		"a new rate leaves the tokens":        {func(l *rate.Limiter) { l.SetLimitAt(now, 1000) }, 30},
		"a refused AllowN takes nothing":      {func(l *rate.Limiter) { l.AllowN(now, 31) }, 30},
		"tokens come in at the rate":          {func(l *rate.Limiter) { l.ReserveN(now.Add(time.Second), 10) }, 30},
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
