package batch

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

const (
	maxFaults   = 5 // attempts of one call that may go wrong
	backoffBase = 500 * time.Millisecond
	backoffCap  = 30 * time.Second
	// mostTurns is how many calls for each worker may have had their turn: while
	// intents go to the disk, workers are busy with other calls. Each more is
	// 10 kB for each worker.
	mostTurns = 2
)

// lane sends the calls of one of Auth0's rate-limit groups: it waits for the
// throttle's permit, repeats what is worth repeating, and notices an outage.
// It is safe for concurrent use.
type lane struct {
	throttle *throttle.Throttle
	turns    chan struct{} // one for each call that has had its turn and is not decided
	workers  chan struct{} // one for each call in flight, of all lanes together
	control  *control
	health   *health

	calls, retries, limited atomic.Int64
}

func newLane(headroom float64, pace *rate.Limiter, workers chan struct{}, c *control, h *health) *lane {
	return &lane{
		throttle: throttle.New(throttle.Config{Headroom: headroom, Pace: pace}),
		turns:    make(chan struct{}, mostTurns*cap(workers)),
		workers:  workers,
		control:  c,
		health:   h,
	}
}

// sender makes one call.
type sender func(context.Context) (*apiclient.Response, error)

// reply is what became of a call in the end.
type reply struct {
	resp     *apiclient.Response // of the last call; nil where none was sent
	err      error               // nil: done; *apiclient.Error; where none was sent: why
	attempts int                 // calls not answered by 429
	faults   int                 // attempts outside an outage that went wrong
	lost     bool                // an attempt may have taken effect, with no answer that tells
	stopped  bool                // it would have been repeated, had the run not stopped
	stale    bool                // it was not sent again, as what it goes by has grown old
}

// stoppedReply is the reply to a call whose turn never came.
func stoppedReply(err error) *reply { return &reply{err: err, stopped: true} }

// class is the class of the answer, 0 where the call was done or not sent.
func (r *reply) class() apiclient.Class {
	var failure *apiclient.Error
	if errors.As(r.err, &failure) {
		return failure.Class
	}
	return 0
}

// call is the journal's form of the reply, nil where nothing was sent.
func (r *reply) call() *journal.Call {
	if r.resp == nil {
		return nil
	}
	call := &journal.Call{
		Status:     r.resp.Status,
		Attempts:   r.attempts,
		DurationMS: r.resp.Duration.Milliseconds(),
		RequestID:  r.resp.RequestID,
	}
	var failure *apiclient.Error
	if errors.As(r.err, &failure) {
		call.ErrorCode = failure.Code
	}
	return call
}

// turn is a call's: a place among the calls that are begun and not decided, and
// the throttle's permit.
type turn struct {
	lane   *lane
	permit *throttle.Permit
	err    error // there will be none, as the run stops
}

// turn waits for a new call's turn. Whoever wants calls to go out in an order has
// to ask in that order. Every turn without an error ends by call or giveBack.
func (l *lane) turn() *turn {
	select {
	case l.turns <- struct{}{}:
	case <-l.control.stopping.Done():
		return &turn{err: context.Cause(l.control.stopping)}
	}
	permit, err := l.throttle.Acquire(l.control.stopping, false)
	if err != nil {
		<-l.turns
	}
	return &turn{l, permit, err}
}

// extra is turn for a call that nobody has announced.
func (l *lane) extra() *turn {
	l.expect(1)
	return l.turn()
}

// giveBack ends a turn that was not used.
func (t *turn) giveBack() {
	t.permit.Unused()
	<-t.lane.turns
}

// call makes a call until its answer is decided or the run stops. Where the
// tenant's limit has held it back, and no attempt may have taken effect, stale,
// where there is one, is asked whether it is still to be made.
func (t *turn) call(send sender, stale func() bool) *reply {
	if t.err != nil {
		return stoppedReply(t.err)
	}
	l, permit, r := t.lane, t.permit, &reply{}
	defer func() { <-l.turns }()
	for again := false; ; again = true {
		if again && !r.lost && stale != nil && stale() {
			permit.Unused()
			r.stale = true
			return r
		}
		resp, err := l.once(permit, send)
		if resp == nil {
			r.stopped = true
			if r.resp == nil {
				r.err = err
			}
			return r
		}
		r.resp, r.err = resp, err
		l.note(resp, again)
		if !l.worthRepeating(r) {
			return r
		}
		if permit, err = l.throttle.Acquire(l.control.stopping, true); err != nil {
			r.stopped = true
			return r
		}
	}
}

