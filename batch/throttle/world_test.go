package throttle

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
)

// group is the group of the calls that these tests send.
const group = plans.OrganizationConnectionsWrite

// rtt is the usual round-trip time.
const rtt = 90 * time.Millisecond

// scenario is a job, its simulated tenant, and what else happens there.
type scenario struct {
	name    string
	plan    plans.Plan
	refill  simulator.Refill
	tell    simulator.HeadersOf
	headers func(status int, h http.Header) // changes the headers on the way; nil: does not
	strays  float64                         // share of calls refused at any pace
	change  func(*simulator.Tenant)         // called at the start; nil: nothing
	phase   time.Duration                   // the job starts at a random time within it
	others  float64                         // requests per second of another user
	from    string                          // the bucket that these use; empty: group's
	calls   int                             // that have to get through
	ideal   func(start time.Time) float64   // T*, seconds
}

// outcome is the result of a job.
type outcome struct {
	ratio   float64 // T/T*
	limited float64 // 429s per 1000 calls
	harm    float64 // of another's requests refused because of the job, percentage points
	lowest  float64 // tokens
	eta     float64 // time left by State.Rate after a tenth of the calls, over what it took
	state   State   // then
}

// client is a way of sending calls. It returns the number of workers, and a
// function for them that sends one call until it gets through.
type client func(ctx context.Context, calls int) (workers int, send func(exchange), state func() State)

// exchange sends a call once. If ok is false, it has to be sent again.
type exchange func() (o Observation, ok bool)

// tenant simulates the tenant. One in a hundred calls takes a token and fails; one
// in two hundred takes two seconds longer.
func (s scenario) tenant(seed uint64) *simulator.Tenant {
	t := simulator.New(simulator.Config{
		Plan: s.plan, Refill: s.refill, HeadersOf: s.tell, Seed: seed,
		EmptyForUnknown: true, // so that no connections have to be set up
		LatencyOf: func(random *rand.Rand) time.Duration {
			ms := min(max(90*math.Exp(0.4*random.NormFloat64()), 20), 300)
			if random.Float64() < 1.0/200 {
				ms += 2000
			}
			return inSeconds(ms / 1000)
		},
	})
	t.Inject(simulator.Fault{Stage: simulator.AtHandler, Probability: 0.01})
	if s.strays > 0 {
		t.Inject(simulator.Fault{Code: http.StatusTooManyRequests, Probability: s.strays})
	}
	if s.headers != nil {
		t.Inject(simulator.Fault{Kind: simulator.Headers, Edit: s.headers})
	}
	return t
}

// run does the job in virtual time.
func (s scenario) run(t *testing.T, seed uint64, c client) (o outcome) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		random := rand.New(rand.NewPCG(seed, 1))
		if s.phase > 0 {
			time.Sleep(time.Duration(random.Int64N(int64(s.phase))))
		}
		tenant := s.tenant(seed)
		if s.change != nil {
			s.change(tenant)
		}
		users := s.otherUser(tenant, random)
		start := time.Now()
		j := do(exchanger(tenant), s.calls, c)
		o.ratio = (j.last.Sub(start) + rtt).Seconds() / s.ideal(start)
		o.limited = float64(j.limited) * 1000 / float64(s.calls)
		o.lowest = tenant.Bucket(group).Lowest
		o.eta = j.eta() / j.last.Sub(j.tenth).Seconds()
		o.state = j.state
		o.harm = users()
	})
	return o
}

// otherUser sends requests as a Poisson process to the tenant and, for comparison,
// to one without the job. The returned function stops it and returns the harm.
func (s scenario) otherUser(tenant *simulator.Tenant, random *rand.Rand) (harm func() float64) {
	if s.others == 0 {
		return func() float64 { return 0 }
	}
	from := s.from
	if from == "" {
		from = group
	}
	alone := s.tenant(0)
	var asked, refused int
	var stop atomic.Bool
	var user sync.WaitGroup
	user.Go(func() {
		for !stop.Load() {
			time.Sleep(inSeconds(random.ExpFloat64() / s.others))
			asked++
			if !tenant.Take(from) {
				refused++
			}
			if !alone.Take(from) {
				refused--
			}
		}
	})
	return func() float64 {
		limit := s.plan.Groups[group]
		time.Sleep(inSeconds(float64(limit.Burst)/limit.Rate()) + 2*time.Second)
		stop.Store(true)
		user.Wait()
		return 100 * float64(refused) / float64(max(asked, 1))
	}
}

