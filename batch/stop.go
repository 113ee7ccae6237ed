package batch

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch/journal"
)

// drainTime is how long calls in flight may take once a run is stopping.
const drainTime = 10 * time.Second

// Stop is why a run ends before its end. It is the cause of the contexts that
// it ends.
type Stop struct {
	Code   int
	Reason string
	Hint   string // what to do about it, where that is known
	Err    error  // what caused it, where that is an error; Reason has its text
}

func (s *Stop) Error() string { return s.Reason }

func (s *Stop) Unwrap() error { return s.Err }

// WithMaxDuration ends a job's context when its --max-duration is over, with a
// *Stop as the cause.
func WithMaxDuration(ctx context.Context, d journal.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, time.Duration(d), &Stop{Code: journal.ExitStopped, Reason: "--max-duration " + d.String() + " is over"})
}

// outOfReach is the stop for a tenant that has been out for too long.
func outOfReach() *Stop {
	return &Stop{
		Code:   journal.ExitStopped,
		Reason: "the tenant gave no good answer for " + outageTime.String(),
		Hint:   "look at Auth0's status page and at the network",
	}
}

// rank orders stops: where several are true, the highest one is told.
func (s *Stop) rank() int {
	switch s.Code {
	case journal.ExitInternal:
		return 4
	case journal.ExitCredentials:
		return 3
	case journal.ExitInterrupted, journal.ExitTerminated:
		return 2
	default:
		return 1
	}
}

// control ends a run in two steps: no new calls once stopping is done, no
// calls at all once calls is. It is safe for concurrent use.
type control struct {
	stopping context.Context
	calls    context.Context

	cancelStopping context.CancelCauseFunc
	cancelCalls    context.CancelCauseFunc

	mu      sync.Mutex
	stopped *Stop
}

func newControl() *control {
	c := &control{}
	c.stopping, c.cancelStopping = context.WithCancelCause(context.Background())
	c.calls, c.cancelCalls = context.WithCancelCause(context.Background())
	return c
}

// stop begins to end the run. Calls in flight get drainTime.
func (c *control) stop(s *Stop) {
	c.mu.Lock()
	first := c.stopped == nil
	if first || s.rank() > c.stopped.rank() {
		c.stopped = s
	}
	c.mu.Unlock()
	if first {
		c.cancelStopping(s)
		drain := time.AfterFunc(drainTime, func() { c.cancelCalls(s) })
		context.AfterFunc(c.calls, func() { drain.Stop() })
	}
}

// safely turns a panic into a stop: a panic in a worker would end the process
// without reports, and with Go's own exit code 2, which means something else.
func (c *control) safely(log *zap.Logger, work func()) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("internal error", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			c.stop(&Stop{Code: journal.ExitInternal, Reason: fmt.Sprintf("internal error: %v", p)})
		}
	}()
	work()
}

// cause is the stop that counts, nil where the run was not stopped.
func (c *control) cause() *Stop {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

// done releases what the contexts hold, at the run's end.
func (c *control) done() {
	c.cancelStopping(nil)
	c.cancelCalls(nil)
}

// sleep waits for d and says whether the run still goes on.
func (c *control) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.stopping.Done():
		return false
	}
}
