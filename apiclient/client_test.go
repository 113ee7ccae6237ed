package apiclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	org        = "org_aaaaaaaaaaaaaaaa"
	connection = "con_bbbbbbbbbbbbbbbb"
)

// roundTrip is a tenant that needs no network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answer returns a response that needs no network.
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

// clientFor returns a client, with a fixed token, of a server on the network.
func clientFor(t testing.TB, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, Config{BaseURL: mustParse(t, server.URL)})
}

// answering returns a client that gets the same answer to every call.
func answering(t testing.TB, status int, contentType, body string) *Client {
	t.Helper()
	return newClient(t, Config{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return answer(status, contentType, body), nil
	})})
}

// neverCalled returns a client that fails the test if it sends anything.
func neverCalled(t testing.TB) *Client {
	t.Helper()
	return newClient(t, Config{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, io.EOF
	})})
}

// asError returns the *Error that every call promises.
func asError(t testing.TB, err error) *Error {
	t.Helper()
	var apiErr *Error
	if !errors.As(err, &apiErr) {
		t.Fatalf("got error %v of type %T, want *Error", err, err)
	}
	return apiErr
}

func TestBadConfigurationIsRefused(t *testing.T) {
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
		if apiErr := asError(t, err); apiErr.Class != Refused || resp.Status != status {
			t.Errorf("status %d: got class %d, status %d", status, apiErr.Class, resp.Status)
		}
	}
	if followed.Load() {
		t.Error("another host was called")
	}
}

func TestCancelledContextSendsNothing(t *testing.T) {
	client := neverCalled(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	resp, err := client.DisableConnection(ctx, org, connection)
	apiErr := asError(t, err)
	if apiErr.Class != Transient || apiErr.Sent || !errors.Is(err, context.Canceled) || resp.Tried {
		t.Errorf("got %+v, tried %t", apiErr, resp.Tried)
	}
}

func TestReadOnlyClientSendsNoWrite(t *testing.T) {
	calls := 0
	client := newClient(t, Config{ReadOnly: true, Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		calls++
		return answer(200, "application/json", "[]"), nil
	})})
	disableResp, disableErr := client.DisableConnection(t.Context(), org, connection)
	enableResp, enableErr := client.EnableConnection(t.Context(), OlderFamily, org, Link{ConnectionID: connection})
	for _, err := range []error{disableErr, enableErr} {
		if apiErr := asError(t, err); apiErr.Class != Refused || apiErr.Sent {
			t.Errorf("got %+v", apiErr)
		}
	}
	if disableResp == nil || enableResp == nil {
		t.Error("a refused write has no response")
	}
	if _, _, err := client.Links(t.Context(), OlderFamily, org, 0); err != nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// overHTTP2 returns a client of a server that offers HTTP/2.
func overHTTP2(t *testing.T, handler http.HandlerFunc) *Client {
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client := newClient(t, Config{BaseURL: mustParse(t, server.URL)})
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client.transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return client
}

// If a caller gives up after the server got the request, the error must say that
// the call may have taken effect, with both versions of HTTP.
func TestCancelledCallMayHaveBeenSent(t *testing.T) {
	for name, start := range map[string]func(*testing.T, http.HandlerFunc) *Client{
		"HTTP/1.1": func(t *testing.T, h http.HandlerFunc) *Client { return clientFor(t, h) },
		"HTTP/2.0": overHTTP2,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			client := start(t, func(_ http.ResponseWriter, req *http.Request) {
				if req.Proto != name {
					t.Errorf("called over %s", req.Proto)
				}
				cancel()
				<-req.Context().Done()
			})
			resp, err := client.DisableConnection(ctx, org, connection)
			apiErr := asError(t, err)
			if apiErr.Class != Transient || !apiErr.Sent || !errors.Is(err, context.Canceled) || !resp.Tried {
				t.Errorf("got %+v, response %+v", apiErr, resp)
			}
		})
	}
}

// A server that accepts a connection but never does the TLS handshake has seen no
// request.
func TestCallCancelledWhileConnectingWasNotSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	left, closed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		conn, err := listener.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		conn.Read(make([]byte, 1))
		cancel()
		<-left
	}()
	client := newClient(t, Config{BaseURL: mustParse(t, "https://"+listener.Addr().String())})
	_, err = client.DisableConnection(ctx, org, connection)
	close(left)
	<-closed
	if apiErr := asError(t, err); apiErr.Class != Transient || apiErr.Sent || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v", apiErr)
	}
}

func TestTimedOutCallMayHaveBeenSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, Config{Timeout: 30 * time.Second, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})})
		resp, err := client.DisableConnection(t.Context(), org, connection)
		apiErr := asError(t, err)
		if apiErr.Class != Transient || !apiErr.Sent || resp.Duration != 30*time.Second || !strings.Contains(err.Error(), "no answer in time") {
			t.Errorf("got %+v after %s", apiErr, resp.Duration)
		}
	})
}

func TestTimeoutIncludesTheBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		io.WriteString(w, "[")
		w.(http.Flusher).Flush()
		<-req.Context().Done()
	}))
	t.Cleanup(server.Close)
	client := newClient(t, Config{BaseURL: mustParse(t, server.URL), Timeout: time.Second}) // a busy machine is slow
	_, resp, err := client.Links(t.Context(), OlderFamily, org, 0)
	if apiErr := asError(t, err); apiErr.Class != Transient || !apiErr.Sent || resp.Status != 200 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v, response %+v", apiErr, resp)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	seen := map[string]bool{}
	client := clientFor(t, func(w http.ResponseWriter, req *http.Request) {
		seen[req.RemoteAddr] = true
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"message":"no"}`)
	})
	for range 5 {
		client.DisableConnection(t.Context(), org, connection)
	}
	if len(seen) != 1 {
		t.Errorf("5 calls took %d connections", len(seen))
	}
}
