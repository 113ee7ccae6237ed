package throttle

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// at is the time in tests without a clock.
func at(seconds float64) time.Time {
	return time.Unix(1_800_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

// taken is an answer whose Reset is full seconds after now.
func taken(now time.Time, limit, remaining int64, full int64) Observation {
	return Observation{
		Headers: true, Limit: limit, Remaining: remaining,
		Reset: now.Unix() + full, Date: now.Truncate(time.Second),
	}
}

func refused(now time.Time, limit, remaining int64, full int64) Observation {
	o := taken(now, limit, remaining, full)
	o.Kind = Limited
	return o
}

// probed is a rule whose first call was answered after 0.1 s by a full bucket.
func probed(limit int64, headroom float64) *rule {
	r := &rule{headroom: headroom}
	r.answered(at(0.1), r.send(at(0)), taken(at(0.1), limit, limit-1, 1))
	return r
}

// burst sends as many calls as may go at once, and counts them.
func burst(r *rule, now time.Time, left int) int {
	for n := 0; ; n++ {
		if wait, _ := r.next(now, left); wait > 0 || left == 0 || n > 1_000_000 {
			return n
		}
		r.send(now)
		left--
	}
}

// A second call could be refused while the bucket is unknown.
func TestFirstCallGoesAlone(t *testing.T) {
	for name, c := range map[string]struct {
		answers []Observation
		wait    time.Duration
	}{
		"no answer yet":       {nil, forever},
		"lost":                {[]Observation{{Kind: Lost}}, 0},
		"says nothing":        {[]Observation{{Kind: Silent}}, 0},
		"says nothing, again": {[]Observation{{Kind: Silent}, {Kind: Silent}}, 0},
		"known":               {[]Observation{taken(at(0), 25, 24, 1)}, 0},
		"no headers":          {[]Observation{{}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var r rule
			probe := r.send(at(0))
			for i, o := range c.answers {
				if i > 0 {
					probe = r.send(at(0))
				}
				r.answered(at(0.1), probe, o)
			}
			if wait, why := r.next(at(1), 10); wait != c.wait {
				t.Errorf("the next call waits %v for reason %d, want %v", wait, why, c.wait)
			}
			if n := burst(&r, at(1), 10); r.probing() && len(c.answers) > 0 && n != 1 {
				t.Errorf("%d calls go before anything is known about the bucket, want 1", n)
			}
		})
	}
}

// Tokens that are not needed yet are there for others.
func TestTokensAreHeldBackUntilTheEnd(t *testing.T) {
	const many, unknown = 100_000, -1
	for _, c := range []struct {
		name     string
		limit    int64
		headroom float64
		left     int
		want     int // calls that go at once
	}{
		{"30 % of the bucket while calls remain", 100, 0.1, many, 30},
		{"and where their number is unknown", 100, 0.1, unknown, 30},
		{"down to the headroom with the last calls", 100, 0.1, 89, 89},
		{"beginning two round trips early", 100, 0.1, 95, 90},
		{"not earlier", 100, 0.1, 105, 30},
		{"headroom above the level", 100, 0.8, many, 20},
		{"no headroom", 100, 0, 98, 98},
		{"a small bucket keeps room for two", 5, 0.1, many, 1},
		{"and half a token as headroom", 5, 0.1, 3, 3},
		{"a bucket of two", 2, 0.1, many, 0},
		{"a bucket of one", 1, 0.1, many, 0},
		{"all headroom", 10, 1, 20, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := burst(probed(c.limit, c.headroom), at(0.1), c.left); got != c.want {
				t.Errorf("%d calls at once, want %d", got, c.want)
			}
		})
	}
}

// After Reset one call may go without an answer, but not one after the other.
func TestLostCallsStayWithinTheLimit(t *testing.T) {
	r := probed(5, 0.1)
	sent := 0
	for i := range 1000 {
		now := at(10 + float64(i)/100)
		if wait, _ := r.next(now, 10_000); wait == 0 {
			r.answered(now, r.send(now), Observation{Kind: Lost})
			sent++
		}
	}
	if sent > 5+10*5/2 {
		t.Errorf("%d calls in 10 s without an answer, more than the bucket gives", sent)
	}
}

// Whatever the server answers, the next call goes some time after the last answer.
func TestNoAnswerStopsARunForever(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &rule{headroom: rapid.Float64Range(0, 1).Draw(t, "headroom")}
		number := rapid.OneOf(rapid.Int64Range(-2, 30), rapid.Int64())
		now := 0.0
		var open []call
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now += rapid.Float64Range(0, 20).Draw(t, "time")
			if wait, _ := r.next(at(now), 100); wait < 0 {
				t.Fatalf("waits %v", wait)
			} else if wait == 0 {
				open = append(open, r.send(at(now)))
			}
			if len(open) > 0 && rapid.Bool().Draw(t, "answer") {
				r.answered(at(now), open[0], Observation{
					Kind:       Kind(rapid.IntRange(int(Taken), int(Lost)).Draw(t, "kind")),
					Headers:    rapid.Bool().Draw(t, "headers"),
					Limit:      number.Draw(t, "limit"),
					Remaining:  number.Draw(t, "remaining"),
					Reset:      at(now).Unix() + number.Draw(t, "reset"),
					Date:       at(now + rapid.Float64Range(-9e3, 9e3).Draw(t, "skew")),
					RetryAfter: time.Duration(number.Draw(t, "retry after")),
				})
				open = open[1:]
			}
		}
		for _, c := range open {
			r.answered(at(now), c, Observation{Kind: Lost})
		}
		if wait, why := r.next(at(now+601), 100); wait > 0 {
			t.Fatalf("ten minutes later the next call still waits %v for %v", wait, why)
		}
		if s := r.state(at(now), -1); math.IsNaN(s.Rate+s.Content+s.Refill) || s.Content > s.Burst {
			t.Fatalf("%+v", s)
		}
	})
}
