package apiclient

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"
)

// tokenCache holds the access token that all calls share. It keeps the token in
// memory only.
type tokenCache struct {
	endpoint *tokenEndpoint // nil if the token was given and cannot be renewed
	timeout  time.Duration
	redact   *redactor
	fetches  singleflight.Group

	mu      sync.Mutex
	current *accessToken
	renewAt time.Time // when current is to be replaced; zero: never
}

// accessToken is a token with the header that shows it, which is made once, as a token may
// have a thousand bytes.
type accessToken struct {
	*oauth2.Token
	authorization []string
}

func newAccessToken(token *oauth2.Token) *accessToken {
	return &accessToken{token, []string{"Bearer " + token.AccessToken}}
}

// newTokenCache makes the cache of a client's tokens.
func newTokenCache(cfg Config, c *Client) (*tokenCache, error) {
	cred := cfg.Credentials
	if err := cred.check(); err != nil {
		return nil, err
	}
	if cred.Token != "" {
		return &tokenCache{current: newAccessToken(&oauth2.Token{AccessToken: cred.Token.Reveal()})}, nil
	}
	e := &tokenEndpoint{
		client: &http.Client{
			Transport:     tokenTransport{c.transport, c.header},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		url:          cfg.BaseURL.String() + "/oauth/token",
		audience:     cfg.audience(),
		clientID:     cred.ClientID,
		clientSecret: cred.ClientSecret,
		redact:       c.redact,
	}
	if cred.PrivateKey != "" {
		var err error
		if e.signer, err = newSigner(cred, "https://"+cfg.BaseURL.Host+"/"); err != nil {
			return nil, err
		}
	}
	return &tokenCache{endpoint: e, timeout: cfg.Timeout, redact: c.redact}, nil
}

func (c *tokenCache) fixed() bool { return c.endpoint == nil }

// get returns a token that has not expired. Callers that need a new one at the
// same time share one request (singleflight). Each waits no longer than its own
// context allows.
func (c *tokenCache) get(ctx context.Context) (*accessToken, *Error) {
	if ctx.Err() != nil {
		return nil, &Error{Class: Transient, Err: ctx.Err(), step: stepToken}
	}
	if token := c.cached(); token != nil {
		return token, nil
	}
	select {
	case <-ctx.Done():
		return nil, &Error{Class: Transient, Err: ctx.Err(), step: stepToken}
	case result := <-c.fetches.DoChan("", c.fetch):
		apiErr, _ := result.Err.(*Error) // fetch returns no other type
		token, _ := result.Val.(*accessToken)
		return token, apiErr
	}
}

// giveUp makes get return another token than the refused one, for Error.RenewToken.
func (c *tokenCache) giveUp(refused *accessToken, again bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == refused {
		if again {
			return false
		}
		c.current = nil
	}
	return true
}

// cached returns the current token, or nil if it is to be renewed or there is none.
func (c *tokenCache) cached() *accessToken {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.renewAt.IsZero() || time.Now().Before(c.renewAt) {
		return c.current
	}
	return nil
}

// renewalTime returns when a new token is to be replaced, by the wall clock; zero
// if it does not say how long it lives. The token then has a margin left, which is
// half its life where that is short, because a token request for every call would
// soon be refused.
func renewalTime(token *oauth2.Token) time.Time {
	const margin, shortest = 10 * time.Second, time.Second
	if token.Expiry.IsZero() {
		return time.Time{}
	}
	life := time.Until(token.Expiry)
	return time.Now().Add(max(life-min(margin, life/2), shortest)).Round(0)
}

// fetch requests a token. It has a context of its own, so that a caller that
// gives up does not cancel the request for the others.
func (c *tokenCache) fetch() (any, error) {
	if token := c.cached(); token != nil {
		return token, nil // another fetch ended after this caller looked
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	issued, apiErr := c.endpoint.request(ctx)
	if apiErr != nil {
		return nil, apiErr
	}
	c.redact.addIssued(issued.AccessToken)
	token := newAccessToken(issued)
	c.mu.Lock()
	c.current, c.renewAt = token, renewalTime(issued)
	c.mu.Unlock()
	return token, nil
}

const stepToken = "get access token"

// tokenEndpoint issues tokens by OAuth's client credentials grant.
type tokenEndpoint struct {
	client       *http.Client
	url          string
	audience     string
	clientID     string
	clientSecret Secret
	signer       *signer // nil if there is a client secret
	redact       *redactor
}

func (e *tokenEndpoint) request(ctx context.Context) (*oauth2.Token, *Error) {
	params := url.Values{"audience": {e.audience}}
	if e.signer != nil {
		assertion, err := e.signer.assertion()
		if err != nil {
			return nil, &Error{Class: Unauthorized, Err: err, step: stepToken}
		}
		params.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		params.Set("client_assertion", assertion)
		e.redact.addIssued(assertion)
	}
	config := clientcredentials.Config{
		ClientID:       e.clientID,
		ClientSecret:   e.clientSecret.Reveal(),
		TokenURL:       e.url,
		AuthStyle:      oauth2.AuthStyleInParams,
		EndpointParams: params,
	}
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, e.client))
	if err == nil && !isHeaderSafe(token.AccessToken) {
		err = errors.New("token with invalid characters")
	}
	if err != nil {
		return nil, e.classify(err)
	}
	return token, nil
}

