package apiclient

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Response describes a call apart from its result. It comes with every error
// too, and holds nothing of a body.
type Response struct {
	// Status is the HTTP status; 0 if no answer came.
	Status int
	// RequestID identifies the request to Auth0's support; may be empty.
	RequestID string
	// Duration is how long the exchange took.
	Duration time.Duration
	// Tried is false if the call was not tried, as it is refused or got no token.
	Tried bool
	// RateLimit is nil if one of its three headers is absent or not a number.
	RateLimit *RateLimit
	// RetryAfter is how long the server asks to wait, at most a day; 0 if it
	// does not say. If no token could be obtained, the token endpoint said it.
	RetryAfter time.Duration
	// Date is the server's clock, in whole seconds; zero if absent.
	Date time.Time
}

// RateLimit is the state of a token bucket as the X-RateLimit headers describe
// it. The numbers are as sent; nothing checks that they make sense.
type RateLimit struct {
	// Limit is the bucket's size, and Remaining its content after the call, in
	// requests.
	Limit, Remaining int64
	// Reset is the Unix time in seconds at which Auth0's bucket would be full
	// again.
	Reset int64
}

func (r *Response) readHeaders(answer *http.Response, redact *redactor) {
	h := answer.Header
	r.Status = answer.StatusCode
	r.RequestID = redact.line(requestID(h))
	r.RateLimit = parseRateLimit(h)
	r.Date, _ = http.ParseTime(h.Get("Date"))
	r.RetryAfter = parseRetryAfter(h)
}

// requestID returns the first header that is present. The Management API sends
// the first two, the token endpoint the last.
func requestID(h http.Header) string {
	for _, name := range []string{"Cf-Ray", "Ot-Baggage-Auth0-Request-Id", "Ot-Tracer-Traceid", "X-Auth0-Requestid"} {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return ""
}

func parseRateLimit(h http.Header) *RateLimit {
	var numbers [3]int64
	for i, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"} {
		n, err := strconv.ParseInt(strings.TrimSpace(h.Get(name)), 10, 64)
		if err != nil {
			return nil
		}
		numbers[i] = n
	}
	return &RateLimit{Limit: numbers[0], Remaining: numbers[1], Reset: numbers[2]}
}

// parseRetryAfter reads both forms of Retry-After (RFC 9110, section 10.2.3). A
// date is compared with the server's own clock, if the server sends it.
func parseRetryAfter(h http.Header) time.Duration {
	const longest = 24 * time.Hour
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(longest/time.Second))) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return min(max(until.Sub(now), 0), longest)
}

// Limits on what is read of an answer, in bytes. Many answers are read at the same time,
// and the longest of those is a page of 100 links, of some 100 KiB at most. Pages of
// organizations are read one after the other, and 100 organizations with all the metadata
// that they may have are about 2 MiB; 100 connections with their options may be as long.
const (
	maxBytes          = 1 << 20
	maxDirectoryBytes = 4 << 20
	maxErrorBytes     = 64 << 10
)

// readBody reads the body of an answer. One of a success above the limit is an error, as
// half a list would be wrong. An error body is cut, as its beginning is enough.
func readBody(answer *http.Response, limit int64) ([]byte, error) {
	if !isSuccess(answer.StatusCode) {
		limit = maxErrorBytes
	}
	if answer.Body == http.NoBody { // as of most answers to a write, which need no buffer
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("broken body: %w", err)
	}
	if int64(len(body)) > limit && isSuccess(answer.StatusCode) {
		return nil, fmt.Errorf("body of more than %d bytes", limit)
	}
	return body, nil
}

func isSuccess(status int) bool {
	return status >= 200 && status <= 299
}

// statusIsEnough reports whether the status tells the result without a body, so
// that a broken body does no harm.
func statusIsEnough(status int) bool {
	return status == http.StatusCreated || status == http.StatusTooManyRequests
}
