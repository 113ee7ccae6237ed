package simulator

import (
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
	// Status answers with Code, Body and ErrorCode instead of the real answer.
	Status Kind = iota
	// Page answers with an HTML page like Cloudflare's, of status Code.
	Page
	// Reset resets the connection: no answer.
	Reset
	// Hang holds the request until its context ends or the faults are
	// cleared, and gives no answer.
	Hang
	// Slow waits for Delay, then goes on.
	Slow
	// Truncate lets the effect happen and ends the connection within the
	// answer: half-way through its body or, where it has none, its head.
	Truncate
	// Revoke has this request's token refused, and every other issued so far.
	Revoke
	// Expire answers with the 401 of an expired token; the token stays good.
	Expire
	// Headers lets Edit change the headers of the answer.
	Headers
)

// Stage is how far a request gets before the fault strikes.
type Stage int

const (
	// AtEdge is before anything is checked: no token is taken from a bucket,
	// nothing happens. An answer has no rate-limit headers.
	AtEdge Stage = iota
	// AtHandler is behind the limits: a token is taken, nothing happens.
	AtHandler
	// AfterEffect is when the work is done: only the answer suffers.
	AfterEffect
	// whenSent is when the answer is complete, whatever it is.
	whenSent
)

// Fault is something that goes wrong with the requests that match. The zero
// Fault answers everything with status 500.
type Fault struct {
	Kind  Kind
	Stage Stage // ignored by Truncate, Revoke, Expire and Headers, which have their own

	// Which requests: all conditions that are set must hold.
	Method string                   // any where empty
	Path   string                   // prefix
	Match  func(*http.Request) bool // must not read the body or call the Tenant

	// How often.
	Probability float64 // of each matching request, 0 to 1; 0 stands for 1
	Skip        int     // lets the first matching requests pass
	Times       int     // ends after so many strikes; 0: never
	PerPath     bool    // Skip and Times count for each method and path apart

	Code        int           // for Status, 500 by default, and Page, 502 by default
	Body        string        // for Status; by default a fitting JSON body, none for a 2xx
	ContentType string        // of Body; JSON by default
	ErrorCode   string        // for Status, in the default body
	Delay       time.Duration // for Slow

	// Edit, for Headers, is given the answer's status and header. DropRateLimit
	// and its like are made for it.
	Edit func(status int, h http.Header)
}

// injected is a fault with its counts.
type injected struct {
	Fault
	tallies map[string]*tally // by method and path, or one for all
}

type tally struct{ seen, struck int }

// Inject adds a fault. Several may strike the same request, in the order in
// which they were added. The function that it returns tells how often this one
// has struck so far.
func (t *Tenant) Inject(f Fault) (struck func() int) {
	in := &injected{f, map[string]*tally{}}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, in)
	return func() int {
		t.mu.Lock()
		defer t.mu.Unlock()
		n := 0
		for _, tally := range in.tallies {
			n += tally.struck
		}
		return n
	}
}

// ClearFaults removes all faults and ends the requests that hang.
func (t *Tenant) ClearFaults() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = nil
	close(t.cleared)
	t.cleared = make(chan struct{})
}

// due returns the faults that strike a request at a stage, and counts them.
func (t *Tenant) due(r *http.Request, stage Stage) []Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	var due []Fault
	for _, in := range t.faults {
		if in.stage() == stage && in.matches(r) && in.tally(r).strikes(in.Fault, t.random.Float64) {
			due = append(due, in.Fault)
		}
	}
	return due
}

func (f Fault) stage() Stage {
	switch f.Kind {
	case Revoke, Expire:
		return AtEdge
	case Truncate:
		return AfterEffect
	case Headers:
		return whenSent
	}
	return f.Stage
}

func (f Fault) matches(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) && strings.HasPrefix(r.URL.Path, f.Path) &&
		(f.Match == nil || f.Match(r))
}

func (in *injected) tally(r *http.Request) *tally {
	key := ""
	if in.PerPath {
		key = r.Method + " " + r.URL.Path
	}
	if in.tallies[key] == nil {
		in.tallies[key] = &tally{}
	}
	return in.tallies[key]
}

// strikes counts a matching request and decides. Chance is asked only where it
// matters, so that a fault without Probability does not shift the others.
func (y *tally) strikes(f Fault, chance func() float64) bool {
	y.seen++
	if y.seen <= f.Skip || f.Times > 0 && y.struck >= f.Times {
		return false
	}
	if f.Probability > 0 && chance() >= f.Probability {
		return false
	}
	y.struck++
	return true
}

