package apiclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	org        = "org_aaaaaaaaaaaaaaaa"
	connection = "con_bbbbbbbbbbbbbbbb"
)

// roundTrip is a tenant in memory.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answer is a response in memory.
func answer(status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {contentType}},
		Body:       io.NopCloser(strings.NewReader(body)),
	}
}

func mustParse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func newClient(t testing.TB, cfg Config) *Client {
	t.Helper()
	if cfg.BaseURL == nil {
		cfg.BaseURL = mustParse(t, "https://tenant.example")
	}
	if cfg.Credentials == (Credentials{}) {
		cfg.Credentials.Token = "fixed-token"
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	client, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// clientFor calls a server with a fixed token.
func clientFor(t testing.TB, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, Config{BaseURL: mustParse(t, server.URL)})
}

// asError returns the *Error that every call promises.
func asError(t testing.TB, err error) *Error {
	t.Helper()
	var fault *Error
	if !errors.As(err, &fault) {
		t.Fatalf("got error %v of type %T, want *Error", err, err)
	}
	return fault
}

func TestNewRefuses(t *testing.T) {
	good := func() Config {
		return Config{
			BaseURL:     mustParse(t, "https://tenant.example"),
			Credentials: Credentials{Token: "x"},
			Timeout:     time.Second,
		}
	}
	if _, err := New(good()); err != nil {
		t.Fatalf("a good configuration: %v", err)
	}
	for name, spoil := range map[string]func(*Config){
		"no base URL":           func(c *Config) { c.BaseURL = nil },
		"http to another host":  func(c *Config) { c.BaseURL.Scheme = "http" },
		"path":                  func(c *Config) { c.BaseURL.Path = "/api/v2" },
		"audience without host": func(c *Config) { c.Audience = "management" },
		"no timeout":            func(c *Config) { c.Timeout = 0 },
		"no credentials":        func(c *Config) { c.Credentials = Credentials{} },
		"id only":               func(c *Config) { c.Credentials = Credentials{ClientID: "id"} },
		"secret only":           func(c *Config) { c.Credentials = Credentials{ClientSecret: "s"} },
		"two ways":              func(c *Config) { c.Credentials.ClientSecret = "s" },
		"token with line break": func(c *Config) { c.Credentials.Token = "x\n" },
		"key is no PEM": func(c *Config) {
			c.Credentials = Credentials{ClientID: "id", PrivateKey: "x", SigningAlg: "RS256"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good()
			spoil(&cfg)
			if _, err := New(cfg); err == nil {
				t.Error("was accepted")
			}
		})
	}
}

func TestEveryRequestNamesTheProgram(t *testing.T) {
	var requests int
	client := newClient(t, Config{
		Version:     "1.2.3",
		Credentials: Credentials{ClientID: "id", ClientSecret: "s"},
		Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			requests++
			if got := req.Header.Get("User-Agent"); got != "orgconn/1.2.3" {
				t.Errorf("%s: User-Agent %q", req.URL.Path, got)
			}
			// {"name":"orgconn","version":"1.2.3"}
			if got := req.Header.Get("Auth0-Client"); got != "eyJuYW1lIjoib3JnY29ubiIsInZlcnNpb24iOiIxLjIuMyJ9" {
				t.Errorf("%s: Auth0-Client %q", req.URL.Path, got)
			}
			if req.URL.Path == "/oauth/token" {
				return answer(200, "application/json", `{"access_token":"t"}`), nil
			}
			return answer(204, "", ""), nil
		}),
	})
	if _, err := client.DisableConnection(t.Context(), org, connection); err != nil {
		t.Fatal(err)
	}
	if requests != 2 {
		t.Errorf("got %d requests, want 2", requests)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var followed atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		client := clientFor(t, func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, elsewhere.URL, status)
		})
		resp, err := client.DisableConnection(t.Context(), org, connection)
		if fault := asError(t, err); fault.Class != Refused || resp.Status != status {
			t.Errorf("status %d: got class %d, status %d", status, fault.Class, resp.Status)
		}
	}
	if followed.Load() {
		t.Error("another host was called")
	}
}

func TestBodiesAreBounded(t *testing.T) {
	long := strings.Repeat(" ", maxListBytes+1)
	for name, test := range map[string]struct {
		status int
		body   string
		class  Class
	}{
		"list":          {200, "[]" + long, Transient},
		"error":         {400, `{"message":"x"}` + long[:maxErrorBytes], Refused},
		"rate limited":  {429, long, RateLimited},
		"list in bound": {200, "[]" + long[:maxListBytes-2], 0},
	} {
		t.Run(name, func(t *testing.T) {
			client := clientFor(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			})
			_, _, resp, err := client.EnabledConnections(t.Context(), org, 0)
			if resp.Status != test.status {
				t.Errorf("got status %d", resp.Status)
			}
			if test.class == 0 {
				if err != nil {
					t.Error(err)
				}
			} else if fault := asError(t, err); fault.Class != test.class {
				t.Errorf("got class %d, want %d", fault.Class, test.class)
			}
		})
	}
}

func TestEndedContextSendsNothing(t *testing.T) {
	client := newClient(t, Config{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, io.EOF
	})})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	resp, err := client.DisableConnection(ctx, org, connection)
	fault := asError(t, err)
	if fault.Class != Transient || fault.Sent || !errors.Is(err, context.Canceled) || resp.Tries != 0 {
		t.Errorf("got %+v, %d tries", fault, resp.Tries)
	}
}

func TestReadOnlySendsNoWrite(t *testing.T) {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		fmt.Fprint(w, `[]`)
	}))
	defer server.Close()
	base, err := ParseDomain(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client, err := New(Config{BaseURL: base, Credentials: Credentials{Token: "a.b.c"}, Timeout: time.Second, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, write := range []func() (*Response, error){
		func() (*Response, error) { return client.DisableConnection(t.Context(), "org_a", "con_a") },
		func() (*Response, error) {
			return client.EnableConnection(t.Context(), "org_a", Link{ConnectionID: "con_a"})
		},
	} {
		resp, err := write()
		var failure *Error
		if !errors.As(err, &failure) || failure.Class != Refused || failure.Sent || resp == nil {
			t.Errorf("got %v", err)
		}
	}
	if _, _, _, err := client.EnabledConnections(t.Context(), "org_a", 0); err != nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}
