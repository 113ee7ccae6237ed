package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestAuthentication(t *testing.T) {
	tenant := sample(Config{})
	c := inMemory(t, tenant)
	for _, test := range []struct {
		header string
		status int
		want   string
	}{
		{"", 401, `{"statusCode":401,"error":"Unauthorized","message":"Missing authentication","attributes":{"error":"Missing authentication"}}`},
		{"Bearer opaque", 400, `{"statusCode":400,"error":"Bad Request","message":"Bad HTTP authentication header format","errorCode":"Bearer"}`},
		{"Basic a.b.c", 400, `"errorCode":"Bearer"`},
		{"Bearer a.b.c", 401, "Invalid signature received for JSON Web Token validation"},
		{"Bearer " + tenant.IssueToken("read:connections"), 403, `{"statusCode":403,"error":"Forbidden","errorCode":"insufficient_scope",
			"message":"Insufficient scope, expected any of: delete:organization_connections"}`},
		{"Bearer " + tenant.IssueToken("delete:organization_connections"), 204, ""},
	} {
		r := c.request("DELETE", links+"/"+con1, "")
		r.Header.Set("Authorization", test.header)
		resp, body, err := c.try(r)
		if err != nil || resp.StatusCode != test.status || !sameBody(t, body, test.want) {
			t.Errorf("%q: %v %s %v, want %d %s", test.header, resp, body, err, test.status, test.want)
		}
	}
	tenant.RevokeTokens()
	c.want("GET", links, "", 401, `"message":"Invalid token"`)
	c.token = tenant.IssueToken()
	c.want("GET", links, "", 200, "[]")
}

// requestToken asks for a token and returns the status and the decoded body.
func requestToken(c client, contentType, body string) (int, map[string]any) {
	c.t.Helper()
	r := c.request("POST", "/oauth/token", body)
	r.Header.Del("Authorization")
	r.Header.Set("Content-Type", contentType)
	resp, text, err := c.try(r)
	if err != nil {
		c.t.Fatal(err)
	}
	var decoded map[string]any
	if err := json.Unmarshal([]byte(text), &decoded); err != nil {
		c.t.Fatalf("%v in %s", err, text)
	}
	return resp.StatusCode, decoded
}

func tokenBody(secret, audience string) string {
	return fmt.Sprintf(`{"grant_type":"client_credentials","client_id":"me","client_secret":%q,"audience":%q}`, secret, audience)
}

const audience = "https://tenant.example/api/v2/"

func TestTokenByClientSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := sample(Config{ClientID: "me", ClientSecret: "s3cret", Scopes: []string{"read:organization_connections", "read:organizations"}, TokenLifetime: time.Hour})
		c := inMemory(t, tenant)
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"me"}, "client_secret": {"s3cret"}, "audience": {audience}}
		_, fromForm := requestToken(c, "application/x-www-form-urlencoded", form.Encode())
		status, body := requestToken(c, "application/json", tokenBody("s3cret", audience))
		if status != 200 || body["expires_in"] != 3600.0 || body["token_type"] != "Bearer" || body["scope"] != "read:organization_connections read:organizations" {
			t.Fatalf("%d %v", status, body)
		}
		var claims jwt.MapClaims
		if _, _, err := jwt.NewParser().ParseUnverified(body["access_token"].(string), &claims); err != nil || claims["scope"] != body["scope"] || claims["iss"] != "https://tenant.example/" {
			t.Errorf("claims %v, %v", claims, err)
		}
		for _, token := range []any{body["access_token"], fromForm["access_token"]} {
			c.token = token.(string)
			c.want("GET", links, "", 200, con1)
			c.want("DELETE", links+"/"+con1, "", 403, "insufficient_scope")
		}
		time.Sleep(time.Hour - time.Nanosecond)
		c.want("GET", links, "", 200, con1)
		time.Sleep(time.Nanosecond)
		c.want("GET", links, "", 401, "Expired token received for JSON Web Token validation")
	})
}

