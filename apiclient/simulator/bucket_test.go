package simulator

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/orgconn/orgconn/apiclient/plans"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func drawLimit(t *rapid.T) plans.Limit {
	return plans.Limit{
		Burst:  rapid.IntRange(1, 5000).Draw(t, "burst"),
		Refill: rapid.IntRange(1, 50000).Draw(t, "refill"),
		Per:    rapid.SampledFrom([]time.Duration{time.Second, time.Minute}).Draw(t, "per"),
	}
}

// TestDripIsExact compares the bucket with rational arithmetic.
func TestDripIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := drawLimit(t)
		b := newBucket("b", limit, Drip, start)
		size, one := big.NewRat(int64(limit.Burst), 1), big.NewRat(1, 1)
		rate := big.NewRat(int64(limit.Refill), int64(limit.Per)) // tokens per nanosecond
		model, now := new(big.Rat).Set(size), start
		for range rapid.IntRange(1, 50).Draw(t, "requests") {
			wait := rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "wait")
			now = now.Add(time.Duration(wait))
			model.Add(model, new(big.Rat).Mul(rate, big.NewRat(wait, 1)))
			if model.Cmp(size) > 0 {
				model.Set(size)
			}
			b.advance(now)
			if b.empty() != (model.Cmp(one) < 0) {
				t.Fatalf("empty %v at content %v", b.empty(), model)
			}
			if !b.empty() {
				b.take()
				model.Sub(model, one)
			}
			if got := big.NewRat(b.content, int64(limit.Per)); got.Cmp(model) != 0 {
				t.Fatalf("content %v, want %v", got, model)
			}
		}
	})
}

// TestNoRefillPassesMoreThanItsRate bounds what any client can get in total,
// and checks that the bucket is full at the second that reset promises and,
// but for windows, not a second and a step earlier.
func TestNoRefillPassesMoreThanItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := drawLimit(t)
		refill := rapid.SampledFrom([]Refill{Drip, Steps, Window}).Draw(t, "refill")
		b := newBucket("b", limit, refill, start)
		now, taken := start, 0
		for range rapid.IntRange(1, 40).Draw(t, "bursts") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(t, "wait")))
			b.advance(now)
			for range rapid.IntRange(1, 100).Draw(t, "requests") {
				if !b.empty() {
					b.take()
					taken++
				}
			}
			if b.content < 0 || b.content > b.capacity() {
				t.Fatalf("content %d of %d", b.content, b.capacity())
			}
		}
		periods := float64(now.Sub(start)) / float64(limit.Per)
		if refill == Window {
			periods = math.Floor(periods) // the first window's allowance is the bucket's size
		}
		if most := float64(b.size()) + periods*float64(limit.Refill); float64(taken) > most+1e-6 {
			t.Fatalf("%d passed, at most %v allowed", taken, most)
		}
		checkReset(t, b)
	})
}

func checkReset(t *rapid.T, b *bucket) {
	full := b.content == b.capacity()
	earlier, at := *b, time.Unix(b.reset(), 0)
	b.advance(at)
	if b.content != b.capacity() {
		t.Fatalf("content %d of %d at reset", b.content, b.capacity())
	}
	before := at.Add(-time.Second - time.Millisecond)
	if full || earlier.refill == Window || !before.After(earlier.at) {
		return
	}
	if earlier.advance(before); earlier.content == earlier.capacity() {
		t.Fatalf("full more than a second before reset")
	}
}

func TestSteps(t *testing.T) {
	b := newBucket("b", plans.PerMinute(5, 150), Steps, start)
	for range 5 {
		b.take()
	}
	for _, step := range []struct {
		after time.Duration
		want  float64
	}{{999 * time.Millisecond, 0}, {time.Second, 2.5}, {1900 * time.Millisecond, 2.5}, {2 * time.Second, 5}} {
		b.advance(start.Add(step.after))
		if got := b.tokens(b.content); got != step.want {
			t.Errorf("content %v after %v, want %v", got, step.after, step.want)
		}
	}
}

func TestWindow(t *testing.T) {
	b := newBucket("b", plans.PerMinute(5, 150), Window, start.Add(10*time.Second))
	for range 150 {
		b.take()
	}
	if want := start.Add(time.Minute).Unix(); b.reset() != want || !b.empty() {
		t.Fatalf("reset %d, want %d; empty %v", b.reset(), want, b.empty())
	}
	b.advance(start.Add(time.Minute - 1))
	if !b.empty() {
		t.Error("refilled within the window")
	}
	b.advance(start.Add(time.Minute))
	if b.remaining() != 150 {
		t.Errorf("%d tokens in a new window, want 150", b.remaining())
	}
}

func TestSetLimitKeepsTokens(t *testing.T) {
	b := newBucket("b", plans.PerMinute(75, 2250), Drip, start)
	for range 30 {
		b.take()
	}
	b.setLimit(plans.PerSecond(60, 10))
	if got := b.remaining(); got != 45 {
		t.Errorf("%d tokens after the change of period, want 45", got)
	}
	b.setLimit(plans.PerSecond(5, 2))
	if got := b.remaining(); got != 5 {
		t.Errorf("%d tokens after lowering, want 5", got)
	}
	b.setLimit(plans.PerSecond(25, 2))
	if got := b.remaining(); got != 5 {
		t.Errorf("%d tokens after raising, want 5", got)
	}
}
