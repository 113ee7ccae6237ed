package throttle

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/time/rate"

	"github.com/orgconn/orgconn/apiclient/plans"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inBubble calls f with a running throttle, in virtual time.
func inBubble(t *testing.T, cfg Config, f func(t *testing.T, th *Throttle)) {
	synctest.Test(t, func(t *testing.T) {
		th := New(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		var dispatcher sync.WaitGroup
		dispatcher.Go(func() { th.Run(ctx) })
		f(t, th)
		cancel()
		dispatcher.Wait()
	})
}

// must acquires a permit. It fails the test if the context ends first.
func must(t *testing.T, th *Throttle) *Permit {
	t.Helper()
	p, err := th.Acquire(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Retries go first, and calls in the order in which they asked.
func TestCallsGoInOrder(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, th *Throttle) {
		s := instant(plans.PerSecond(2, 2))
		probe := must(t, th)
		var mu sync.Mutex
		var order []int
		var all sync.WaitGroup
		ask := func(name int, retry bool) {
			all.Go(func() {
				p, err := th.Acquire(t.Context(), retry)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				p.Answered(s())
			})
			synctest.Wait()
		}
		for i := range 4 {
			ask(i, false)
		}
		for i := range 3 {
			ask(10+i, true)
		}
		probe.Answered(s())
		all.Wait()
		if want := []int{10, 11, 12, 0, 1, 2, 3}; !slices.Equal(order, want) {
			t.Errorf("calls went in the order %v, want %v", order, want)
		}
	})
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, th *Throttle) {
		probe := must(t, th)
		reason := errors.New("the operator had enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(reason) })
		if p, err := th.Acquire(ctx, false); p != nil || !errors.Is(err, reason) {
			t.Errorf("Acquire = %v, %v; want the context's cause", p, err)
		}
		if _, err := th.Acquire(ctx, true); !errors.Is(err, reason) {
			t.Errorf("Acquire with an ended context: %v", err)
		}
		probe.Unused()
		must(t, th).Unused() // the call that gave up does not block the queue
	})
}

// A permit that is granted just as the call gives up goes to the next call.
func TestCancelledAcquireLosesNoPermit(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, th *Throttle) {
		for range 500 {
			probe := must(t, th) // while it is out, the next one waits
			ctx, cancel := context.WithCancel(t.Context())
			var asking sync.WaitGroup
			asking.Go(func() {
				if p, err := th.Acquire(ctx, false); err == nil {
					p.Unused()
				}
			})
			synctest.Wait()
			go cancel()
			probe.Unused()
			asking.Wait()
			synctest.Wait()
			if th.rule.inflight != 0 || th.newCalls.Len() != 0 {
				t.Fatalf("%d calls in flight and %d queued, want none", th.rule.inflight, th.newCalls.Len())
			}
		}
	})
}

func TestUnusedGivesTheTokenBack(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, th *Throttle) {
		must(t, th).Answered(instant(plans.PerMinute(100, 1))())
		before := th.State().Content
		for range 200 {
			must(t, th).Unused()
		}
		if got := th.State().Content; got < before {
			t.Errorf("content %.1f after unused calls, want %.1f", got, before)
		}
	})
}

// While a call has a permit and is not sent for long, no other call gets one.
func TestUnsentCallsHoldBackOthers(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, th *Throttle) {
		s := instant(plans.PerSecond(100, 100))
		must(t, th).Answered(s())
		unsent := must(t, th)
		time.Sleep(maxUnsent)
		must(t, th).Sent() // is not held back yet
		time.Sleep(time.Millisecond)
		next := make(chan *Permit)
		go func() { next <- must(t, th) }()
		select {
		case <-next:
			t.Fatal("another call got a permit")
		case <-time.After(time.Minute):
		}
		if got := th.State().Waiting; got != Unsent {
			t.Errorf("the next call waits for reason %d, want %d", got, Unsent)
		}
		unsent.Sent()
		(<-next).Unused()
	})
}

func TestPermitEndsOnce(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, th *Throttle) {
		p := must(t, th)
		p.Unused()
		defer func() {
			if recover() == nil {
				t.Error("no panic at the second end")
			}
		}()
		p.Answered(Observation{})
	})
}

