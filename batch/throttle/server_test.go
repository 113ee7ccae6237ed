package throttle

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// server is Auth0's limiter as far as it can be seen from outside: a bucket that
// drips, headers rounded as Auth0 rounds them, a clock of its own.
type server struct {
	mu      sync.Mutex
	burst   float64
	refill  float64 // tokens per second
	window  time.Duration
	skew    time.Duration
	headers func(*Observation) // what becomes of the headers on the way; nil: nothing

	content float64
	last    time.Time
}

func newServer(burst, refill float64) *server {
	return &server{burst: burst, refill: refill, content: burst, last: time.Now()}
}

// take answers one call now.
func (s *server) take() Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.window > 0 {
		if now.Truncate(s.window).After(s.last) {
			s.content, s.last = s.burst, now
		}
	} else {
		s.content = min(s.burst, s.content+s.refill*now.Sub(s.last).Seconds())
		s.last = now
	}
	o := Observation{Kind: Limited}
	if s.content >= 1 {
		s.content--
		o.Kind = Taken
	}
	full := now.Add(duration((s.burst - s.content) / s.refill))
	if s.window > 0 {
		full = now.Truncate(s.window).Add(s.window)
	}
	o.Headers, o.Limit, o.Remaining = true, int64(s.burst), int64(s.content)
	o.Reset = int64(math.Ceil(float64(full.Add(s.skew).UnixNano()) / 1e9))
	o.Date = now.Add(s.skew).Truncate(time.Second)
	if s.headers != nil {
		s.headers(&o)
	}
	return o
}

// change gives the bucket another size, as a new plan does. What it holds is
// cut to it.
func (s *server) change(burst, refill float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.burst, s.refill = burst, refill
	s.content = min(s.content, burst)
}

// network delays calls: a round trip of 20-300 ms, log-normal around 90. The
// calls of a job draw from it in the order in which they are sent, so that a seed
// gives the same job again, whichever worker sends which call.
type network struct {
	mu     sync.Mutex
	random *rand.Rand
}

// oneWay is half of a round trip.
func (n *network) oneWay() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	trip := 90 * math.Exp(0.4*n.random.NormFloat64())
	return duration(min(max(trip, 20), 300) / 2 / 1000)
}

// oldJob is a run of calls by 128 workers.
type oldJob struct {
	calls    int
	headroom float64
	unknown  bool // how many there are is not told
	start    time.Duration
	seed     uint64
}

// result is what a job came to.
type result struct {
	took    time.Duration
	limited int
	state   State // at three quarters of the calls
}

// run does the job against do, which answers one call. It must be called in a
// synctest bubble.
func (j oldJob) run(do func() Observation) result {
	t := New(Config{Headroom: j.headroom})
	ctx, cancel := context.WithCancel(context.Background())
	var all, workers sync.WaitGroup
	all.Go(func() { t.Run(ctx) })
	time.Sleep(j.start)
	began := time.Now()
	if !j.unknown {
		t.Expect(j.calls)
	}
	var r result
	var mu sync.Mutex
	todo := j.calls
	net := &network{random: rand.New(rand.NewPCG(j.seed, 0))}
	for range 128 {
		workers.Go(func() {
			for {
				mu.Lock()
				todo--
				mine, middle := todo >= 0, todo == j.calls/4
				mu.Unlock()
				if !mine {
					return
				}
				sendOne(ctx, t, net, do)
				if middle {
					r.state = t.State()
				}
			}
		})
	}
	workers.Wait()
	r.took = time.Since(began)
	r.limited = t.State().Limited
	cancel()
	all.Wait()
	return r
}

// sendOne sends one call until it is not refused.
func sendOne(ctx context.Context, t *Throttle, net *network, do func() Observation) {
	for again := false; ; again = true {
		p, err := t.Acquire(ctx, again)
		if err != nil {
			panic(err)
		}
		there, back := net.oneWay(), net.oneWay()
		time.Sleep(there)
		o := do()
		time.Sleep(back)
		p.Answered(o)
		if o.Kind != Limited {
			return
		}
	}
}

// ideal is T* with nothing left to others.
func ideal(calls int, burst, refill float64) time.Duration {
	return duration((float64(calls)-burst)/refill) + trip
}

func duration(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// bubble runs f in virtual time.
func bubble(t *testing.T, f func()) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { f() })
}