// errWebPage is a page where the token endpoint should have answered with a token.
var errWebPage = errors.New("the token endpoint answered with a web page")

// classify turns the error of a token request into an *Error. Of an answer it keeps
// only the error fields, because any other part may hold a token. For the same
// reason it does not wrap the library's errors, which quote the answer.
func (e *tokenEndpoint) classify(err error) *Error {
	if _, unanswered := errors.AsType[*url.Error](err); unanswered {
		apiErr := e.redact.transportError(context.Background(), stepToken, err, false)
		if errors.Is(err, errWebPage) {
			apiErr.Cause = NoTenant
		}
		return apiErr
	}
	apiErr := &Error{Class: Transient, step: stepToken}
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		apiErr.Err = errors.New("the token endpoint's answer cannot be read")
		return apiErr
	}
	apiErr.Status = refusal.Response.StatusCode
	apiErr.RetryAfter = parseRetryAfter(refusal.Response.Header)
	code, message := errorFields(refusal.Body)
	apiErr.Code, apiErr.Message = e.redact.line(code), e.redact.line(message)
	apiErr.Page = isPage(refusal.Body)
	switch {
	case apiErr.Status == http.StatusProxyAuthRequired:
		apiErr.Class, apiErr.Cause = ProxyRefused, ProxyPassword
	case isRefusal(apiErr.Status), isRedirect(apiErr.Status):
		apiErr.Class = Unauthorized
		apiErr.Cause, apiErr.ClockBehind = e.refusalCause(apiErr, refusal.Response.Header)
	}
	return apiErr
}

// refusalCause returns why the endpoint gave no token, and for WrongClock how far
// this machine's clock is behind.
func (e *tokenEndpoint) refusalCause(refusal *Error, h http.Header) (cause Cause, clockBehind time.Duration) {
	if date, err := http.ParseTime(h.Get("Date")); err == nil && e.signer != nil {
		clockBehind = time.Until(date).Round(time.Second)
	}
	const tolerance = 10 * time.Second
	forbidden := refusal.Status == http.StatusForbidden
	switch {
	case refusal.Page && (forbidden || refusal.Status == http.StatusUnauthorized):
		return 0, 0 // of a firewall
	case refusal.Page, refusal.Status == http.StatusNotFound, isRedirect(refusal.Status):
		return NoTenant, 0
	case clockBehind > assertionLife-tolerance, clockBehind < -(maxAssertionLife - assertionLife - tolerance):
		return WrongClock, clockBehind
	case forbidden && refusal.Code == "access_denied":
		return WrongAudience, 0
	}
	return WrongClient, 0
}

func isRedirect(status int) bool { return status >= 300 && status <= 399 }

// isRefusal reports whether a status is a refusal that lasts, and not trouble that
// passes. Of a token request, it ignores the error code, because Auth0 has sent
// access_denied for a rate limit.
func isRefusal(status int) bool {
	return status >= 400 && status <= 499 &&
		status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// tokenTransport adds the program's own headers to the OAuth library's requests,
// and sets the content type of every answer to JSON. Some proxies send text/plain,
// which the library would decode as a form. A web page in place of a token is the
// error errWebPage.
type tokenTransport struct {
	next   http.RoundTripper
	header http.Header
}

func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context()) // a RoundTripper must not modify its request
	maps.Copy(req.Header, t.header)
	answer, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if isSuccess(answer.StatusCode) && strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		answer.Body.Close()
		return nil, errWebPage
	}
	answer.Header.Set("Content-Type", "application/json")
	return answer, nil
}

// Scopes returns what the token may do. It requests a token if there is none yet.
// Known is false if neither the token's answer nor the token's own claims say it.
// The error is an [*Error].
func (c *Client) Scopes(ctx context.Context) (scopes []string, known bool, err error) {
	token, apiErr := c.tokens.get(ctx)
	if apiErr != nil {
		return nil, false, apiErr
	}
	scope, _ := token.Extra("scope").(string)
	if scope == "" {
		scope = scopeClaim(token.AccessToken)
	}
	return strings.Fields(scope), scope != "", nil
}

func scopeClaim(token string) string {
	scope, _ := claimsOf(token)["scope"].(string)
	return scope
}

// claimsOf returns what a token says; nothing if it cannot be read. The signature is
// not verified, as only the tenant can do that.
func claimsOf(token string) jwt.MapClaims {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return nil
	}
	return claims
}
