package throttle

import (
	"slices"
	"testing"
	"time"
)

// Without usable headers the run goes on at the blind pace. A few answers without
// headers do not discard what is known.
func TestRunGoesOnWithoutHeaders(t *testing.T) {
	silent, headless, lost := Observation{Kind: Silent}, Observation{}, Observation{Kind: Lost}
	good := taken(at(1), 25, 20, 1)
	for _, c := range []struct {
		name    string
		answers []Observation
		want    bool
	}{
		{"before the first answer", nil, false},
		{"a first answer without headers", []Observation{headless}, true},
		{"then one with headers", []Observation{headless, good}, false},
		{"first calls that are lost", slices.Repeat([]Observation{lost}, 20), false},
		{"two first answers that say nothing", []Observation{silent, silent}, false},
		{"three first answers that say nothing", []Observation{silent, silent, silent}, true},
		{"any number of those later", append([]Observation{good}, slices.Repeat([]Observation{silent}, 50)...), false},
		{"nine answers without headers", append([]Observation{good}, slices.Repeat([]Observation{headless}, 9)...), false},
		{"ten answers without headers", append([]Observation{good}, slices.Repeat([]Observation{headless}, 10)...), true},
		{"every second answer without headers", slices.Repeat([]Observation{good, headless}, 20), false},
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

// Headers that always show an empty bucket although calls succeed would slow the
// run down for nothing. A 429 confirms them.
func TestWrongHeadersAreIgnored(t *testing.T) {
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
		t.Error("the headers of 8 wrong answers in a row are not ignored")
	}
	if run(true) {
		t.Error("headers are ignored after 4 wrong answers, a 429 and 4 more")
	}
}

// A longer round-trip time lowers the level, and leaves less to others.
func TestStragglerHardlyChangesTheRoundTripTime(t *testing.T) {
	r := probed(100, 0.1)
	r.answered(at(10), r.send(at(0.2)), taken(at(10), 100, 98, 1))
	if r.rtt > 150*time.Millisecond {
		t.Errorf("usual round-trip time %v after 100 ms and a straggler", r.rtt)
	}
}

func TestChangingLimitsDoNotFillTheMemory(t *testing.T) {
	r := probed(10, 0.1)
	for i := range int64(1000) {
		r.answered(at(1), r.send(at(1)), taken(at(1), 20+i, 5, 1))
	}
	if n := len(r.buckets); n > maxBuckets {
		t.Errorf("%d buckets are remembered, want at most %d", n, maxBuckets)
	}
}

func TestNothingIsSentRightAfterA429(t *testing.T) {
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

// If the headers of a 429 name a bucket that has tokens left, another one refused.
func TestRefusalByAnotherBucketThanTheNamedOne(t *testing.T) {
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

// A run that gets nothing but 429s must not go on hitting the server.
func TestRefusalsInARowPauseTheRun(t *testing.T) {
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

// Calls in flight may be answered by 429s that ask for different pauses.
func TestLongestPauseCounts(t *testing.T) {
	r := probed(25, 0.1)
	first, second := r.send(at(1)), r.send(at(1))
	r.answered(at(1.1), first, Observation{Kind: Limited, RetryAfter: 30 * time.Second})
	r.answered(at(1.2), second, Observation{Kind: Limited, RetryAfter: time.Second})
	if wait, why := r.next(at(1.2), 100); wait != 29900*time.Millisecond || why != Paused {
		t.Errorf("waits %v for %v after a Retry-After of 30 s and one of 1 s, want the rest of 30 s", wait, why)
	}
}
