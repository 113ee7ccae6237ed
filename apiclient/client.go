// Package apiclient calls the part of Auth0's Management API that enables and
// disables an organization's connections.
//
// It obtains and renews access tokens, limits the time and the size of every
// answer, reads the rate-limit headers and classifies every error (see [Class]).
// It does no pacing and no retries: only the caller knows what a retry means to it.
// It logs nothing.
//
// It calls the tenant's own host only and does not follow redirects.
package apiclient

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Config says which tenant to call, and how.
type Config struct {
	// BaseURL is scheme and host of the tenant, as [ParseDomain] returns it.
	BaseURL *url.URL
	// Audience is the API's identifier. Empty means https://HOST/api/v2/ with
	// the host of BaseURL. A custom domain needs the tenant's canonical one.
	Audience string
	// Credentials hold exactly one way to get a token.
	Credentials Credentials
	// Timeout limits each HTTP exchange, including its body. It must be positive.
	Timeout time.Duration
	// Version is this program's version, for the headers that name the caller.
	Version string
	// MaxConns is the number of idle connections that are kept for reuse. Set it
	// to the number of concurrent callers; 0 means net/http's default.
	MaxConns int
	// ReadOnly refuses every call that would change something before it is
	// sent. It guards dry runs against mistakes of the caller.
	ReadOnly bool
	// Transport replaces the network, for tests. Nil means the network.
	Transport http.RoundTripper
}

// Client calls one tenant. It is safe for concurrent use.
type Client struct {
	api       string            // the Management API's URL, with the slash at its end
	transport http.RoundTripper // used without an http.Client, so redirects are not followed
	header    http.Header       // of every request
	tokens    *tokenCache
	redact    *redactor
	timeout   time.Duration
	readOnly  bool
}

// New checks the configuration and returns a client. It sends nothing. It
// refuses a base URL that is not https (http is for loopback addresses only),
// an audience without a host, a timeout that is not positive, and credentials
// that are incomplete, ambiguous or unusable, such as a key that does not fit
// the signing algorithm.
func New(cfg Config) (*Client, error) {
	if cfg.BaseURL == nil {
		return nil, errors.New("base URL is missing")
	}
	base, err := checkBaseURL(*cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	cfg.BaseURL = base
	if _, err := Tenant(cfg); err != nil {
		return nil, err
	}
	if cfg.Timeout <= 0 {
		return nil, fmt.Errorf("timeout %s is not positive", cfg.Timeout)
	}
	c := &Client{api: base.String() + "/api/v2/", transport: cfg.Transport, header: identity(cfg.Version), redact: new(redactor), timeout: cfg.Timeout, readOnly: cfg.ReadOnly}
	if c.transport == nil {
		proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base})
		if err != nil {
			return nil, errors.New("the proxy's address cannot be read") // err has its password
		}
		c.redact.add(proxySecrets(proxy)...)
		c.transport = newNetwork(cfg.MaxConns, proxy)
	}
	c.redact.add(cfg.Credentials.Token.Reveal(), cfg.Credentials.ClientSecret.Reveal())
	c.tokens, err = newTokenCache(cfg, c)
	return c, err
}

// Close closes idle connections. The client stays usable.
func (c *Client) Close() {
	(&http.Client{Transport: c.transport}).CloseIdleConnections()
}

var (
	errReadOnly = errors.New("this client only reads")
	errUnwanted = errors.New("it is no longer wanted")
)

// request is one call.
type request struct {
	step   string // what the call does; errors begin with it
	method string
	path   string // escaped, below /api/v2/
	query  string
	body   []byte
	scope  string // the scope that Auth0 documents for this call
	limit  int64  // of the answer's body, in bytes; 0: maxBytes
	// accept checks an answer with status 2xx and decodes it. An error means
	// that the answer is not the expected one and proves nothing.
	accept func(status int, body []byte) error
}

