package batch

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// Stop is why a run, a lookup or an export ends before its end. It is the cause of the contexts that it
// ends, and the error of what ends it.
type Stop struct {
	Code   int
	Reason string
	Hint   string // what to do about it, where that is known
	Err    error  // what caused it, where that is an error; Reason has its text
}

func (s *Stop) Error() string { return s.Reason }

func (s *Stop) Unwrap() error { return s.Err }

// asStop is the stop that an error stands for: a call that came to nothing ends
// what cannot do without its answer.
func asStop(err error) *Stop {
	if s, ok := errors.AsType[*Stop](err); ok {
		return s
	}
	if failure, ok := errors.AsType[*apiclient.Error](err); ok {
		return &Stop{Code: journal.ExitStopped, Reason: err.Error(), Hint: hintOf(failure), Err: err}
	}
	code := journal.ExitInternal
	if errors.Is(err, context.Canceled) {
		code = journal.ExitInterrupted
	}
	return &Stop{Code: code, Reason: err.Error(), Err: err}
}

// WithMaxDuration ends a context when its --max-duration is over, with a
// *Stop as the cause. A d of 0 is no bound.
func WithMaxDuration(ctx context.Context, d journal.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, time.Duration(d), &Stop{Code: journal.ExitStopped, Reason: "--max-duration " + d.String() + " is over"})
}

// outOfReach is the stop for a tenant that has been out for too long.
func outOfReach(last *apiclient.Error) *Stop {
	return &Stop{
		Code:   journal.ExitStopped,
		Reason: "the tenant gave no good answer for " + outageTime.String() + "; the last one: " + last.Error(),
		Hint:   cmp.Or(hintOf(last), "look at Auth0's status page and at the network"),
		Err:    last,
	}
}

// StopOf is the stop for a failed call without whose answer nothing can begin, or
// which shows that all others would fail in the same way.
func StopOf(failure *apiclient.Error) *Stop {
	s := &Stop{Code: journal.ExitStopped, Reason: failure.Error(), Hint: hintOf(failure)}
	switch failure.Class {
	case apiclient.Unauthorized, apiclient.InsufficientScope, apiclient.Forbidden:
		s.Code = journal.ExitCredentials
		s.Hint = cmp.Or(s.Hint, "check the credentials in the environment, and that they are of this tenant")
	case apiclient.Unreachable, apiclient.ProxyRefused:
		s.Code = journal.ExitRefused // unless the tenant has answered
	default:
		s.Hint = cmp.Or(s.Hint, "nothing was changed; try again when the tenant can be reached")
	}
	return s
}

// hintOf says what can be done about a failed call, where its cause tells.
func hintOf(failure *apiclient.Error) string {
	switch failure.Cause {
	case apiclient.UnknownHost:
		return "check AUTH0_DOMAIN, and that this machine can look up names"
	case apiclient.UntrustedIssuer:
		return "install CA certificates; where a proxy has its own, SSL_CERT_FILE names a file with them in PEM"
	case apiclient.MissingTrustFile:
		return "SSL_CERT_FILE names a file that cannot be read"
	case apiclient.OtherHostsCertificate:
		return "check AUTH0_DOMAIN: the certificate is for other hosts"
	case apiclient.ExpiredCertificate:
		return "check this machine's clock: the certificate has expired, or is not valid yet"
	case apiclient.ProxyPassword:
		return "check user name and password in HTTPS_PROXY"
	case apiclient.ProxyForbids:
		return "ask those who run the proxy to allow calls to the tenant, or check AUTH0_DOMAIN and NO_PROXY"
	case apiclient.ProxyFault:
		return "the proxy cannot reach the tenant: check AUTH0_DOMAIN, or ask those who run the proxy"
	case apiclient.ProxyOut:
		return "check the proxy's address in HTTPS_PROXY"
	case apiclient.WrongAudience:
		return "authorize the application for the Auth0 Management API; with a custom domain, " +
			"AUTH0_AUDIENCE must be https://TENANT.REGION.auth0.com/api/v2/, with the slash at its end"
	case apiclient.WrongClock:
		return clockHint(failure.ClockBehind)
	case apiclient.WrongClient:
		return "check AUTH0_CLIENT_ID and its secret or key, and that it is a machine-to-machine application of this tenant"
	case apiclient.NoTenant:
		return "check AUTH0_DOMAIN: the host does not answer as an Auth0 tenant does"
	}
	switch {
	case failure.Class == apiclient.InsufficientScope:
		return "grant " + failure.Scope + " to the application, or use a token that has it"
	case failure.Page && (failure.Class == apiclient.Unauthorized || failure.Class == apiclient.Forbidden):
		return "a firewall or proxy between this machine and the tenant refuses the calls; ask those who run it"
	}
	return ""
}

func clockHint(behind time.Duration) string {
	if behind > 0 {
		return "set this machine's clock: it is " + behind.String() + " behind the tenant's, so what it signs has expired"
	}
	return "set this machine's clock: it is " + (-behind).String() + " ahead of the tenant's"
}

// journalFailed is the stop for a journal that cannot be written: nothing may be
// sent that is not recorded.
func journalFailed(err error) *Stop {
	return &Stop{Code: journal.ExitStopped, Reason: err.Error(), Hint: "is the disk full?", Err: err}
}