func TestHalfOpenLetsOneCallThrough(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, th *Throttle) {
		s := instant(plans.PerSecond(100, 50))
		must(t, th).Answered(s())
		th.HalfOpen(true)
		p := must(t, th)
		next := make(chan *Permit)
		go func() { next <- must(t, th) }()
		time.Sleep(time.Hour)
		if got := th.State().Waiting; got != Outage {
			t.Errorf("the second call waits for reason %d, want %d", got, Outage)
		}
		p.Answered(s())
		p = <-next
		th.HalfOpen(false)
		must(t, th).Answered(s())
		p.Answered(s())
	})
}

// All throttles of a run together stay within one limit, and each gets its share.
func TestPaceIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := rate.NewLimiter(10, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var all sync.WaitGroup
		var throttles [2]*Throttle
		for i := range throttles {
			th, s := New(Config{Pace: pace}), instant(plans.PerSecond(1000, 500))
			throttles[i] = th
			all.Go(func() { th.Run(ctx) })
			for range 8 {
				all.Go(func() {
					for {
						p, err := th.Acquire(ctx, false)
						if err != nil {
							return
						}
						time.Sleep(rtt)
						p.Answered(s())
					}
				})
			}
		}
		all.Wait()
		a, b := throttles[0].State().Sent, throttles[1].State().Sent
		if sum := a + b; sum < 190 || sum > 202 || a < sum/3 || b < sum/3 {
			t.Errorf("%d and %d calls in 20 s, want 200 together in about equal parts", a, b)
		}
	})
}

func TestStateShowsTheBucketAndThePause(t *testing.T) {
	inBubble(t, Config{Headroom: 0.1}, func(t *testing.T, th *Throttle) {
		if s := th.State(); s != (State{}) {
			t.Errorf("before the first call %+v, want nothing", s)
		}
		began := time.Now()
		s := instant(plans.PerMinute(5, 150))
		p := must(t, th)
		time.Sleep(rtt)
		p.Answered(s())
		got := th.State()
		if !got.Known || got.Burst != 5 || got.Sent != 1 || !got.First.Equal(began) || !got.Last.Equal(time.Now()) {
			t.Errorf("after the probe %+v", got)
		}
		p = must(t, th)
		p.Answered(Observation{Kind: Limited, RetryAfter: 10 * time.Second})
		next := make(chan *Permit)
		go func() { next <- must(t, th) }()
		synctest.Wait()
		got = th.State()
		if got.Waiting != Paused {
			t.Errorf("in a pause %+v", got)
		}
		(<-next).Unused()
	})
}

// The calls left are those that were announced, or those that wait if there are more.
func TestCallsLeft(t *testing.T) {
	for _, c := range []struct {
		expect                  []int
		newCalls, retries, want int
	}{
		{nil, 3, 2, -1}, // unknown
		{[]int{0}, 0, 0, 0},
		{[]int{10}, 3, 0, 10},
		{[]int{10}, 3, 2, 12},
		{[]int{1}, 3, 2, 5},
		{[]int{-1}, 0, 0, 0}, // a dry run takes back writes that it never announced
		{[]int{2, -3, 4}, 0, 0, 4},
	} {
		th := New(Config{})
		for _, calls := range c.expect {
			th.Expect(calls)
		}
		for range c.newCalls {
			th.newCalls.PushBack(nil)
		}
		for range c.retries {
			th.retries.PushBack(nil)
		}
		if got := th.left(); got != c.want {
			t.Errorf("%+v: %d calls left, want %d", c, got, c.want)
		}
	}
}

// If the tenant hardly limits calls, the throttle must not do so either.
func BenchmarkNoLimit(b *testing.B) {
	full := Observation{Headers: true, Limit: 1_000_000, Remaining: 999_999}
	t := New(Config{Headroom: 0.1})
	ctx, cancel := context.WithCancel(b.Context())
	var dispatcher, workers sync.WaitGroup
	dispatcher.Go(func() { t.Run(ctx) })
	t.Expect(b.N)
	todo := make(chan struct{}, 1024)
	for range 128 {
		workers.Go(func() {
			for range todo {
				p, err := t.Acquire(ctx, false)
				if err != nil {
					b.Error(err)
					return
				}
				p.Answered(full)
			}
		})
	}
	began := time.Now()
	for range b.N {
		todo <- struct{}{}
	}
	close(todo)
	workers.Wait()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "permits/s")
	cancel()
	dispatcher.Wait()
}
