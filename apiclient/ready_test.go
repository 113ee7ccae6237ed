package apiclient

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A ready token that the tenant will refuse is told by its claims.
func TestCheckToken(t *testing.T) {
	now := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	const api = "https://acme.eu.auth0.com/api/v2/"
	for name, c := range map[string]struct {
		domain, audience string
		claims           jwt.MapClaims // nil: an opaque token
		want             string        // in the error; "" for none
	}{
		"opaque":                            {"acme.eu.auth0.com", "", nil, ""},
		"no claims":                         {"acme.eu.auth0.com", "", jwt.MapClaims{}, ""},
		"odd claims":                        {"acme.eu.auth0.com", "", jwt.MapClaims{"iss": 7, "aud": 7, "exp": "soon"}, ""},
		"odd issuer":                        {"acme.eu.auth0.com", "", jwt.MapClaims{"iss": "auth0"}, ""},
		"good":                              {"acme.eu.auth0.com", "", jwt.MapClaims{"iss": "https://acme.eu.auth0.com/", "aud": api, "exp": now.Unix() + 1}, ""},
		"several":                           {"acme.eu.auth0.com", "", jwt.MapClaims{"aud": []string{"https://acme.eu.auth0.com/userinfo", api}}, ""},
		"upper case":                        {"ACME.eu.auth0.com", "", jwt.MapClaims{"iss": "https://Acme.eu.auth0.com:443/", "aud": "https://Acme.eu.auth0.com/api/v2/"}, ""},
		"expired":                           {"acme.eu.auth0.com", "", jwt.MapClaims{"exp": now.Unix()}, "the token expired at 2026-11-24T06:00:00Z"},
		"other issuer":                      {"acme.eu.auth0.com", "", jwt.MapClaims{"iss": "https://other.eu.auth0.com/"}, "was issued by other.eu.auth0.com, and the domain called is acme.eu.auth0.com"},
		"other tenant":                      {"acme.eu.auth0.com", "", jwt.MapClaims{"aud": "https://other.eu.auth0.com/api/v2/"}, "is not for the API of acme.eu.auth0.com"},
		"other API":                         {"acme.eu.auth0.com", "", jwt.MapClaims{"aud": "https://api.example/"}, "is not for the API of acme.eu.auth0.com"},
		"custom domain":                     {"login.example", "", jwt.MapClaims{"iss": "https://login.example/", "aud": api}, ""},
		"custom domain with audience":       {"login.example", api, jwt.MapClaims{"iss": "https://login.example/", "aud": api}, ""},
		"custom domain, other tenant":       {"login.example", api, jwt.MapClaims{"aud": "https://other.eu.auth0.com/api/v2/"}, "is not for the API of acme.eu.auth0.com"},
		"custom domain, other API":          {"login.example", "", jwt.MapClaims{"aud": "https://api.example/"}, "is not for the API of login.example"},
		"issued by the tenant's own domain": {"login.example", api, jwt.MapClaims{"iss": "https://acme.eu.auth0.com/", "aud": api}, "was issued by acme.eu.auth0.com"},
		"an audience of its own":            {"auth.example", "https://auth.example/own", jwt.MapClaims{"aud": "https://auth.example/own"}, ""},
	} {
		base, err := ParseDomain(c.domain)
		if err != nil {
			t.Fatal(err)
		}
		token := "opaque"
		if c.claims != nil {
			if token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, c.claims).SignedString([]byte("key")); err != nil {
				t.Fatal(err)
			}
		}
		err = CheckToken(Config{BaseURL: base, Audience: c.audience, Credentials: Credentials{Token: Secret(token)}}, now)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
