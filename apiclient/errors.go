package apiclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Class says what an error means to the caller. It follows from the status and
// Auth0's errorCode, never from the text of a message.
type Class int

const (
	// Refused: the tenant does not do this call; nothing was changed. Also a
	// call that was not sent because an id is unusable.
	Refused Class = iota + 1
	// NotFound: status 404.
	NotFound
	// Conflict: status 409.
	Conflict
	// RateLimited: status 429 of the API; nothing was changed.
	RateLimited
	// Unauthorized: the tenant refuses the token, or the token endpoint the
	// credentials. Further calls would fail alike.
	Unauthorized
	// InsufficientScope: the token lacks a scope, see [Error.Scope].
	InsufficientScope
	// Transient: no answer, or one that says nothing; worth another try.
	Transient
	// Unreachable: the host is unknown or its certificate not trusted.
	Unreachable
)

// Error is the error type of every call. Its text holds no secret, and what
// came from the server in it is quoted.
type Error struct {
	Class Class
	// Status is the HTTP status of the answer, the token endpoint's where that
	// failed; 0 where none came.
	Status int
	// Code is Auth0's errorCode, or OAuth's error; may be empty.
	Code string
	// Message is what the server says: one line, at most 300 bytes, no control
	// characters.
	Message string
	// Scope names what is missing for InsufficientScope; several are separated
	// by a comma and a space, and any one of them is enough.
	Scope string
	// Sent is true where the request may have reached the server. It is false
	// only where the one that ended in this error surely never left.
	Sent bool
	// Err is the cause where there is no answer, or not the expected one.
	Err error

	step       string
	retryAfter time.Duration
}

// Error tells the step, the status, what is missing and the server's own text.
func (e *Error) Error() string {
	var parts []string
	if e.step != "" {
		parts = append(parts, e.step)
	}
	if e.Status != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("status %d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Scope != "" {
		parts = append(parts, "missing scope "+e.Scope)
	}
	if e.Code != "" {
		parts = append(parts, fmt.Sprintf("code %q", e.Code))
	}
	if e.Message != "" {
		parts = append(parts, fmt.Sprintf("%q", e.Message))
	}
	if e.Err != nil {
		parts = append(parts, excerpt(e.Err.Error()))
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause, such as [context.Canceled].
func (e *Error) Unwrap() error {
	return e.Err
}

// judge turns a whole answer into an error, or nil where it is the expected one.
func (r request) judge(status int, body []byte, token string) *Error {
	fault := &Error{Class: Transient, Status: status, Sent: true, step: r.step}
	if isSuccess(status) {
		if fault.Err = r.accept(status, body); fault.Err != nil {
			return fault
		}
		return nil
	}
	code, message := errorFields(body)
	if message == "" {
		message = plainText(body)
	}
	fault.Code, fault.Message = excerpt(code, token), excerpt(message, token)
	fault.Class = classify(status, code)
	if fault.Class == InsufficientScope {
		fault.Scope = missingScope(fault.Message, r.scope)
	}
	return fault
}

// classify sorts an answer that is not 2xx. Auth0 documents status 401 and
// insufficient_scope; it has also been seen to answer a broken token with
// status 400 and errorCode Bearer, and others an expired one with 403.
func classify(status int, code string) Class {
	switch {
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusConflict:
		return Conflict
	case status == http.StatusTooManyRequests:
		return RateLimited
	case status == http.StatusForbidden && code == "insufficient_scope":
		return InsufficientScope
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusBadRequest && code == "Bearer":
		return Unauthorized
	case status == http.StatusRequestTimeout, status >= 500:
		return Transient
	}
	return Refused
}

var scopeNames = regexp.MustCompile(`\b[a-z]+:[a-z_]+\b`)

// missingScope takes the names from the message where it has any.
func missingScope(message, needed string) string {
	if names := scopeNames.FindAllString(message, -1); len(names) > 0 {
		return strings.Join(slices.Compact(names), ", ")
	}
	return needed
}

// noAnswer sorts an error of the transport. Where ctx, the caller's own, has
// ended, it wraps the context's error.
func noAnswer(ctx context.Context, step string, err error, sent bool) *Error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // the URL says nothing that the step does not
	}
	fault := &Error{Class: Transient, Sent: sent, Err: err, step: step}
	switch {
	case ctx.Err() != nil:
		fault.Err = ctx.Err()
	case isUnreachable(err):
		fault.Class, fault.Sent = Unreachable, false
	case isDialError(err):
		fault.Sent = false
	case errors.Is(err, context.DeadlineExceeded):
		fault.Err = fmt.Errorf("no answer in time: %w", err)
	}
	return fault
}

func isUnreachable(err error) bool {
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		return dns.IsNotFound
	}
	untrusted := (*tls.CertificateVerificationError)(nil)
	return errors.As(err, &untrusted)
}

func isDialError(err error) bool {
	op := (*net.OpError)(nil)
	return errors.As(err, &op) && op.Op == "dial"
}

// errorFields reads the fields of an error body in JSON, whatever its declared
// content type. Auth0 sends statusCode, error, message and mostly errorCode;
// its token endpoint OAuth's error and error_description; others send error as
// an object. Both results are empty where the body is something else.
func errorFields(body []byte) (code, message string) {
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		return "", ""
	}
	text, _ := fields["error"].(string)
	nested, _ := fields["error"].(map[string]any)
	code = firstText(fields["errorCode"], nested["errorCode"], nested["code"])
	if code == "" && oauthCode.MatchString(text) {
		code = text
	}
	return code, firstText(fields["message"], fields["error_description"], nested["message"], text)
}

// oauthCode tells an error code, access_denied, from a status text, Forbidden.
var oauthCode = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)

func firstText(values ...any) string {
	for _, value := range values {
		if text, ok := value.(string); ok && text != "" {
			return text
		}
	}
	return ""
}

var markup = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>|<[^>]*>`)

// plainText is the text of a body that is not Auth0's, such as a proxy's page.
func plainText(body []byte) string {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		body = markup.ReplaceAll(body, []byte(" "))
	}
	return string(body)
}

const (
	// maxExcerpt is the longest text kept of an answer, in bytes.
	maxExcerpt = 300
	// minSecret is the length from which on a text can be a secret, in bytes.
	// Hiding shorter ones would only spoil other words.
	minSecret = 8
)

// excerpt makes one short printable line of a text, without the secrets that a
// server may have sent back in it.
func excerpt(text string, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, hidden)
		}
	}
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxExcerpt {
		return text
	}
	const ellipsis = "…"
	end := maxExcerpt - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