func TestTokenRefusals(t *testing.T) {
	c := inMemory(t, New(Config{ClientID: "me", ClientSecret: "s3cret"}))
	for _, test := range []struct {
		body        string
		status      int
		code, start string
	}{
		{tokenBody("wrong", audience), 401, "access_denied", "Unauthorized"},
		{tokenBody("", audience), 401, "access_denied", "Unauthorized"},
		{strings.Replace(tokenBody("s3cret", audience), `"me"`, `"you"`, 1), 401, "access_denied", "Unauthorized"},
		{tokenBody("s3cret", "https://tenant.example/api/v2"), 403, "access_denied", `Client is not authorized to access "https://tenant.example/api/v2"`},
		{`{"grant_type":"password"}`, 403, "unsupported_grant_type", "Unsupported grant type: password"},
		{`{`, 400, "invalid_request", "The request body is malformed"},
	} {
		status, body := requestToken(c, "application/json", test.body)
		description, _ := body["error_description"].(string)
		if status != test.status || body["error"] != test.code || !strings.HasPrefix(description, test.start) {
			t.Errorf("%s: %d %v", test.body, status, body)
		}
	}
	if resp, _ := c.do("GET", "/oauth/token", ""); resp.StatusCode != 404 {
		t.Errorf("GET of the token endpoint: %d", resp.StatusCode)
	}
}

func TestOmitScope(t *testing.T) {
	_, body := requestToken(inMemory(t, New(Config{OmitScope: true})), "application/json", tokenBody("any", audience))
	if _, ok := body["scope"]; ok || body["access_token"] == nil {
		t.Errorf("response %v", body)
	}
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestTokenByPrivateKey(t *testing.T) {
	key, other := newKey(t), newKey(t)
	c := inMemory(t, New(Config{ClientID: "me", PublicKey: &key.PublicKey}))
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"iss": "me", "sub": "me", "aud": "https://tenant.example/", "jti": rand.Text(),
			"exp": time.Now().Add(time.Minute).Unix()}
	}
	with := func(name string, value any) jwt.MapClaims {
		claims := good()
		claims[name] = value
		return claims
	}
	for _, test := range []struct {
		name   string
		key    *rsa.PrivateKey
		method jwt.SigningMethod
		claims jwt.MapClaims
		status int
	}{
		{"RS256", key, jwt.SigningMethodRS256, good(), 200},
		{"RS384", key, jwt.SigningMethodRS384, good(), 200},
		{"PS256", key, jwt.SigningMethodPS256, good(), 200},
		{"jti a first time", key, jwt.SigningMethodRS256, with("jti", "once"), 200},
		{"jti again", key, jwt.SigningMethodRS256, with("jti", "once"), 401},
		{"no jti", key, jwt.SigningMethodRS256, with("jti", ""), 401},
		{"RS512 is not accepted", key, jwt.SigningMethodRS512, good(), 401},
		{"another key", other, jwt.SigningMethodRS256, good(), 401},
		{"another client", key, jwt.SigningMethodRS256, with("iss", "you"), 401},
		{"another subject", key, jwt.SigningMethodRS256, with("sub", "you"), 401},
		{"audience without slash", key, jwt.SigningMethodRS256, with("aud", "https://tenant.example"), 401},
		{"expired", key, jwt.SigningMethodRS256, with("exp", time.Now().Add(-time.Minute).Unix()), 401},
		{"too long a life", key, jwt.SigningMethodRS256, with("exp", time.Now().Add(time.Hour).Unix()), 401},
	} {
		assertion, err := jwt.NewWithClaims(test.method, test.claims).SignedString(test.key)
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"grant_type":"client_credentials","audience":%q,"client_assertion_type":%q,"client_assertion":%q}`, audience, assertionType, assertion)
		if status, got := requestToken(c, "application/json", body); status != test.status {
			t.Errorf("%s: %d %v, want %d", test.name, status, got, test.status)
		}
	}
	if status, _ := requestToken(c, "application/json", tokenBody("", audience)); status != http.StatusUnauthorized {
		t.Errorf("an empty secret: %d", status)
	}
}
