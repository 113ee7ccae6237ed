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

// token is what the tenant knows about an access token that it issued.
type token struct {
	scopes  []string
	expires time.Time
	revoked bool
}

// authenticate checks the call's token and its scopes, and returns nil or the
// refusal. A refusal has no rate-limit headers.
func (t *Tenant) authenticate(c *call, h http.Header) (refusal *response) {
	header := c.Header.Get("Authorization")
	if header == "" {
		h.Set("WWW-Authenticate", "Bearer")
		return unauthorized("Missing authentication")
	}
	signed, bearer := strings.CutPrefix(header, "Bearer ")
	if !bearer || strings.Count(signed, ".") != 2 {
		// Recorded: 400, although it is about authentication.
		return errorResponse(http.StatusBadRequest, "Bearer", "Bad HTTP authentication header format")
	}
	known := t.tokens[signed]
	switch {
	case known == nil:
		return unauthorized("Invalid signature received for JSON Web Token validation")
	case known.revoked:
		return unauthorized("Invalid token")
	case !time.Now().Before(known.expires):
		return tokenExpired()
	}
	granted := func(scope string) bool { return slices.Contains(known.scopes, scope) }
	if !slices.ContainsFunc(c.route.scopes, granted) {
		return errorResponse(http.StatusForbidden, "insufficient_scope",
			"Insufficient scope, expected any of: "+strings.Join(c.route.scopes, ","))
	}
	return nil
}

func tokenExpired() *response {
	return unauthorized("Expired token received for JSON Web Token validation")
}

// RevokeTokens makes the tenant refuse every token issued so far with a 401.
func (t *Tenant) RevokeTokens() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, known := range t.tokens {
		known.revoked = true
	}
}

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

func (t *Tenant) issueToken(c *call) *response {
	req, err := parseTokenRequest(c)
	switch {
	case err != nil:
		return tokenError(http.StatusBadRequest, "invalid_request", "The request body is malformed")
	case req.GrantType != "client_credentials":
		return tokenError(http.StatusForbidden, "unsupported_grant_type",
			fmt.Sprintf("Unsupported grant type: %s", req.GrantType))
	case !t.authenticatesClient(c, req):
		return tokenError(http.StatusUnauthorized, "access_denied", "Unauthorized")
	case !strings.HasSuffix(req.Audience, "/api/v2/"):
		return tokenError(http.StatusForbidden, "access_denied", fmt.Sprintf(
			"Client is not authorized to access %q. You need to create a \"client-grant\" associated to this API.", req.Audience))
	}
	clientID := cmp.Or(t.config.ClientID, req.ClientID)
	body := map[string]any{
		"access_token": t.newToken("https://"+host(c)+"/", clientID, req.Audience, t.config.Scopes),
		"expires_in":   int(t.config.TokenLifetime / time.Second),
		"token_type":   "Bearer",
	}
	if !t.config.OmitScope {
		body["scope"] = strings.Join(t.config.Scopes, " ")
	}
	return jsonResponse(http.StatusOK, body)
}

// parseTokenRequest reads a form or JSON.
func parseTokenRequest(c *call) (req tokenRequest, err error) {
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

// authenticatesClient checks the client's secret or its assertion.
func (t *Tenant) authenticatesClient(c *call, req tokenRequest) bool {
	switch {
	case t.config.ClientID == "":
		return true
	case req.Assertion != "":
		return req.AssertionType == assertionType && t.verifiesAssertion(c, req.Assertion)
	default:
		return req.ClientID == t.config.ClientID && t.config.ClientSecret != "" &&
			req.ClientSecret == t.config.ClientSecret
	}
}

// verifiesAssertion checks a client assertion by the rules of Auth0's docs on
// private_key_jwt: algorithm, size, audience, a lifetime of at most five
// minutes, and a jti that is used only once.
func (t *Tenant) verifiesAssertion(c *call, assertion string) bool {
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

// host is the tenant's host name in the request.
func host(c *call) string { return cmp.Or(c.Host, c.URL.Host) }

// IssueToken returns a new token with the given scopes or, if there are none,
// with Config.Scopes. The token names no issuer and no audience, because the tenant
// does not know the address at which it is called.
func (t *Tenant) IssueToken(scopes ...string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if scopes == nil {
		scopes = t.config.Scopes
	}
	return t.newToken("", t.config.ClientID, "", scopes)
}

// newToken makes a signed token and remembers it. The signing key is no secret:
// the tenant accepts the tokens that it remembers, and checks no signature.
func (t *Tenant) newToken(issuer, clientID, audience string, scopes []string) string {
	now := time.Now()
	expires := now.Add(t.config.TokenLifetime)
	claims := jwt.MapClaims{
		"sub":   clientID + "@clients",
		"iat":   now.Unix(),
		"exp":   expires.Unix(),
		"scope": strings.Join(scopes, " "),
		"gty":   "client-credentials",
		"azp":   clientID,
		"jti":   fmt.Sprintf("%d-%d", t.config.Seed, len(t.tokens)),
	}
	if issuer != "" {
		claims["iss"] = issuer
	}
	if audience != "" {
		claims["aud"] = audience
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("simulated tenant"))
	if err != nil {
		panic(err) // claims are strings and numbers, the key is a constant
	}
	t.tokens[signed] = &token{scopes: scopes, expires: expires}
	return signed
}

// tokenError is an error response of the token endpoint.
func tokenError(status int, code, description string) *response {
	return jsonResponse(status, map[string]string{"error": code, "error_description": description})
}
