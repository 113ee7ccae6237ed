package throttle

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// at is a moment of the tests that have no clock.
func at(seconds float64) time.Time {
	return time.Unix(1_800_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

// taken is the answer of a bucket that is full so many seconds after now.
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

// probed is a rule whose first call was answered at 0.1 s by a full bucket.
func probed(limit int64, headroom float64) *rule {
	r := &rule{headroom: headroom}
	r.answered(at(0.1), r.send(at(0)), taken(at(0.1), limit, limit-1, 1))
	return r
}

// burst sends as many calls as may go at once.
func burst(r *rule, now time.Time, left int) int {
	for n := 0; ; n++ {
		if wait, _ := r.next(now, left); wait > 0 || left == 0 || n > 1_000_000 {
			return n
		}
		r.send(now)
		left--
	}
}

func TestNothingIsSentBesideTheProbe(t *testing.T) {
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
				t.Errorf("next call waits %v for %v, want %v", wait, why, c.wait)
			}
			if n := burst(&r, at(1), 10); r.probing() && len(c.answers) > 0 && n != 1 {
				t.Errorf("%d calls go before anything is known, want 1", n)
			}
		})
	}
}

// How it goes on without the headers that it hopes for.
func TestBlind(t *testing.T) {
	silent, headless, lost := Observation{Kind: Silent}, Observation{}, Observation{Kind: Lost}
	good := taken(at(1), 25, 20, 1)
	for _, c := range []struct {
		name    string
		answers []Observation
		want    bool
	}{
		{"at first", nil, false},
		{"a first answer without headers", []Observation{headless}, true},
		{"and then one with", []Observation{headless, good}, false},
		{"lost probes", slices.Repeat([]Observation{lost}, 20), false},
		{"two answers that say nothing", []Observation{silent, silent}, false},
		{"three of them", []Observation{silent, silent, silent}, true},
		{"later, any number of them", append([]Observation{good}, slices.Repeat([]Observation{silent}, 50)...), false},
		{"nine answers without headers", append([]Observation{good}, slices.Repeat([]Observation{headless}, 9)...), false},
		{"ten of them", append([]Observation{good}, slices.Repeat([]Observation{headless}, 10)...), true},
		{"every second one", slices.Repeat([]Observation{good, headless}, 20), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r rule
			for _, o := range c.answers {
				r.answered(at(1), r.send(at(0.9)), o)
			}
			if got := r.blind != nil; got != c.want {
				t.Errorf("blind is %v, want %v", got, c.want)
			}
		})
	}
}

// Answers that deny tokens while calls get through are not believed for ever;
// but a 429 confirms them.
func TestHeadersThatDenyTokens(t *testing.T) {
	run := func(refusal bool) bool {
		r := probed(25, 0.1)
		for i := range 8 {
			now := at(float64(10 * (i + 1))) // enough for the bucket to be full
			r.answered(now, r.send(now), taken(now, 25, 0, 2))
			if refusal && i == 3 {
				r.answered(now, r.send(now), refused(now, 25, 0, 2))
			}
		}
		return r.distrusted
	}
	if !run(false) {
		t.Error("8 wrong answers in a row are believed")
	}
	if run(true) {
		t.Error("not believed after 4 wrong answers, a 429 and 4 more")
	}
}

// A Reset that has passed lets one call go, not each after the other's loss.
func TestLostCallsKeepToTheBucket(t *testing.T) {
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
		t.Errorf("%d calls in 10 s without an answer, more than the bucket has", sent)
	}
}

func TestStragglerDoesNotCountForMuch(t *testing.T) {
	r := probed(100, 0.1)
	r.answered(at(10), r.send(at(0.2)), taken(at(10), 100, 98, 1))
	if r.rtt > 150*time.Millisecond {
		t.Errorf("usual round trip %v after 100 ms and a straggler", r.rtt)
	}
}

