package simulator

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Kind is what goes wrong.
type Kind int

const (
	// Status responds with Code, Body and ErrorCode instead of the real response.
	Status Kind = iota
	// Page responds with an HTML page like Cloudflare's, of status Code.
	Page
	// Reset resets the connection: no response.
	Reset
	// Hang holds the request until its context ends or the faults are
	// cleared, and gives no response.
	Hang
	// Slow waits for Delay, then goes on.
	Slow
	// Truncate lets the effect happen and ends the connection within the
	// response: half-way through its body or, if it has none, in its header.
	Truncate
	// Revoke makes the tenant refuse this request's token and every other
	// token issued so far.
	Revoke
	// Expire responds with the 401 of an expired token; the token stays valid.
	Expire
	// Headers lets Edit change the headers of the response.
	Headers
)

// Stage is how far a request gets before the fault.
type Stage int

const (
	// AtEdge is before anything is checked: no token is taken from a bucket,
	// nothing happens. The response has no rate-limit headers.
	AtEdge Stage = iota
	// AtHandler is behind the limits: a token is taken, nothing happens.
	AtHandler
	// AfterEffect is when the work is done: only the response suffers.
	AfterEffect
	// beforeSend is when the response is complete, whichever it is.
	beforeSend
)

// Fault is something that goes wrong with the requests that match. The zero
// Fault responds to everything with status 500.
type Fault struct {
	Kind  Kind
	Stage Stage // ignored by Truncate, Revoke, Expire and Headers, which have a fixed one

	// Which requests: all conditions that are set must hold.
	Method string                   // any if empty
	Path   string                   // prefix
	Match  func(*http.Request) bool // must not read the body or call the Tenant

	// How often.
	Probability float64 // for each matching request, 0 to 1; 0 means 1
	Skip        int     // lets the first matching requests pass
	Times       int     // ends after triggering so often; 0: never
	PerPath     bool    // count Skip and Times separately for each method and path

	Code        int           // for Status, 500 by default, and Page, 502 by default
	Body        string        // for Status; by default a fitting JSON body, none for a 2xx
	ContentType string        // of Body; JSON by default
	ErrorCode   string        // for Status, in the default body
	Delay       time.Duration // for Slow

	// Edit, for Headers, gets the response's status and header. See
	// DropRateLimit and the functions that follow it.
	Edit func(status int, h http.Header)
}

// injectedFault is a fault with its counts.
type injectedFault struct {
	Fault
	counts map[string]*faultCount // by method and path if PerPath, else one under ""
}

type faultCount struct{ matched, triggered int }

// Inject adds a fault. Several faults may apply to the same request, in the
// order in which they were added. The returned function tells how often this
// fault has triggered so far.
func (t *Tenant) Inject(f Fault) (triggered func() int) {
	in := &injectedFault{f, map[string]*faultCount{}}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, in)
	return func() int {
		t.mu.Lock()
		defer t.mu.Unlock()
		n := 0
		for _, count := range in.counts {
			n += count.triggered
		}
		return n
	}
}

// ClearFaults removes all faults and resets the requests that hang.
func (t *Tenant) ClearFaults() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = nil
	close(t.faultsCleared)
	t.faultsCleared = make(chan struct{})
}

// triggerFaults returns and counts the faults that apply to a request at a
// stage. Cleared is closed when they are removed.
func (t *Tenant) triggerFaults(r *http.Request, stage Stage) (triggered []Fault, cleared <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, in := range t.faults {
		if in.stage() == stage && in.matches(r) && in.triggers(in.count(r), t.random.Float64) {
			triggered = append(triggered, in.Fault)
		}
	}
	return triggered, t.faultsCleared
}

func (f Fault) stage() Stage {
	switch f.Kind {
	case Revoke, Expire:
		return AtEdge
	case Truncate:
		return AfterEffect
	case Headers:
		return beforeSend
	}
	return f.Stage
}

func (f Fault) matches(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) && strings.HasPrefix(r.URL.Path, f.Path) &&
		(f.Match == nil || f.Match(r))
}

func (in *injectedFault) count(r *http.Request) *faultCount {
	key := ""
	if in.PerPath {
		key = r.Method + " " + r.URL.Path
	}
	if in.counts[key] == nil {
		in.counts[key] = &faultCount{}
	}
	return in.counts[key]
}

// triggers counts a matching request and decides whether the fault applies to
// it. A fault without Probability draws no random number, so that adding one
// does not change what a seed does to the other faults.
func (f Fault) triggers(count *faultCount, random func() float64) bool {
	count.matched++
	if count.matched <= f.Skip || f.Times > 0 && count.triggered >= f.Times {
		return false
	}
	if f.Probability > 0 && random() >= f.Probability {
		return false
	}
	count.triggered++
	return true
}

