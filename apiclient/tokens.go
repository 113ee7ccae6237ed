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
	fetches  singleflight.Group

	mu      sync.Mutex
	current *oauth2.Token
}

func newTokenCache(cfg Config, transport http.RoundTripper, header http.Header) (*tokenCache, error) {
	cred := cfg.Credentials
	if err := cred.check(); err != nil {
		return nil, err
	}
	if cred.Token != "" {
		return &tokenCache{current: &oauth2.Token{AccessToken: cred.Token.Reveal()}}, nil
	}
	e := &tokenEndpoint{
		client: &http.Client{
			Transport:     tokenTransport{transport, header},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		url:          cfg.BaseURL.String() + "/oauth/token",
		audience:     cfg.audience(),
		clientID:     cred.ClientID,
		clientSecret: cred.ClientSecret,
	}
	if cred.PrivateKey != "" {
		var err error
		if e.signer, err = newSigner(cred, "https://"+cfg.BaseURL.Host+"/"); err != nil {
			return nil, err
		}
	}
	return &tokenCache{endpoint: e, timeout: cfg.Timeout}, nil
}

func (c *tokenCache) fixed() bool { return c.endpoint == nil }

// get returns a token that has not expired. Callers that need a new one at the
// same time share one request (singleflight). Each waits no longer than its own
// context allows.
func (c *tokenCache) get(ctx context.Context) (*oauth2.Token, *Error) {
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
		token, _ := result.Val.(*oauth2.Token)
		return token, apiErr
	}
}

// renew returns another token than the refused one. If another caller has
// renewed it already, that token is returned.
func (c *tokenCache) renew(ctx context.Context, refused *oauth2.Token) (*oauth2.Token, *Error) {
	c.mu.Lock()
	if c.current == refused {
		c.current = nil
	}
	c.mu.Unlock()
	return c.get(ctx)
}

// cached returns the current token, or nil if it has expired or there is none.
func (c *tokenCache) cached() *oauth2.Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current.Valid() {
		return c.current
	}
	return nil
}

// fetch requests a token. It has a context of its own, so that a caller that
// gives up does not cancel the request for the others.
func (c *tokenCache) fetch() (any, error) {
	if token := c.cached(); token != nil {
		return token, nil // another fetch ended after this caller looked
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.timeout)
	defer cancel()
	token, apiErr := c.endpoint.request(ctx)
	if apiErr != nil {
		return nil, apiErr
	}
	c.mu.Lock()
	c.current = token
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
		return nil, tokenError(err, config.ClientSecret, params.Get("client_assertion"))
	}
	return token, nil
}

// tokenError classifies a failed token request. Of an answer it keeps only the
// error fields, because any other part may hold a token. For the same reason it
// does not wrap the library's errors, which quote the answer.
func tokenError(err error, secrets ...string) *Error {
	if _, unanswered := errors.AsType[*url.Error](err); unanswered {
		return transportError(context.Background(), stepToken, err, false)
	}
	apiErr := &Error{Class: Transient, step: stepToken}
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		apiErr.Err = errors.New("the token endpoint's answer cannot be read")
		return apiErr
	}
	apiErr.Status = refusal.Response.StatusCode
	apiErr.retryAfter = parseRetryAfter(refusal.Response.Header)
	code, message := errorFields(refusal.Body)
	apiErr.Code, apiErr.Message = excerpt(code, secrets...), excerpt(message, secrets...)
	if refusesCredentials(apiErr.Status) {
		apiErr.Class = Unauthorized
	}
	return apiErr
}

// refusesCredentials reports whether a status is about the credentials, and not
// about trouble that passes. It ignores the error code, because Auth0 has sent
// access_denied for a rate limit.
func refusesCredentials(status int) bool {
	return status >= 400 && status <= 499 &&
		status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// tokenTransport adds the program's own headers to the OAuth library's requests,
// and sets the content type of every answer to JSON. Some proxies send text/plain,
// which the library would decode as a form.
type tokenTransport struct {
	next   http.RoundTripper
	header http.Header
}

func (t tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context()) // a RoundTripper must not modify its request
	maps.Copy(req.Header, t.header)
	answer, err := t.next.RoundTrip(req)
	if err == nil {
		answer.Header.Set("Content-Type", "application/json")
	}
	return answer, err
}

// Scopes returns what the token may do. It requests a token if there is none yet.
// Known is false if neither the token's answer nor the token's own claims say it.
// The token's signature is not verified, as only the tenant can do that. The
// error is an [*Error].
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
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return ""
	}
	scope, _ := claims["scope"].(string)
	return scope
}