// The server may have seen a late call at once or just now: what may have
// dripped in since is no contradiction.
func TestLateAnswerIsNoNews(t *testing.T) {
	for _, c := range []struct {
		late      float64 // seconds
		remaining int64
		moves     bool
	}{{0.1, 93, true}, {2, 93, false}, {2, 20, false}, {2, 1, false}, {4, 1, false}} {
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

// A slow bucket is known by its first answer: one call takes it so long to mend.
func TestResetBoundsTheRefill(t *testing.T) {
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

func TestLimitsAreNotCollected(t *testing.T) {
	r := probed(10, 0.1)
	for i := range int64(1000) {
		r.answered(at(1), r.send(at(1)), taken(at(1), 20+i, 5, 1))
	}
	if n := len(r.buckets); n > maxBuckets {
		t.Errorf("%d buckets are remembered", n)
	}
}

func TestLevel(t *testing.T) {
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

func TestRefused(t *testing.T) {
	r := probed(100, 0.1)
	before := r.state(at(0.1), -1)
	c := r.send(at(0.2))
	old := r.send(at(0.2))
	r.answered(at(0.3), c, refused(at(0.3), 100, 0, 2))
	s := r.state(at(0.3), -1)
	if s.Content > 0 || s.Rate >= before.Rate {
		t.Errorf("after a 429: content %.1f, rate %.1f; want 0, and less than %.1f", s.Content, s.Rate, before.Rate)
	}
	if n := burst(r, at(0.3), 10); n > 0 {
		t.Errorf("%d calls go right after a 429", n)
	}
	r.answered(at(0.4), old, taken(at(0.4), 100, 90, 1))
	if s := r.state(at(0.4), -1); s.Content > 10 {
		t.Errorf("content %.1f by an answer to a call from before the 429", s.Content)
	}
}

// A 429 whose headers show another bucket with tokens left was the other's.
func TestRefusedByAnotherBucketThanNamed(t *testing.T) {
	r := probed(50, 0.1)
	r.answered(at(0.2), r.send(at(0.15)), taken(at(0.2), 5, 4, 1))
	group, global := r.buckets[1], r.buckets[0]
	c := r.send(at(0.3))
	before := global.content(at(0.4))
	r.answered(at(0.4), c, refused(at(0.4), 50, 47, 1))
	if got := group.content(at(0.4)); got > 0.01 {
		t.Errorf("the group's bucket has %.1f tokens, want none", got)
	}
	if got := global.content(at(0.4)); got != before {
		t.Errorf("the global bucket has %.1f tokens, want %.1f as before", got, before)
	}
}

func TestPauses(t *testing.T) {
	pause := func(o Observation, rounds int) time.Duration {
		r := probed(25, 0.1)
		now := at(1)
		for range rounds {
			now = now.Add(time.Minute)
			o.Date, o.Reset = now, now.Unix()+100
			first, second := r.send(now), r.send(now)
			r.answered(now, first, o)
			r.answered(now, second, o) // the same round
		}
		return max(r.pausedUntil.Sub(now), 0)
	}
	limited := refused(at(0), 25, 0, 0)
	for _, c := range []struct {
		name   string
		o      Observation
		rounds int
		want   time.Duration
	}{
		{"none at first", limited, 2, 0},
		{"from the third round trip", limited, 3, 250 * time.Millisecond},
		{"doubling", limited, 5, time.Second},
		{"at most half a minute", limited, 100, 30 * time.Second},
		{"Retry-After", Observation{Kind: Limited, RetryAfter: 7 * time.Second}, 1, 7 * time.Second},
		{"Retry-After of a day", Observation{Kind: Limited, RetryAfter: 24 * time.Hour}, 1, 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := pause(c.o, c.rounds); got != c.want {
				t.Errorf("paused for %v, want %v", got, c.want)
			}
		})
	}
}

func TestPauseEndsWhenTheBucketIsFull(t *testing.T) {
	r := probed(25, 0.1)
	for i := range 10 {
		now := at(float64(60 * i))
		r.answered(now, r.send(now), refused(now, 25, 0, 2))
	}
	wait, why := r.next(at(540), 100)
	if wait != 2*time.Second || why != Paused {
		t.Errorf("waits %v for %v, want the 2s that Reset says", wait, why)
	}
}

func TestCredible(t *testing.T) {
	for name, c := range map[string]struct {
		limit, remaining int64
		want             bool
	}{
		"usual":                  {25, 24, true},
		"empty":                  {25, 0, true},
		"no limit":               {0, 0, false},
		"negative limit":         {-5, -6, false},
		"negative remaining":     {25, -1, false},
		"took nothing":           {25, 25, false},
		"more than nothing":      {25, math.MaxInt64, false},
		"beyond all measure":     {math.MaxInt64, 5, false},
		"a bucket of one, taken": {1, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := Observation{Headers: true, Limit: c.limit, Remaining: c.remaining}
			if got := o.credible(); got != c.want {
				t.Errorf("credible %v, want %v", got, c.want)
			}
		})
	}
	if (Observation{Limit: 25, Remaining: 24}).credible() {
		t.Error("credible without headers")
	}
}

func TestUntilFull(t *testing.T) {
	for name, c := range map[string]struct {
		reset, date int64 // seconds from now
		want        time.Duration
	}{
		"by the server's clock":      {3603, 3600, 3 * time.Second},
		"already full":               {0, 0, time.Second},
		"long past":                  {-100, 0, time.Minute},
		"a day":                      {86400, 0, time.Minute},
		"the end of time":            {math.MaxInt64 - 2_000_000_000, 0, time.Minute},
		"before the beginning of it": {math.MinInt64, 0, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			now := at(0)
			o := Observation{Reset: now.Unix() + c.reset, Date: now.Add(time.Duration(c.date) * time.Second)}
			if got := o.untilFull(now); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// Whatever a server says, it is never the end: some time after the last answer
// the next call goes.
func TestNeverStalls(t *testing.T) {
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
