// Package apiclient calls the part of Auth0's Management API that enables and
// disables an organization's connections.
//
// It gets and renews access tokens, bounds every call in time and size, reads
// the rate-limit headers and sorts every answer into a [Class]. It neither
// paces nor repeats calls, save for the one repeat after a renewed token: that
// is for its callers, who know what a repeat means to them. It logs nothing.
//
// Only the tenant's own host is called, and redirects are not followed.
package apiclient

import (
	"bytes"
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
	// the host of BaseURL; a custom domain needs the tenant's canonical one.
	Audience string
	// Credentials hold exactly one way to get a token.
	Credentials Credentials
	// Timeout bounds one exchange with the tenant; it must be positive.
	Timeout time.Duration
	// Version is the program's own, for the headers that name the caller.
	Version string
	// MaxConns is how many idle connections are kept for the next calls. It is
	// best as large as the number of concurrent callers.
	MaxConns int
	// ReadOnly refuses every call that would change something, before it is
	// sent: whatever its caller does, a dry run stays one.
	ReadOnly bool
	// Transport replaces the network, for tests. Nil means the network.
	Transport http.RoundTripper
}

// Client calls one tenant. It is safe for concurrent use.
type Client struct {
	base     *url.URL
	http     *http.Client
	tokens   *tokens
	timeout  time.Duration
	readOnly bool
}

// New checks the configuration and returns a client, without any call. It
// refuses a base URL that is not https (http is for loopback addresses only),
// an audience without a host, a timeout that is not positive, and credentials
// that are incomplete, ambiguous or unusable, such as a key that does not fit
// the signing algorithm.
func New(cfg Config) (*Client, error) {
	if cfg.BaseURL == nil {
		return nil, errors.New("base URL is missing")
	}
	base, err := checkBase(*cfg.BaseURL)
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
	client := &http.Client{
		Transport:     newTransport(cfg),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	tokens, err := newTokens(cfg, client)
	if err != nil {
		return nil, err
	}
	return &Client{base: base, http: client, tokens: tokens, timeout: cfg.Timeout, readOnly: cfg.ReadOnly}, nil
}

// Close closes the connections that no call is using. The client stays usable.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
}

var errReadOnly = errors.New("this client only reads")

// request is one call, ready to be sent more than once.
type request struct {
	step   string // what the call is for, to begin an error with
	method string
	path   string // escaped, below /api/v2/
	query  string
	body   []byte
	scope  string // what Auth0's documentation asks for
	// accept judges an answer of status 2xx; an error says that it is not the
	// one that was expected.
	accept func(status int, body []byte) error
}

// do sends r with a valid token, and once more with a new one where the first
// is refused. The response is never nil.
func (c *Client) do(ctx context.Context, r request) (*Response, error) {
	resp := new(Response)
	if c.readOnly && r.method != http.MethodGet {
		return resp, &Error{Class: Refused, Err: errReadOnly, step: r.step}
	}
	token, fault := c.tokens.get(ctx)
	for fault == nil {
		fault = c.exchange(ctx, r, token.AccessToken, resp)
		if fault == nil {
			return resp, nil
		}
		if fault.Class != Unauthorized || resp.Tries == 2 || c.tokens.fixed() {
			return resp, fault
		}
		token, fault = c.tokens.renew(ctx, token)
	}
	resp.RetryAfter = fault.retryAfter
	return resp, fault
}

// exchange sends r once and fills resp from the answer.
func (c *Client) exchange(ctx context.Context, r request, token string, resp *Response) *Error {
	*resp = Response{Tries: resp.Tries + 1, Sent: time.Now()}
	defer func() { resp.Duration = time.Since(resp.Sent) }()
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var way progress
	req, err := r.build(httptrace.WithClientTrace(limited, way.trace()), c.base, token)
	if err != nil {
		return &Error{Class: Refused, Err: err, step: r.step}
	}
	answer, err := c.http.Do(req)
	if err != nil {
		return noAnswer(ctx, r.step, err, way.mayBeSent())
	}
	defer answer.Body.Close()
	resp.readHeaders(answer)
	body, err := readBody(answer)
	if err != nil && !statusSuffices(answer.StatusCode) {
		fault := noAnswer(ctx, r.step, err, true)
		fault.Status = answer.StatusCode
		return fault
	}
	return r.judge(answer.StatusCode, body, token)
}

func (r request) build(ctx context.Context, base *url.URL, token string) (*http.Request, error) {
	target := base.String() + "/api/v2/" + r.path
	if r.query != "" {
		target += "?" + r.query
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// identified names the program in every request, the token's too, so that the
// tenant's own log tells who called.
type identified struct {
	next        http.RoundTripper
	userAgent   string
	auth0Client string
}

func newTransport(cfg Config) *identified {
	next := cfg.Transport
	if next == nil {
		next = newNetwork(cfg.MaxConns)
	}
	// A map of strings always encodes.
	client, _ := json.Marshal(map[string]string{"name": "orgconn", "version": cfg.Version})
	return &identified{
		next:        next,
		userAgent:   "orgconn/" + cfg.Version,
		auth0Client: base64.StdEncoding.EncodeToString(client),
	}
}

func (t *identified) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.WithContext(req.Context()) // a copy: a RoundTripper may not change what it is given
	req.Header = maps.Clone(req.Header)
	req.Header.Set("User-Agent", t.userAgent)
	req.Header.Set("Auth0-Client", t.auth0Client)
	return t.next.RoundTrip(req)
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] pass through.
func (t *identified) CloseIdleConnections() {
	(&http.Client{Transport: t.next}).CloseIdleConnections()
}

func newNetwork(maxConns int) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: maxConns,
		IdleConnTimeout:     90 * time.Second,
		ReadBufferSize:      2 << 10, // answers are small, and there are many connections
		WriteBufferSize:     2 << 10,
		TLSHandshakeTimeout: 10 * time.Second,
		// Without pings, calls on a connection that a firewall has silently
		// dropped would time out one after the other.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// progress notes how far a request came, as told by the transport.
type progress struct {
	waiting   atomic.Bool // for a connection
	connected atomic.Bool
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { p.waiting.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { p.connected.Store(true) },
	}
}

// mayBeSent is false only where the request surely waited for its connection
// until the end. A transport that tells nothing may have sent it.
func (p *progress) mayBeSent() bool {
	return p.connected.Load() || !p.waiting.Load()
}
