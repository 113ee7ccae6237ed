package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenRequest is the body of POST /oauth/token.
type tokenRequest struct {
	GrantType     string `json:"grant_type"`
	ClientID      string `json:"client_id"`
	ClientSecret  string `json:"client_secret"`
	Audience      string `json:"audience"`
	AssertionType string `json:"client_assertion_type"`
	Assertion     string `json:"client_assertion"`
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func (t *Tenant) issueToken(c *call) reply {
	req, err := readTokenRequest(c)
	switch {
	case err != nil:
		return tokenProblem(http.StatusBadRequest, "invalid_request", err.Error())
	case req.GrantType != "client_credentials":
		return tokenProblem(http.StatusForbidden, "unsupported_grant_type",
			fmt.Sprintf("Unsupported grant type: %s", req.GrantType))
	case !t.recognizes(c, req):
		return tokenProblem(http.StatusUnauthorized, "access_denied", "Unauthorized")
	case !strings.HasSuffix(req.Audience, "/api/v2/"):
		return tokenProblem(http.StatusForbidden, "access_denied", fmt.Sprintf(
			"Client is not authorized to access %q. You need to create a \"client-grant\" associated to this API.", req.Audience))
	}
	answer := map[string]any{
		"access_token": t.mint("https://"+host(c)+"/", cmp.Or(t.config.ClientID, req.ClientID), req.Audience, t.config.Scopes),
		"expires_in":   int(t.config.TokenLifetime / time.Second),
		"token_type":   "Bearer",
	}
	if !t.config.OmitScope {
		answer["scope"] = strings.Join(t.config.Scopes, " ")
	}
	return jsonReply(http.StatusOK, answer)
}

func readTokenRequest(c *call) (req tokenRequest, err error) {
	mediaType, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" {
		return req, json.Unmarshal(c.body, &req)
	}
	form, err := url.ParseQuery(string(c.body))
	return tokenRequest{
		GrantType:     form.Get("grant_type"),
		ClientID:      form.Get("client_id"),
		ClientSecret:  form.Get("client_secret"),
		Audience:      form.Get("audience"),
		AssertionType: form.Get("client_assertion_type"),
		Assertion:     form.Get("client_assertion"),
	}, err
}

// recognizes checks the client's secret or assertion.
func (t *Tenant) recognizes(c *call, req tokenRequest) bool {
	switch {
	case t.config.ClientID == "":
		return true
	case req.Assertion != "":
		return req.AssertionType == assertionType && t.verifies(c, req.Assertion)
	default:
		return req.ClientID == t.config.ClientID && t.config.ClientSecret != "" &&
			req.ClientSecret == t.config.ClientSecret
	}
}

// verifies checks a client assertion by the rules of Auth0's docs on
// private_key_jwt: algorithm, size, audience, a life of five minutes at most,
// and a jti that serves once.
func (t *Tenant) verifies(c *call, assertion string) bool {
	if t.config.PublicKey == nil || len(assertion) > 2048 {
		return false
	}
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(assertion, &claims,
		func(*jwt.Token) (any, error) { return t.config.PublicKey, nil },
		jwt.WithValidMethods([]string{"RS256", "RS384", "PS256"}),
		jwt.WithIssuer(t.config.ClientID), jwt.WithSubject(t.config.ClientID),
		jwt.WithAudience("https://"+host(c)+"/", "http://"+host(c)+"/"), // loopback has no TLS
		jwt.WithExpirationRequired(), jwt.WithLeeway(10*time.Second))
	if err != nil || time.Until(claims.ExpiresAt.Time) > 5*time.Minute+10*time.Second {
		return false
	}
	if claims.ID == "" || len(claims.ID) > 64 || t.assertions[claims.ID] {
		return false
	}
	t.assertions[claims.ID] = true
	return true
}

// host is the tenant's name as the client calls it.
func host(c *call) string {
	if c.Host != "" {
		return c.Host
	}
	return c.URL.Host
}

// IssueToken makes a token by hand, with the given scopes, or Config.Scopes
// where there are none.
func (t *Tenant) IssueToken(scopes ...string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if scopes == nil {
		scopes = t.config.Scopes
	}
	const tenant = "https://simulator.invalid/"
	return t.mint(tenant, t.config.ClientID, tenant+"api/v2/", scopes)
}

// mint makes a signed token and remembers it. The key is no secret: a token is
// accepted because it is remembered.
func (t *Tenant) mint(issuer, client, audience string, scopes []string) string {
	now := time.Now()
	expires := now.Add(t.config.TokenLifetime)
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss":   issuer,
		"sub":   client + "@clients",
		"aud":   audience,
		"iat":   now.Unix(),
		"exp":   expires.Unix(),
		"scope": strings.Join(scopes, " "),
		"gty":   "client-credentials",
		"azp":   client,
		"jti":   fmt.Sprintf("%d-%d", t.config.Seed, len(t.tokens)),
	}).SignedString([]byte("simulated tenant"))
	if err != nil {
		panic(err) // claims are strings and numbers, the key is a constant
	}
	t.tokens[text] = &token{scopes: scopes, expires: expires}
	return text
}

// tokenProblem is an error body of the token endpoint.
func tokenProblem(status int, code, description string) reply {
	return jsonReply(status, map[string]string{"error": code, "error_description": description})
}

// token is what the tenant knows of an access token that it issued.
type token struct {
	scopes  []string
	expires time.Time
	revoked bool
}

// authenticate checks the call's token and its scopes. Refusals have no
// rate-limit headers.
func (t *Tenant) authenticate(c *call, h http.Header) (rep reply, refused bool) {
	header := c.Header.Get("Authorization")
	if header == "" {
		h.Set("WWW-Authenticate", "Bearer")
		return unauthorized("Missing authentication"), true
	}
	text, bearer := strings.CutPrefix(header, "Bearer ")
	if !bearer || strings.Count(text, ".") != 2 {
		// An authentication fault that is not a 401, as recorded.
		return problem(http.StatusBadRequest, "Bearer", "Bad HTTP authentication header format"), true
	}
	known := t.tokens[text]
	switch {
	case known == nil:
		return unauthorized("Invalid signature received for JSON Web Token validation"), true
	case known.revoked:
		return unauthorized("Invalid token"), true
	case !time.Now().Before(known.expires):
		return expired(), true
	}
	for _, scope := range c.route.scopes {
		if slices.Contains(known.scopes, scope) {
			return reply{}, false
		}
	}
	return problem(http.StatusForbidden, "insufficient_scope",
		"Insufficient scope, expected any of: "+strings.Join(c.route.scopes, ",")), true
}

func expired() reply { return unauthorized("Expired token received for JSON Web Token validation") }

// RevokeTokens has every token issued so far refused with a 401.
func (t *Tenant) RevokeTokens() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, known := range t.tokens {
		known.revoked = true
	}
}
