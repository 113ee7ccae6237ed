package apiclient

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestOnlySafeDomainsAreAccepted(t *testing.T) {
	for domain, want := range map[string]string{ // "": refused
		"tenant.eu.auth0.com":            "https://tenant.eu.auth0.com",
		" Tenant.EU.auth0.com\n":         "https://tenant.eu.auth0.com",
		"https://tenant.eu.auth0.com":    "https://tenant.eu.auth0.com",
		"HTTPS://tenant.eu.auth0.com":    "https://tenant.eu.auth0.com",
		"tenant.example:8443":            "https://tenant.example:8443",
		"tenant.example:443":             "https://tenant.example",
		"tenant.example:0443":            "https://tenant.example",
		"tenant.example:08443":           "https://tenant.example:8443",
		"http://[0:0::1]:8080":           "http://[::1]:8080",
		"http://[::ffff:127.0.0.1]:8080": "http://127.0.0.1:8080",
		"tenant.example.":                "",
		"127.0.0.1:8080":                 "https://127.0.0.1:8080",
		"http://127.0.0.1:8080":          "http://127.0.0.1:8080",
		"http://127.1.2.3":               "http://127.1.2.3",
		"http://localhost:1":             "http://localhost:1",
		"http://[::1]:8080":              "http://[::1]:8080",
		"":                               "",
		"https://":                       "",
		"http://tenant.example":          "",
		"http://10.0.0.1":                "",
		"http://localhost.evil.example":  "",
		"http://127.0.0.1.evil.example":  "",
		"ftp://127.0.0.1":                "",
		"tenant.example/":                "https://tenant.example",
		"tenant.example/api/v2":          "",
		"https://tenant.example/api/v2/": "",
		"tenant.example?x=1":             "",
		"tenant.example?":                "",
		"tenant.example#x":               "",
		"user@tenant.example":            "",
		"user:pass@tenant.example":       "",
		"tenant.example:":                "",
		"tenant.example:0":               "",
		"tenant.example:65536":           "",
		"tenant.example:http":            "",
		"ten ant.example":                "",
		"-tenant.example":                "",
		"tenant_%41.example":             "",
	} {
		got, err := ParseDomain(domain)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q was accepted as %s", domain, got)
		case want != "" && (err != nil || got.String() != want):
			t.Errorf("%q: got %v, %v", domain, got, err)
		}
	}
}

func TestTenantIsTheHostOfTheAudience(t *testing.T) {
	for _, test := range []struct{ domain, audience, want string }{
		{"tenant.example", "", "tenant.example"},
		{"http://127.0.0.1:8080", "", "127.0.0.1:8080"},
		{"login.example", "https://Tenant.EU.auth0.com/api/v2/", "tenant.eu.auth0.com"},
		{"login.example", "https://tenant.example:443/api/v2/", "tenant.example"},
		{"login.example", "https://tenant.example:8443/api/v2/", "tenant.example:8443"},
		{"login.example", "https://tenant.example:0443/api/v2/", "tenant.example"},
		{"login.example", "https://tenant.example:08443/api/v2/", "tenant.example:8443"},
		{"login.example", "https://tenant.example./api/v2/", ""},
		{"login.example", "https://tenant.example:http/api/v2/", ""},
		{"login.example", "https://u:p@tenant.example/api/v2/", ""},
		{"login.example", "management", ""},
		{"login.example", "://", ""},
	} {
		base, err := ParseDomain(test.domain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Tenant(Config{BaseURL: base, Audience: test.audience})
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%+v: got %q, %v", test, got, err)
		}
	}
	if got, err := Tenant(Config{}); err == nil {
		t.Errorf("nothing configured: got %q", got)
	}
}

// Whatever a tenant is called by, custom domain or canonical one, a ready token says
// which one it is. So two runs never work on one tenant under two names.
func TestTenantIsTheTokensAudience(t *testing.T) {
	for name, test := range map[string]struct {
		audience any
		want     string
	}{
		"one":            {"https://Tenant.EU.auth0.com/api/v2/", "tenant.eu.auth0.com"},
		"several":        {[]string{"https://x.example/userinfo", "https://tenant.example:0443/api/v2/"}, "tenant.example"},
		"with a port":    {"https://127.0.0.1:8085/api/v2/", "127.0.0.1:8085"},
		"of another API": {"https://x.example/orders", "login.example"},
		"no URL":         {"orders", "login.example"},
		"not text":       {1, "login.example"},
		"none":           {nil, "login.example"},
	} {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"aud": test.audience}).SignedString([]byte("k"))
		if err != nil {
			t.Fatal(err)
		}
		cfg := Config{BaseURL: mustParse(t, "https://login.example"), Credentials: Credentials{Token: Secret(token)}}
		if got, err := Tenant(cfg); got != test.want || err != nil {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	cfg := Config{BaseURL: mustParse(t, "https://login.example"), Credentials: Credentials{Token: "opaque"}}
	if got, err := Tenant(cfg); got != "login.example" || err != nil {
		t.Errorf("opaque token: got %q, %v", got, err)
	}
}

func FuzzParseDomain(f *testing.F) {
	for _, seed := range []string{"tenant.example", "http://127.0.0.1:1", "http://[::1]", "https://a@b", "a:b@c", "x/.."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, domain string) {
		u, err := ParseDomain(domain)
		if err != nil {
			return
		}
		if u.User != nil || u.Path != "" || u.RawQuery != "" || u.Host == "" || u.Host != strings.ToLower(u.Host) {
			t.Errorf("%q gave %#v", domain, u)
		}
		again, err := ParseDomain(u.String())
		if err != nil || again.String() != u.String() {
			t.Errorf("%q gave %s, which gave %v, %v", domain, u, again, err)
		}
	})
}
