package apiclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Class says what an error means to the caller. It depends on the status and on
// Auth0's errorCode, never on the text of a message.
type Class int

const (
	// Refused: the tenant does not do this call, and nothing was changed. Also
	// a call that was not sent because an id is unusable.
	Refused Class = iota + 1
	// NotFound: status 404.
	NotFound
	// Conflict: status 409.
	Conflict
	// RateLimited: status 429 of the API; nothing was changed.
	RateLimited
	// Unauthorized: the tenant refuses the token, or the token endpoint refuses
	// the credentials. Further calls would fail in the same way.
	Unauthorized
	// Forbidden: status 403 without a word of scope, also with a new token. It may
	// be about one organization, about the credentials, or from a firewall.
	Forbidden
	// InsufficientScope: the token lacks a scope, see [Error.Scope].
	InsufficientScope
	// Transient: no answer, or one that proves nothing; worth a retry.
	Transient
	// Unreachable: the host is unknown, its certificate is not trusted, or a proxy
	// forbids calls to it.
	Unreachable
	// ProxyRefused: a proxy refuses user name and password, status 407; nothing was
	// changed. Further calls would fail in the same way.
	ProxyRefused
)

// Cause is what an error comes from, if that is known beyond its class. It tells
// what can be done about it. It may depend on the error code, but never on the text
// of a message.
type Cause int

const (
	// UnknownHost: the tenant's host has no address.
	UnknownHost Cause = iota + 1
	// UntrustedIssuer: the issuer of the certificate is not trusted.
	UntrustedIssuer
	// MissingTrustFile: so it is, and SSL_CERT_FILE names a file that cannot be read.
	MissingTrustFile
	// OtherHostsCertificate: the certificate is for other hosts.
	OtherHostsCertificate
	// ExpiredCertificate: the certificate has expired, or is not valid yet.
	ExpiredCertificate
	// ProxyPassword: the proxy answered 407.
	ProxyPassword
	// ProxyForbids: the proxy answered 403, or another 4xx.
	ProxyForbids
	// ProxyFault: the proxy could not connect to the tenant; it answered 502, say.
	ProxyFault
	// ProxyOut: the proxy cannot be reached.
	ProxyOut
	// WrongAudience: the token endpoint does not know the audience, or the
	// application is not authorized for it.
	WrongAudience
	// WrongClock: the client assertion is refused, and this machine's clock is wrong
	// by more than an assertion lives. See [Error.ClockBehind].
	WrongClock
	// WrongClient: the token endpoint refuses the application or its secret.
	WrongClient
	// NoTenant: the host does not answer as a token endpoint does.
	NoTenant
)

// Error is the error type of every call. Its text contains no secret, and quotes
// what came from the server.
type Error struct {
	Class Class
	// Status is the HTTP status of the answer, or of the token endpoint's
	// answer if that failed; 0 if no answer came.
	Status int
	// Code is Auth0's errorCode, or OAuth's error; may be empty.
	Code string
	// Message is the server's own text: one line, at most 300 bytes, no control
	// characters.
	Message string
	// Page is true if the answer was a web page and not JSON: it came from
	// something in between, such as a firewall, and Message is its text.
	Page bool
	// Scope names what is missing for InsufficientScope. If there are several,
	// separated by a comma and a space, any one of them is enough.
	Scope string
	// Sent is true if the call may have reached the server, and so may have taken
	// effect. It is false only if it was certainly not sent.
	Sent bool
	// Cause says more about what to do; 0 if nothing is known.
	Cause Cause
	// ClockBehind is how far this machine's clock is behind the server's; negative
	// if it is ahead. It is set for WrongClock only.
	ClockBehind time.Duration
	// Err says what went wrong if there is no answer, or not the expected one.
	Err error

	// RetryAfter is how long the token endpoint asks to wait; 0 if it does not say so, and for
	// other calls, whose Response has it.
	RetryAfter time.Duration

	step string
	// giveUpToken is RenewToken; nil if no token was refused, or if no other can be had.
	giveUpToken func(again bool) bool
}