// do sends r once, with a valid token. The response is never nil.
func (c *Client) do(ctx context.Context, r request) (*Response, error) {
	resp := new(Response)
	if c.readOnly && r.method != http.MethodGet {
		return resp, &Error{Class: Refused, Err: errReadOnly, step: r.step}
	}
	token, apiErr := c.tokens.get(ctx)
	if apiErr != nil {
		resp.RetryAfter = apiErr.RetryAfter
		return resp, apiErr
	}
	if wanted, ok := ctx.Value(ifStill{}).(func() bool); ok && !wanted() {
		return resp, &Error{Class: Refused, Err: errUnwanted, step: r.step}
	}
	apiErr = c.exchange(ctx, r, token, resp)
	if apiErr == nil {
		return resp, nil
	}
	if refused := apiErr.Class == Unauthorized || apiErr.Class == Forbidden; refused && !c.tokens.fixed() {
		apiErr.giveUpToken = func(again bool) bool { return c.tokens.giveUp(token, again) }
	}
	return resp, apiErr
}

// exchange sends r once and fills resp from the answer.
func (c *Client) exchange(ctx context.Context, r request, token *accessToken, resp *Response) *Error {
	sent := time.Now()
	resp.Tried = true
	defer func() { resp.Duration = time.Since(sent) }()
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var trace sendTrace
	req, err := c.build(httptrace.WithClientTrace(limited, trace.hooks()), r, token)
	if err != nil {
		return &Error{Class: Refused, Err: err, step: r.step}
	}
	answer, err := c.transport.RoundTrip(req)
	if err != nil {
		return c.redact.transportError(ctx, r.step, err, trace.maybeSent())
	}
	defer answer.Body.Close()
	resp.readHeaders(answer, c.redact)
	body, err := readBody(answer, cmp.Or(r.limit, maxBytes))
	if err != nil && !statusIsEnough(answer.StatusCode) {
		apiErr := c.redact.transportError(ctx, r.step, err, true)
		apiErr.Status = answer.StatusCode
		return apiErr
	}
	return r.classify(answer.StatusCode, c.redact.body(body), c.redact)
}

func (c *Client) build(ctx context.Context, r request, token *accessToken) (*http.Request, error) {
	target := c.api + r.path
	if r.query != "" {
		target += "?" + r.query
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header = maps.Clone(c.header)
	req.Header["Authorization"] = token.authorization
	if r.body != nil {
		req.Header["Content-Type"] = []string{"application/json"}
	}
	if id, _ := ctx.Value(correlationID{}).(string); id != "" {
		req.Header["X-Correlation-Id"] = []string{id}
	}
	return req, nil
}

// ifStill is the context's key of IfStill.
type ifStill struct{}

// IfStill returns a context for calls that are sent only if they are still wanted once
// they have a token, for which they may have to wait. Wanted is asked right before. If it
// says no, the error's class is [Refused], and nothing was sent.
func IfStill(ctx context.Context, wanted func() bool) context.Context {
	return context.WithValue(ctx, ifStill{}, wanted)
}

// correlationID is the context's key of WithCorrelationID.
type correlationID struct{}

// WithCorrelationID returns a context for calls that the tenant's log is to show
// under an id, as references.correlation_id; "" is none. Auth0 takes ids of at most 64
// characters, and documents them for calls that change something.
func WithCorrelationID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, correlationID{}, id)
}

// sendTrace records whether a request got a connection, and so may have been
// sent. After a lost answer it tells whether the call may have taken effect.
type sendTrace struct {
	waitedForConn atomic.Bool
	gotConn       atomic.Bool
}

func (t *sendTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { t.waitedForConn.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.gotConn.Store(true) },
	}
}

// maybeSent is false only if the request waited for a connection and never got
// one. A transport that calls no hook may have sent the request.
func (t *sendTrace) maybeSent() bool {
	return t.gotConn.Load() || !t.waitedForConn.Load()
}

// identity names this program in every request, including those for tokens, so
// that the tenant's log shows who called.
func identity(version string) http.Header {
	// A map of strings can always be encoded.
	client, _ := json.Marshal(map[string]string{"name": "orgconn", "version": version})
	return http.Header{
		"User-Agent":   {"orgconn/" + version},
		"Auth0-Client": {base64.StdEncoding.EncodeToString(client)},
		"Accept":       {"application/json"},
	}
}
