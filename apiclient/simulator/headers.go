package simulator

import (
	"net/http"
	"strconv"
	"time"
)

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
