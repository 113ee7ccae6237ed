package batch

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

const (
	// writersPerCall is how many goroutines write rows for each call in flight. One
	// that waits for its intent's fsync makes no call; 2 keep 128 calls in flight
	// through an fsync of 10 ms.
	writersPerCall = 2
	// maxStages is how many stages there are at most: those of Run.Do.
	maxStages = 2
	// drainTime is how long calls in flight may take once the pool is stopping.
	drainTime = 10 * time.Second
)

// pool is what all calls of a run, a lookup or an export share: an errgroup of workers,
// a caller for each of Auth0's groups of calls, a semaphore of calls in flight, the pace
// of --max-rps, and a circuit breaker.
//
// The first error of a stage or a worker stops the pool, and so does stop. A pool
// stops in two steps: when stopping is done, no new call is sent; when cutoff is
// done, drainTime later, those in flight are cut off.
type pool struct {
	group    *errgroup.Group
	stopping context.Context
	cutoff   context.Context
	stop     context.CancelCauseFunc // begins to stop the pool; the first cause counts
	cut      context.CancelCauseFunc // ends cutoff

	inFlight chan struct{} // the semaphore
	breaker  *breaker
	headroom float64
	pace     *rate.Limiter // nil: none
	callers  []*caller
	log      *zap.Logger
}

// newPool makes a pool by the headroom, pace and workers of the settings.
func newPool(s journal.Settings, log *zap.Logger) *pool {
	p := &pool{inFlight: make(chan struct{}, s.Workers), headroom: s.Headroom, log: log}
	var stoppable context.Context
	stoppable, p.stop = context.WithCancelCause(context.Background())
	p.cutoff, p.cut = context.WithCancelCause(context.Background())
	p.group, p.stopping = errgroup.WithContext(stoppable)
	p.group.SetLimit(maxStages + (1+writersPerCall)*s.Workers) // the stages, the reads, the writers
	p.breaker = newBreaker(p.halfOpen, func(last *apiclient.Error) { p.stop(outOfReach(last)) })
	if s.MaxRPS > 0 {
		p.pace = rate.NewLimiter(rate.Limit(s.MaxRPS), 1)
		p.pace.Allow() // a request for a token, or the last one of a lookup, may have just been sent
	}
	return p
}

// newCaller adds the caller of a group of calls. It is called before do, which runs the
// callers' throttles.
func (p *pool) newCaller() *caller {
	c := &caller{pool: p, throttle: throttle.New(throttle.Config{Headroom: p.headroom, Pace: p.pace})}
	p.callers = append(p.callers, c)
	return c
}

// do runs stages and the workers that they spawn, to their end. The
// throttles and background go on beside them. It returns why the pool stopped
// before its end; nil where it did not.
func (p *pool) do(ctx context.Context, background func(context.Context), stages ...func() error) *Stop {
	defer context.AfterFunc(ctx, func() { p.stop(asStop(context.Cause(ctx))) })()
	defer context.AfterFunc(p.stopping, p.drain)()
	beside, end := context.WithCancel(context.Background())
	var helpers sync.WaitGroup
	help := func(run func(context.Context)) {
		helpers.Go(func() {
			if err := p.guard(func() error { run(beside); return nil }); err != nil {
				p.stop(err)
			}
		})
	}
	help(background)
	for _, c := range p.callers {
		help(c.throttle.Run)
	}
	for _, stage := range stages {
		p.spawn(stage)
	}
	_ = p.group.Wait() // the first error is the cause of stopping
	end()
	helpers.Wait()
	p.breaker.close()
	return p.ended()
}

// drain lets calls in flight end by themselves for a while.
func (p *pool) drain() {
	timer := time.AfterFunc(drainTime, func() { p.cut(context.Cause(p.stopping)) })
	context.AfterFunc(p.cutoff, func() { timer.Stop() })
}

// ended lets go of the contexts, and says what stopped the pool: nil where it came
// to its end.
func (p *pool) ended() *Stop {
	cause := context.Cause(p.stopping)
	p.stop(nil)
	p.cut(nil)
	if cause == context.Canceled { // by errgroup's Wait: nothing stopped the pool
		return nil
	}
	return asStop(cause)
}

// spawn starts a worker when the group's limit allows it. Its error stops the pool.
func (p *pool) spawn(work func() error) {
	p.group.Go(func() error { return p.guard(work) })
}

// guard turns a panic into an error. A panic in a worker would end the process
// without reports, and with Go's own exit code 2, which means something else.
func (p *pool) guard(work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			p.log.Error("internal error", zap.Any("panic", v), zap.ByteString("stack", debug.Stack()))
			err = &Stop{Code: journal.ExitInternal, Reason: fmt.Sprintf("internal error: %v", v)}
		}
	}()
	return work()
}

// halfOpen lets one call of each group get a permit at a time while the circuit
// breaker is open. The breaker lets one call try the tenant; without this, the others
// would meanwhile hold permits that they cannot use.
func (p *pool) halfOpen(on bool) {
	for _, c := range p.callers {
		c.throttle.HalfOpen(on)
	}
}

// sleep waits for d, and reports whether the pool goes on.
func (p *pool) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.stopping.Done():
		return false
	}
}

// callsSoFar counts the calls so far, all of them as reads.
func (p *pool) callsSoFar() (calls journal.Calls) {
	for _, c := range p.callers {
		calls.Reads += int(c.sent.Load())
		calls.Retries += int(c.retries.Load())
		calls.RateLimited += int(c.limited.Load())
	}
	return calls
}