// strike lets the faults of a stage do their work on a call whose answer so
// far is rep. It returns the answer as they leave it, and whether it is final.
func (t *Tenant) strike(c *call, stage Stage, rep reply) (result reply, final bool, err error) {
	for _, f := range t.due(c.Request, stage) {
		switch f.Kind {
		case Status:
			return f.answer(c), true, nil
		case Page:
			return f.page(), true, nil
		case Expire:
			return expired(), true, nil
		case Reset:
			return reply{}, true, errReset
		case Hang:
			return reply{}, true, t.hang(c.Context())
		case Slow:
			if err := sleep(c.Context(), f.Delay); err != nil {
				return reply{}, true, err
			}
		case Truncate:
			rep.truncated = true
		case Revoke:
			t.RevokeTokens()
		}
	}
	return rep, false, nil
}

// errReset is what a client sees when the other side resets the connection.
var errReset = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

func (t *Tenant) hang(ctx context.Context) error {
	t.mu.Lock()
	cleared := t.cleared
	t.mu.Unlock()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-cleared:
		return errReset
	}
}

// answer is the answer of a Status fault.
func (f Fault) answer(c *call) reply {
	code := f.Code
	if code == 0 {
		code = http.StatusInternalServerError
	}
	switch {
	case f.Body != "" || code < 300:
		return reply{status: code, body: []byte(f.Body), contentType: f.ContentType}
	case c.family == "token":
		return tokenProblem(code, f.ErrorCode, statusText(code))
	default:
		return problem(code, f.ErrorCode, statusText(code))
	}
}

func (f Fault) page() reply {
	code := f.Code
	if code == 0 {
		code = http.StatusBadGateway
	}
	title := fmt.Sprintf("%d: %s", code, statusText(code))
	return reply{status: code, contentType: "text/html; charset=UTF-8", body: fmt.Appendf(nil, `<!DOCTYPE html>
<html lang="en-US">
<head><title>%s</title></head>
<body><h1>%s</h1><p>Visit cloudflare.com for more information.</p></body>
</html>
`, title, title)}
}

// The functions below are for Fault.Edit. Those that change the rate-limit
// headers leave answers without such headers alone.

const (
	limitHeader     = "X-Ratelimit-Limit"
	remainingHeader = "X-Ratelimit-Remaining"
	resetHeader     = "X-Ratelimit-Reset"
)

// DropRateLimit removes the rate-limit headers.
func DropRateLimit(_ int, h http.Header) {
	h.Del(limitHeader)
	h.Del(remainingHeader)
	h.Del(resetHeader)
}

// RemainingZero has Remaining always 0.
func RemainingZero(_ int, h http.Header) { edit(h, remainingHeader, func(int64) int64 { return 0 }) }

// RemainingNegative has Remaining always -1.
func RemainingNegative(_ int, h http.Header) {
	edit(h, remainingHeader, func(int64) int64 { return -1 })
}

// RemainingLimit has Remaining always equal to Limit.
func RemainingLimit(_ int, h http.Header) {
	if h.Get(remainingHeader) != "" {
		h.Set(remainingHeader, h.Get(limitHeader))
	}
}

// ResetMillis gives Reset in Unix milliseconds instead of seconds.
func ResetMillis(_ int, h http.Header) { edit(h, resetHeader, func(s int64) int64 { return s * 1000 }) }

// ResetSecondsLeft gives Reset as the seconds from now instead of a time.
func ResetSecondsLeft(_ int, h http.Header) {
	edit(h, resetHeader, func(s int64) int64 { return s - time.Now().Unix() })
}

// RetryAfter adds Retry-After, in whole seconds, to answers of status 429.
// Auth0 documents it for other endpoints only. Together with DropRateLimit it
// is the only header.
func RetryAfter(d time.Duration) func(int, http.Header) {
	return func(status int, h http.Header) {
		if status == http.StatusTooManyRequests {
			h.Set("Retry-After", strconv.Itoa(int(d/time.Second)))
		}
	}
}

// Skew moves Date and Reset by d, as a clock that is wrong would.
func Skew(d time.Duration) func(int, http.Header) {
	return func(_ int, h http.Header) {
		edit(h, resetHeader, func(s int64) int64 { return s + int64(d/time.Second) })
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			h.Set("Date", date.Add(d).Format(http.TimeFormat))
		}
	}
}

// edit changes a header that is a number, where it is there.
func edit(h http.Header, name string, change func(int64) int64) {
	if n, err := strconv.ParseInt(h.Get(name), 10, 64); err == nil {
		h.Set(name, strconv.FormatInt(change(n), 10))
	}
}
