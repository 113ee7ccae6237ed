package apiclient

import (
	"context"
	"errors"
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

// tokens holds the access token that all calls share, in memory only.
type tokens struct {
	grant   *grant // nil where the token was given and cannot be renewed
	timeout time.Duration
	flight  singleflight.Group

	mu      sync.Mutex
	current *oauth2.Token
}

func newTokens(cfg Config, client *http.Client) (*tokens, error) {
	cred := cfg.Credentials
	if err := cred.check(); err != nil {
		return nil, err
	}
	if cred.Token != "" {
		return &tokens{current: &oauth2.Token{AccessToken: cred.Token.Reveal()}}, nil
	}
	g := &grant{
		client:       &http.Client{Transport: jsonAnswers{client.Transport}, CheckRedirect: client.CheckRedirect},
		url:          cfg.BaseURL.String() + "/oauth/token",
		audience:     audience(cfg),
		clientID:     cred.ClientID,
		clientSecret: cred.ClientSecret,
	}
	if cred.PrivateKey != "" {
		var err error
		if g.signer, err = newSigner(cred, "https://"+cfg.BaseURL.Host+"/"); err != nil {
			return nil, err
		}
	}
	return &tokens{grant: g, timeout: cfg.Timeout}, nil
}

func (t *tokens) fixed() bool { return t.grant == nil }

// get returns a token that has not expired. Callers that need a new one at the
// same time share one request, and each waits no longer than its own context.
func (t *tokens) get(ctx context.Context) (*oauth2.Token, *Error) {
	if ctx.Err() != nil {
		return nil, &Error{Class: Transient, Err: ctx.Err(), step: stepToken}
	}
	if token := t.held(); token != nil {
		return token, nil
	}
	select {
	case <-ctx.Done():
		return nil, &Error{Class: Transient, Err: ctx.Err(), step: stepToken}
	case result := <-t.flight.DoChan("", t.fetch):
		// Whatever fetch fails with is an *Error.
		fault, _ := result.Err.(*Error)
		token, _ := result.Val.(*oauth2.Token)
		return token, fault
	}
}

// renew is get once the tenant has refused a token. Where another caller has
// renewed it since, that new one is returned.
func (t *tokens) renew(ctx context.Context, refused *oauth2.Token) (*oauth2.Token, *Error) {
	t.mu.Lock()
	if t.current == refused {
		t.current = nil
	}
	t.mu.Unlock()
	return t.get(ctx)
}

func (t *tokens) held() *oauth2.Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.Valid() {
		return t.current
	}
	return nil
}

// fetch belongs to no caller, so that none can end it for the others.
func (t *tokens) fetch() (any, error) {
	if token := t.held(); token != nil {
		return token, nil // a request that ended after this caller looked
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.timeout)
	defer cancel()
	token, fault := t.grant.token(ctx)
	if fault != nil {
		return nil, fault
	}
	t.mu.Lock()
	t.current = token
	t.mu.Unlock()
	return token, nil
}

const stepToken = "get access token"

// grant asks the token endpoint for tokens (OAuth's client credentials grant).
type grant struct {
	client       *http.Client
	url          string
	audience     string
	clientID     string
	clientSecret Secret
	signer       *signer // nil where there is a client secret
}

func (g *grant) token(ctx context.Context) (*oauth2.Token, *Error) {
	params := url.Values{"audience": {g.audience}}
	if g.signer != nil {
		assertion, err := g.signer.assertion()
		if err != nil {
			return nil, &Error{Class: Unauthorized, Err: err, step: stepToken}
		}
		params.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		params.Set("client_assertion", assertion)
	}
	config := clientcredentials.Config{
		ClientID:       g.clientID,
		ClientSecret:   g.clientSecret.Reveal(),
		TokenURL:       g.url,
		AuthStyle:      oauth2.AuthStyleInParams,
		EndpointParams: params,
	}
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, g.client))
	if err == nil && !isHeaderSafe(token.AccessToken) {
		err = errors.New("token of impossible characters")
	}
	if err != nil {
		return nil, tokenFault(err, config.ClientSecret, params.Get("client_assertion"))
	}
	return token, nil
}

// tokenFault sorts what went wrong at the token endpoint. Of an answer it keeps
// the fields of an error only, as any other part may hold a token; so the
// library's errors, which quote the answer, are not passed on.
func tokenFault(err error, secrets ...string) *Error {
	fault := &Error{Class: Transient, step: stepToken}
	refusal := (*oauth2.RetrieveError)(nil)
	unanswered := (*url.Error)(nil)
	switch {
	case errors.As(err, &refusal):
		fault.Status = refusal.Response.StatusCode
		fault.retryAfter = parseRetryAfter(refusal.Response.Header)
		code, message := errorFields(refusal.Body)
		fault.Code, fault.Message = excerpt(code, secrets...), excerpt(message, secrets...)
		if isRefusal(fault.Status) {
			fault.Class = Unauthorized
		}
	case errors.As(err, &unanswered):
		return noAnswer(context.Background(), stepToken, err, false)
	default:
		fault.Err = errors.New("the token endpoint's answer cannot be read")
	}
	return fault
}

// isRefusal tells a verdict on the credentials from trouble that passes. Auth0
// has been seen to call throttling access_denied, so the status decides.
func isRefusal(status int) bool {
	return status >= 400 && status <= 499 &&
		status != http.StatusTooManyRequests && status != http.StatusRequestTimeout
}

// jsonAnswers declares every answer as the JSON that it is. Some proxies say
// text/plain, which the OAuth library would read as a form.
type jsonAnswers struct{ next http.RoundTripper }

func (j jsonAnswers) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := j.next.RoundTrip(req)
	if err == nil {
		answer.Header.Set("Content-Type", "application/json")
	}
	return answer, err
}

// Scopes gets a token where there is none yet, and returns what it may do.
// Known is false where neither the token's answer nor the token itself says so;
// the token is not verified, as only the tenant can. The error is an [*Error].
func (c *Client) Scopes(ctx context.Context) (scopes []string, known bool, err error) {
	token, fault := c.tokens.get(ctx)
	if fault != nil {
		return nil, false, fault
	}
	scope, _ := token.Extra("scope").(string)
	if scope == "" {
		scope = claimedScope(token.AccessToken)
	}
	return strings.Fields(scope), scope != "", nil
}

func claimedScope(token string) string {
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		return ""
	}
	scope, _ := claims["scope"].(string)
	return scope
}
