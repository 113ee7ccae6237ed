package batch

import (
	"cmp"

	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

const (
	maxFaults   = 5  // attempts of one call that may go wrong
	maxRefusals = 10 // answers of status 403 in a row
	backoffBase = 500 * time.Millisecond
	backoffCap  = 30 * time.Second
	// permitLife is how old a permit may be when its call is sent. Calls that have waited
	// longer, for a token or for others in flight, would go out with many others at once. In
	// an outage calls wait longer, but go out one at a time.
	permitLife = 200 * time.Millisecond
)

// caller sends the calls of one of Auth0's rate-limit groups: it waits for the
// throttle's permit and repeats what is worth repeating. Every call of this
// program may be repeated: it changes nothing more. But its answer may be another one
// then, also an error (see action.ambiguous). It is safe for concurrent use.
type caller struct {
	pool     *pool
	throttle *throttle.Throttle

	// sent counts calls that left, limited those answered by 429, and retries those
	// repeated after a lost or faulty answer.
	sent, limited, retries atomic.Int64

	started atomic.Int64 // attempts of calls

	mu           sync.Mutex
	refusals     int   // answers of status 403 in a row
	firstRefused int64 // attempts started when the first of them came
}

// expect changes the number of new calls to come. The throttle needs it to know
// the end of the work, where it spends what is in the bucket.
func (c *caller) expect(calls int) { c.throttle.Expect(calls) }

// acquire waits for the permit of a new call. Whoever wants calls to go out in an
// order has to ask in that order. A permit ends by do, or by its own Unused.
// The error is why the pool stops.
func (c *caller) acquire() (*throttle.Permit, error) {
	return c.throttle.Acquire(c.pool.stopping, false)
}

// acquireExtra is acquire for a call that nobody has told expect.
func (c *caller) acquireExtra() (*throttle.Permit, error) {
	c.expect(1)
	return c.acquire()
}

// sender makes one call.
type sender func(context.Context) (*apiclient.Response, error)

// reply is what became of a call in the end.
type reply struct {
	resp     *apiclient.Response // of the last attempt; nil where none was sent
	err      error               // nil: done; *apiclient.Error; where none was sent: why
	number   int64               // of the last attempt, as started counts them
	attempts int                 // calls not answered by 429
	sentAt   time.Time           // when the last attempt was sent; for a list in pages, that of the first page
	faults   int                 // attempts outside an outage that went wrong
	renewing bool                // the last attempt's token was refused, and the next one has another
	renewed  bool                // the token of an earlier attempt was refused
	late     bool                // its permit was too old, and it got another one, which may be of any age
	lost     bool                // an attempt may have taken effect, with no answer that tells
	stopped  bool                // it would have been sent, or repeated, had the pool not stopped
	stale    bool                // it was not sent, or not repeated, as what it goes by has grown old
}

// stoppedReply is the reply to a call that got no permit.
func stoppedReply(err error) *reply { return &reply{err: err, stopped: true} }

// class is the class of the answer, 0 where the call was done or not sent.
func (r *reply) class() apiclient.Class {
	if failure, ok := errors.AsType[*apiclient.Error](r.err); ok {
		return failure.Class
	}
	return 0
}

// record is the journal's form of the reply, nil where nothing was sent.
func (r *reply) record() *journal.Call {
	if r.resp == nil {
		return nil
	}
	call := &journal.Call{
		Status:     r.resp.Status,
		Attempts:   r.attempts,
		DurationMS: r.resp.Duration.Milliseconds(),
		RequestID:  r.resp.RequestID,
	}
	if failure, ok := errors.AsType[*apiclient.Error](r.err); ok {
		call.ErrorCode = failure.Code
	}
	return call
}

// do makes a call until its answer is decided or the pool stops. In the last moment
// before each attempt, fresh is asked whether the call is still to be made, and told
// whether an earlier attempt may have taken effect; nil stands for yes. faults is how many
// attempts went wrong before. The error stops the pool. The reply is there in any case.
func (c *caller) do(permit *throttle.Permit, send sender, fresh func(lost bool) bool, faults int) (*reply, error) {
	r := &reply{faults: faults}
	for {
		again, err := true, error(nil)
		if c.attempt(permit, send, fresh, r) {
			again, err = c.afterAnswer(r)
		}
		if err != nil || !again || r.stopped || r.stale {
			return r, err
		}
		if permit, err = c.throttle.Acquire(c.pool.stopping, true); err != nil {
			r.stopped = true
			r.err = cmp.Or(r.err, err) // nothing may have been sent so far
			return r, nil
		}
	}
}

// attempt makes one call, and tells the throttle what its answer says of the
// bucket. It is false where nothing was sent.
func (c *caller) attempt(permit *throttle.Permit, send sender, fresh func(lost bool) bool, r *reply) bool {
	done := c.enter()
	defer done()
	wanted := func() bool {
		switch {
		case c.pool.stopping.Err() != nil:
			r.stopped = true
			if r.resp == nil {
				r.err = context.Cause(c.pool.stopping)
			}
		case permit.Age() > permitLife && !r.late && !c.pool.breaker.open():
			r.late = true // do gets another permit
		case fresh != nil && !fresh(r.lost):
			r.stale = true
		default:
			return true
		}
		return false
	}
	if wanted() && c.send(permit, send, wanted, r) {
		return true
	}
	permit.Unused()
	return false
}

// send is attempt without the wait. The client asks wanted again in the last moment, as
// the call may have waited for a token.
func (c *caller) send(permit *throttle.Permit, send sender, wanted func() bool, r *reply) bool {
	faulty := r.resp != nil && r.resp.Status != http.StatusTooManyRequests // the attempt before
	r.number, r.sentAt = c.started.Add(1), time.Now()
	unwanted := false
	resp, err := send(apiclient.IfStill(c.pool.cutoff, func() bool {
		if unwanted = !wanted(); !unwanted {
			permit.Sent()
		}
		return !unwanted
	}))
	if unwanted {
		return false
	}
	r.resp, r.err, r.late = resp, err, false
	failure, isError := errors.AsType[*apiclient.Error](err)
	r.renewing = isError && failure.RenewToken(r.renewed) // here, before others go on with the same token
	r.renewed = r.renewed || r.renewing
	observation, left := observe(r.resp, r.err)
	if !left {
		permit.Unused()
		return true
	}
	permit.Answered(observation)
	c.sent.Add(1)
	if r.resp.Status == http.StatusTooManyRequests {
		c.limited.Add(1)
	}
	if faulty {
		c.retries.Add(1)
	}
	return true
}

// enter waits until there are not too many calls in flight and, in an outage,
// until this call may try the tenant. Either wait ends when the pool stops. Done
// ends the call in any case.
func (c *caller) enter() (done func()) {
	select {
	case c.pool.inFlight <- struct{}{}:
	case <-c.pool.stopping.Done():
		return func() {}
	}
	tried := c.pool.breaker.admit(c.pool)
	return func() { tried(); <-c.pool.inFlight }
}

// afterAnswer classifies an answer, says whether to repeat the call, and waits before a
// repetition. The error stops the pool.
func (c *caller) afterAnswer(r *reply) (bool, error) {
	failure, isError := errors.AsType[*apiclient.Error](r.err)
	if isError && failure.Class == apiclient.RateLimited {
		c.pool.breaker.good()
		return true, nil // the throttle knows, and decides when
	}
	if r.resp.Tried {
		r.attempts++
	}
	if _, unexplained := r.err.(familyRefused); unexplained {
		return false, nil // neither a good answer nor a bad one: see linkCaller
	}
	if r.renewing {
		return true, nil
	}
	if isError && (failure.Class == apiclient.Transient || failure.Class == apiclient.Unreachable) {
		r.lost = r.lost || failure.Sent
		return c.afterFault(r, failure)
	}
	switch {
	case isError && (failure.Class == apiclient.Unauthorized || failure.Class == apiclient.InsufficientScope):
		return false, StopOf(failure)
	case isError && failure.Class == apiclient.ProxyRefused:
		return false, c.refusedByProxy(r, failure)
	case isError && failure.Class == apiclient.Forbidden:
		return false, c.refused(r, failure)
	}
	c.answered()
	return false, nil
}

// answered notes an answer that shows the tenant at work, and the credentials good.
func (c *caller) answered() {
	c.mu.Lock()
	c.refusals = 0
	c.mu.Unlock()
	c.pool.breaker.good()
}

// refused notes an answer of status 403. It is about the credentials, which stops the
// pool, if nothing good came yet or if only such answers come. Else it is about the
// call's organization. Calls in flight may be refused in one bunch, so only a call that
// was sent after the first refusal shows that nothing else comes.
func (c *caller) refused(r *reply, failure *apiclient.Error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals == 0 {
		c.firstRefused = c.started.Load()
	}
	c.refusals++
	if !c.pool.breaker.hasWorked() || c.refusals >= maxRefusals && r.number > c.firstRefused {
		return StopOf(failure)
	}
	return nil
}

// refusedByProxy stops the pool, as a proxy locks out who tries a wrong password often.
// The call was not sent to the tenant.
func (c *caller) refusedByProxy(r *reply, failure *apiclient.Error) error {
	r.stopped = true
	stop := StopOf(failure)
	if !c.pool.breaker.silent() {
		stop.Code = journal.ExitStopped
	}
	return stop
}

// afterFault waits for the repetition of a call that got a bad answer, where
// there is one. In an outage no call is given up.
func (c *caller) afterFault(r *reply, failure *apiclient.Error) (bool, error) {
	if failure.Class == apiclient.Unreachable && c.pool.breaker.silent() {
		r.stopped = true
		return false, StopOf(failure)
	}
	open := c.pool.breaker.fault(r, failure)
	if !open && r.resp.Tried { // a call that got no token was no attempt
		r.faults++
	}
	if r.faults >= maxFaults {
		return false, nil
	}
	r.stopped = !c.pool.sleep(backoff(r.faults, r.resp.RetryAfter))
	return !r.stopped, nil
}

// backoff is a capped exponential time with full jitter, so that calls which
// failed together do not come back together. The server's own wish is a floor, up
// to the same cap.
func backoff(faults int, retryAfter time.Duration) time.Duration {
	ceiling := min(backoffBase<<min(faults, 10), backoffCap)
	return min(retryAfter, backoffCap) + rand.N(ceiling)
}

// observe is what an answer says of the bucket; left is false where the call
// never left.
func observe(resp *apiclient.Response, err error) (o throttle.Observation, left bool) {
	if failure, ok := errors.AsType[*apiclient.Error](err); ok && resp.Status == 0 && !failure.Sent {
		return o, false
	}
	o = throttle.Observation{Kind: throttle.Taken, Date: resp.Date, RetryAfter: resp.RetryAfter}
	if limit := resp.RateLimit; limit != nil {
		o.Headers = true
		o.Limit, o.Remaining, o.Reset = limit.Limit, limit.Remaining, limit.Reset
	}
	switch {
	case resp.Status == http.StatusTooManyRequests:
		o.Kind = throttle.Limited
	case resp.Status == 0, resp.Status >= 500 && !o.Headers:
		o.Kind = throttle.Lost
	case resp.Status >= 400 && !o.Headers:
		o.Kind = throttle.Silent
	}
	return o, true
}

// measured is what the throttle measured of the tenant's bucket.
func (c *caller) measured() journal.Bucket {
	state := c.throttle.State()
	return journal.Bucket{
		Burst:     state.Burst,
		Refill:    state.Refill,
		Others:    state.Others,
		Remaining: state.Content,
		ActiveS:   activeSeconds(state),
		Sent:      state.Sent,
	}
}

func activeSeconds(state throttle.State) float64 {
	if state.First.IsZero() {
		return 0
	}
	return state.Last.Sub(state.First).Seconds()
}