// job is the progress of the work.
type job struct {
	mu      sync.Mutex
	todo    int       // calls that have not been sent
	missing int       // calls that have not got through
	limited int       // 429s
	last    time.Time // the last useful send

	tenth time.Time // when a tenth of the calls had got through
	left  int       // calls then
	state State     // then
}

// eta is the time left after a tenth of the calls in seconds, as predicted then.
func (j *job) eta() float64 { return float64(j.left) / j.state.Rate }

// do sends the calls from as many workers as the client wants.
func do(once exchange, calls int, c client) *job {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	j := &job{todo: calls, missing: calls}
	workers, send, state := c(ctx, calls)
	counted := func() (Observation, bool) {
		sent := time.Now()
		o, ok := once()
		j.mu.Lock()
		defer j.mu.Unlock()
		j.count(sent, o, ok)
		if ok && j.missing == calls-calls/10 {
			j.tenth, j.left, j.state = time.Now(), j.missing, state()
		}
		return o, ok
	}
	var pool sync.WaitGroup
	for range workers {
		pool.Go(func() {
			for j.begin() {
				send(counted)
			}
		})
	}
	pool.Wait()
	return j
}

// begin reports whether there is another call to send, and counts it as sent.
func (j *job) begin() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.todo--
	return j.todo >= 0
}

// count counts an answer. It requires j.mu.
func (j *job) count(sent time.Time, o Observation, ok bool) {
	if o.Kind == Limited {
		j.limited++
	}
	if !ok {
		return
	}
	j.missing--
	if sent.After(j.last) {
		j.last = sent
	}
}

// exchanger sends calls to a tenant without a network.
func exchanger(tenant *simulator.Tenant) exchange {
	transport := tenant.Transport()
	request, err := http.NewRequest("DELETE", "https://tenant.example/api/v2/organizations/org_1/enabled_connections/con_1", nil)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+tenant.IssueToken())
	return func() (Observation, bool) {
		resp, err := transport.RoundTrip(request)
		if err != nil {
			panic(err)
		}
		return observe(resp), resp.StatusCode < 300
	}
}

// observe reads an answer as the program does.
func observe(resp *http.Response) (o Observation) {
	var errs [3]error
	o.Limit, errs[0] = strconv.ParseInt(resp.Header.Get("X-Ratelimit-Limit"), 10, 64)
	o.Remaining, errs[1] = strconv.ParseInt(resp.Header.Get("X-Ratelimit-Remaining"), 10, 64)
	o.Reset, errs[2] = strconv.ParseInt(resp.Header.Get("X-Ratelimit-Reset"), 10, 64)
	o.Headers = errs == [3]error{}
	o.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	wait, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	o.RetryAfter = time.Duration(wait) * time.Second
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		o.Kind = Limited
	case resp.StatusCode >= 500 && !o.Headers:
		o.Kind = Lost
	case resp.StatusCode >= 400 && !o.Headers:
		o.Kind = Silent
	}
	return o
}

// throttled is this package's way of sending.
func throttled(ctx context.Context, calls int) (int, func(exchange), func() State) {
	t := New(Config{Headroom: 0.1})
	t.Expect(calls)
	go t.Run(ctx)
	send := func(once exchange) {
		for again := false; ; again = true {
			p, err := t.Acquire(ctx, again)
			if err != nil {
				panic(err)
			}
			p.Sent()
			o, ok := once()
			p.Answered(o)
			if ok {
				return
			}
		}
	}
	return 128, send, t.State
}

// bucketOf is a plan of one bucket.
func bucketOf(l plans.Limit) plans.Plan {
	return plans.Plan{Groups: map[string]plans.Limit{group: l}}
}

// instant answers calls at once, from one bucket and without failures.
func instant(l plans.Limit) func() Observation {
	once := exchanger(simulator.New(simulator.Config{Plan: bucketOf(l), EmptyForUnknown: true}))
	return func() Observation {
		o, _ := once()
		return o
	}
}