// RenewToken reports whether a call that may have failed because of its token is worth
// repeating with another one, and gives the token up, so that the next call gets a new
// one. Again says that the call is such a repetition. Then it is worth another one only if
// the token was refused to another call before. It is false if the error is not
// Unauthorized or Forbidden, or if there is no other token.
func (e *Error) RenewToken(again bool) bool { return e.giveUpToken != nil && e.giveUpToken(again) }

// Error names the step, the status, what is missing and the server's own text.
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
	if e.Err != nil {
		parts = append(parts, excerpt(e.Err.Error()))
	}
	if e.Page {
		parts = append(parts, "a web page")
	}
	if e.Message != "" {
		parts = append(parts, fmt.Sprintf("%q", e.Message))
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause, such as [context.Canceled].
func (e *Error) Unwrap() error {
	return e.Err
}

// classify turns a complete answer into an error, or into nil if it is the
// expected one.
func (r request) classify(status int, body []byte, redact *redactor) *Error {
	apiErr := &Error{Class: Transient, Status: status, Sent: true, step: r.step}
	if isSuccess(status) {
		if apiErr.Err = r.accept(status, body); apiErr.Err == nil {
			return nil
		}
	}
	code, message := errorFields(body)
	apiErr.Page = isPage(body)
	if message == "" && (apiErr.Page || !isSuccess(status)) { // of other successes, nothing is quoted
		message = plainText(body)
	}
	apiErr.Code, apiErr.Message = redact.line(code), redact.line(message)
	if isSuccess(status) {
		return apiErr
	}
	apiErr.Class = classOf(status, code)
	switch apiErr.Class {
	case InsufficientScope:
		apiErr.Scope = missingScope(apiErr.Message, r.scope)
	case ProxyRefused:
		apiErr.Cause = ProxyPassword
	}
	return apiErr
}

// classOf returns the class of an answer that is not 2xx. Auth0 documents 401
// and insufficient_scope. It has also answered a malformed token with status 400
// and errorCode Bearer, and other servers answer an expired one with 403.
func classOf(status int, code string) Class {
	switch {
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusConflict:
		return Conflict
	case status == http.StatusTooManyRequests:
		return RateLimited
	case status == http.StatusForbidden && code == "insufficient_scope":
		return InsufficientScope
	case status == http.StatusForbidden:
		return Forbidden
	case status == http.StatusProxyAuthRequired: // of a proxy that reads what it passes on
		return ProxyRefused
	case status == http.StatusUnauthorized, status == http.StatusBadRequest && code == "Bearer":
		return Unauthorized
	case status == http.StatusRequestTimeout, status >= 500:
		return Transient
	}
	return Refused
}

var scopeNames = regexp.MustCompile(`\b[a-z]+:[a-z_]+\b`)

// missingScope returns the scopes that the message names, or else the one that
// the call is documented to need.
func missingScope(message, needed string) string {
	if names := scopeNames.FindAllString(message, -1); len(names) > 0 {
		return strings.Join(slices.Compact(names), ", ")
	}
	return needed
}

// errorFields reads code and message of a JSON error body, whatever its content
// type. Auth0 sends statusCode, error, message and mostly errorCode; its token
// endpoint sends OAuth's error and error_description; other servers send error
// as an object. Both results are empty for any other body.
func errorFields(body []byte) (code, message string) {
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		return "", ""
	}
	text, _ := fields["error"].(string)
	nested, _ := fields["error"].(map[string]any)
	code = firstString(fields["errorCode"], nested["errorCode"], nested["code"])
	if code == "" && oauthCode.MatchString(text) {
		code = text
	}
	return code, firstString(fields["message"], fields["error_description"], nested["message"], text)
}

// oauthCode matches an error code such as access_denied, but not a status text
// such as Forbidden.
var oauthCode = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)

func firstString(values ...any) string {
	for _, value := range values {
		if text, ok := value.(string); ok && text != "" {
			return text
		}
	}
	return ""
}

var markup = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>|<[^>]*>`)

// isPage reports whether a body is HTML, or XML.
func isPage(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

// plainText returns the text of a body that is not Auth0's, such as a proxy's
// HTML page.
func plainText(body []byte) string {
	if isPage(body) {
		body = markup.ReplaceAll(body, []byte(" "))
	}
	return string(body)
}
