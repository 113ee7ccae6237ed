package batch

import (
	"context"
	"errors"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// Stop is why a job ends before its end. It is the cause of the contexts that it
// ends, and the error of what ends it.
type Stop struct {
	Code   int
	Reason string
	Hint   string // what to do about it, where that is known
	Err    error  // what caused it, where that is an error; Reason has its text
}

func (s *Stop) Error() string { return s.Reason }

func (s *Stop) Unwrap() error { return s.Err }

// asStop is the stop that an error stands for: a call that came to nothing ends a
// job that cannot do without its answer.
func asStop(err error) *Stop {
	if s, ok := errors.AsType[*Stop](err); ok {
		return s
	}
	if _, ok := errors.AsType[*apiclient.Error](err); ok {
		return &Stop{Code: journal.ExitStopped, Reason: err.Error(), Err: err}
	}
	return &Stop{Code: journal.ExitInterrupted, Reason: err.Error(), Err: err}
}

// WithMaxDuration ends a job's context when its --max-duration is over, with a
// *Stop as the cause. A d of 0 is no bound.
func WithMaxDuration(ctx context.Context, d journal.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, time.Duration(d), &Stop{Code: journal.ExitStopped, Reason: "--max-duration " + d.String() + " is over"})
}

// outOfReach is the stop for a tenant that has been out for too long.
func outOfReach(last error) *Stop {
	return &Stop{
		Code:   journal.ExitStopped,
		Reason: "the tenant gave no good answer for " + outageTime.String() + "; the last one: " + last.Error(),
		Hint:   "look at Auth0's status page and at the network",
	}
}

// neverReached is the stop for a host that is unknown or not trusted, where
// nothing has answered yet.
func neverReached(failure *apiclient.Error) *Stop {
	return &Stop{
		Code:   journal.ExitRefused,
		Reason: failure.Error(),
		Hint:   "check AUTH0_DOMAIN, and SSL_CERT_FILE where a proxy has its own certificate",
	}
}

// refusedCredentials is the stop for credentials or a scope that the tenant
// does not accept.
func refusedCredentials(failure *apiclient.Error) *Stop {
	s := &Stop{Code: journal.ExitCredentials, Reason: failure.Error(), Hint: "check the credentials in the environment, and that they are of this tenant"}
	switch {
	case failure.Class == apiclient.InsufficientScope:
		s.Hint = "grant " + failure.Scope + " to the application, or use a token that has it"
	case failure.Page:
		s.Hint = "a firewall or proxy between this machine and the tenant refuses the calls; ask those who run it"
	}
	return s
}

// journalFailed is the stop for a journal that cannot be written: nothing may be
// sent that is not recorded.
func journalFailed(err error) *Stop {
	return &Stop{Code: journal.ExitStopped, Reason: err.Error(), Hint: "is the disk full?", Err: err}
}