// applyFaults applies the faults of a stage to a call and to its response,
// which is nil before there is one. It returns the response as they leave it,
// nil if the call is to go on, or an error if there is to be none.
func (t *Tenant) applyFaults(c *call, stage Stage, resp *response) (*response, error) {
	faults, cleared := t.triggerFaults(c.Request, stage)
	for _, f := range faults {
		switch f.Kind {
		case Status:
			return f.statusResponse(c), nil
		case Page:
			return f.pageResponse(), nil
		case Expire:
			return tokenExpired(), nil
		case Reset:
			return nil, errReset
		case Hang:
			return nil, hang(c.Context(), cleared)
		case Slow:
			if err := sleep(c.Context(), f.Delay); err != nil {
				return nil, err
			}
		case Truncate:
			resp.truncated = true
		case Revoke:
			t.RevokeTokens()
		}
	}
	return resp, nil
}

// errReset is the error of a client whose connection the server resets.
var errReset = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

func hang(ctx context.Context, cleared <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-cleared:
		return errReset
	}
}

func (f Fault) statusResponse(c *call) *response {
	code := cmp.Or(f.Code, http.StatusInternalServerError)
	switch {
	case f.Body != "" || code < 300:
		return &response{status: code, body: []byte(f.Body), contentType: f.ContentType}
	case c.URL.Path == tokenPath:
		return tokenError(code, f.ErrorCode, statusText(code))
	default:
		return errorResponse(code, f.ErrorCode, statusText(code))
	}
}

func (f Fault) pageResponse() *response {
	code := cmp.Or(f.Code, http.StatusBadGateway)
	title := fmt.Sprintf("%d: %s", code, statusText(code))
	return &response{status: code, contentType: "text/html; charset=UTF-8", body: fmt.Appendf(nil, `<!DOCTYPE html>
<html lang="en-US">
<head><title>%s</title></head>
<body><h1>%s</h1><p>Visit cloudflare.com for more information.</p></body>
</html>
`, title, title)}
}

// The functions below are for Fault.Edit. Those that change the rate-limit
// headers do nothing to a response without them.

// DropRateLimit removes the rate-limit headers.
func DropRateLimit(_ int, h http.Header) {
	h.Del(limitHeader)
	h.Del(remainingHeader)
	h.Del(resetHeader)
}

// RemainingZero sets Remaining to 0.
func RemainingZero(_ int, h http.Header) {
	editNumber(h, remainingHeader, func(int64) int64 { return 0 })
}

// RemainingNegative sets Remaining to -1.
func RemainingNegative(_ int, h http.Header) {
	editNumber(h, remainingHeader, func(int64) int64 { return -1 })
}

// RemainingLimit sets Remaining to Limit.
func RemainingLimit(_ int, h http.Header) {
	if h.Get(remainingHeader) != "" {
		h.Set(remainingHeader, h.Get(limitHeader))
	}
}

// ResetMillis changes Reset from Unix seconds to Unix milliseconds.
func ResetMillis(_ int, h http.Header) {
	editNumber(h, resetHeader, func(s int64) int64 { return s * 1000 })
}

// ResetSecondsLeft changes Reset from a time to the seconds from now.
func ResetSecondsLeft(_ int, h http.Header) {
	editNumber(h, resetHeader, func(s int64) int64 { return s - time.Now().Unix() })
}

// RetryAfter adds Retry-After, in whole seconds, to responses of status 429.
// Auth0 documents it for other endpoints only.
func RetryAfter(d time.Duration) func(int, http.Header) {
	return func(status int, h http.Header) {
		if status == http.StatusTooManyRequests {
			h.Set("Retry-After", strconv.Itoa(int(d/time.Second)))
		}
	}
}

// Skew moves Date and Reset by d, as a wrong clock would.
func Skew(d time.Duration) func(int, http.Header) {
	return func(_ int, h http.Header) {
		editNumber(h, resetHeader, func(s int64) int64 { return s + int64(d/time.Second) })
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			h.Set("Date", date.Add(d).Format(http.TimeFormat))
		}
	}
}

// editNumber changes a header that is there and is a number.
func editNumber(h http.Header, name string, edit func(int64) int64) {
	if n, err := strconv.ParseInt(h.Get(name), 10, 64); err == nil {
		h.Set(name, strconv.FormatInt(edit(n), 10))
	}
}