// once makes one call, and tells the throttle what its answer says of the
// bucket. The response is nil where the run stopped before it.
func (l *lane) once(permit *throttle.Permit, send sender) (*apiclient.Response, error) {
	done, ok := l.begin()
	defer done()
	if !ok {
		permit.Unused()
		return nil, context.Cause(l.control.stopping)
	}
	resp, err := send(l.control.calls)
	if observation, sent := observe(resp, err); sent {
		permit.Answered(observation)
	} else {
		permit.Unused()
	}
	return resp, err
}

// begin waits for a worker, and in an outage for the turn to probe; ok is false
// where the run stops first. Done ends the call in either case.
func (l *lane) begin() (done func(), ok bool) {
	select {
	case l.workers <- struct{}{}:
	case <-l.control.stopping.Done():
		return func() {}, false
	}
	probed := func() {}
	if l.health.out() {
		probed = l.health.probe(l.control)
	}
	return func() { probed(); <-l.workers }, l.control.stopping.Err() == nil
}

// worthRepeating judges an answer, and waits where a repetition has to.
func (l *lane) worthRepeating(r *reply) bool {
	var failure *apiclient.Error
	isError := errors.As(r.err, &failure)
	if isError && failure.Class == apiclient.RateLimited {
		l.health.good()
		return true // the throttle knows, and decides when
	}
	r.attempts += r.resp.Tries
	if isError && (failure.Class == apiclient.Transient || failure.Class == apiclient.Unreachable) {
		r.lost = r.lost || failure.Sent
		return l.afterFault(r, failure)
	}
	l.health.good()
	if isError && (failure.Class == apiclient.Unauthorized || failure.Class == apiclient.InsufficientScope) {
		l.control.stop(refusedCredentials(failure))
	}
	return false
}

// afterFault waits for the repetition of a call that got a bad answer, where
// there is one. In an outage no call is given up.
func (l *lane) afterFault(r *reply, failure *apiclient.Error) bool {
	if failure.Class == apiclient.Unreachable && l.health.silent() {
		l.control.stop(&Stop{Code: journal.ExitRefused, Reason: failure.Error(), Hint: "check AUTH0_DOMAIN, and SSL_CERT_FILE where a proxy has its own certificate"})
		r.stopped = true
		return false
	}
	if !l.health.fault(r) {
		r.faults++
	}
	if r.faults >= maxFaults {
		return false
	}
	r.stopped = !l.control.sleep(backoff(r.faults, r.resp.RetryAfter))
	return !r.stopped
}

// backoff is a capped exponential time with full jitter, so that calls which
// failed together do not come back together; the server's own wish is a floor.
func backoff(faults int, retryAfter time.Duration) time.Duration {
	ceiling := min(backoffBase<<min(faults, 10), backoffCap)
	return min(retryAfter, backoffCap) + rand.N(ceiling)
}

// refusedCredentials is the stop for credentials or a scope that the tenant
// does not accept.
func refusedCredentials(failure *apiclient.Error) *Stop {
	s := &Stop{Code: journal.ExitCredentials, Reason: failure.Error(), Hint: "check the credentials in the environment, and that they are of this tenant"}
	if failure.Class == apiclient.InsufficientScope {
		s.Hint = "grant " + failure.Scope + " to the application, or use a token that has it"
	}
	return s
}

// observe is what an answer says of the bucket; sent is false where the call
// never left.
func observe(resp *apiclient.Response, err error) (o throttle.Observation, sent bool) {
	var failure *apiclient.Error
	if resp.Status == 0 && errors.As(err, &failure) && !failure.Sent {
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

// expect changes the number of new calls to come, which the throttle needs to
// know the end of the work, where it spends what is in the bucket.
func (l *lane) expect(calls int) { l.throttle.Expect(calls) }

func (l *lane) note(resp *apiclient.Response, again bool) {
	l.calls.Add(1)
	if resp.Status == http.StatusTooManyRequests {
		l.limited.Add(1)
	} else if again {
		l.retries.Add(1)
	}
}
