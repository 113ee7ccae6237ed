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
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// hangUp ends the connection after writing raw bytes to it.
func hangUp(t testing.TB, w http.ResponseWriter, raw string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	io.WriteString(conn, raw)
	conn.Close()
}

func TestBrokenAnswers(t *testing.T) {
	for name, raw := range map[string]string{
		"nothing":         "",
		"not HTTP":        "hello\r\n\r\n",
		"half a header":   "HTTP/1.1 204 No Con",
		"half a body":     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[",
		"half a chunk":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
		"not gzip":        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",
		"half a 404 body": "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			client := clientFor(t, func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w, raw) })
			links, _, resp, err := client.EnabledConnections(t.Context(), org, 0)
			fault := asError(t, err)
			if fault.Class != Transient || !fault.Sent || links != nil || fault.Status != resp.Status {
				t.Errorf("got %+v, status %d", fault, resp.Status)
			}
		})
	}
}

// The status alone says that these were done, or throttled.
func TestBrokenBodyOfClearStatus(t *testing.T) {
	status := "201 Created"
	client := clientFor(t, func(w http.ResponseWriter, _ *http.Request) {
		hangUp(t, w, "HTTP/1.1 "+status+"\r\nContent-Length: 100\r\n\r\n{")
	})
	link := Link{ConnectionID: connection}
	if _, err := client.EnableConnection(t.Context(), org, link); err != nil {
		t.Error(err)
	}
	status = "429 Too Many Requests"
	_, err := client.EnableConnection(t.Context(), org, link)
	if fault := asError(t, err); fault.Class != RateLimited {
		t.Errorf("got %+v", fault)
	}
}

func TestNothingListens(t *testing.T) {
	server := httptest.NewServer(nil)
	base := mustParse(t, server.URL)
	server.Close()
	resp, err := newClient(t, Config{BaseURL: base}).DisableConnection(t.Context(), org, connection)
	if fault := asError(t, err); fault.Class != Transient || fault.Sent || resp.Status != 0 || resp.Tries != 1 {
		t.Errorf("got %+v, response %+v", fault, resp)
	}
}

func TestUnknownHost(t *testing.T) {
	for _, test := range []struct {
		dns  net.DNSError
		want Class
	}{
		{net.DNSError{Err: "no such host", IsNotFound: true}, Unreachable},
		{net.DNSError{Err: "server misbehaving", IsTemporary: true}, Transient},
	} {
		client := newClient(t, Config{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: &test.dns}
		})})
		_, err := client.DisableConnection(t.Context(), org, connection)
		if fault := asError(t, err); fault.Class != test.want || fault.Sent {
			t.Errorf("%v: got %+v", test.dns, fault)
		}
	}
}

func TestUntrustedCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("was called") }))
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	for name, cred := range map[string]Credentials{"call": {Token: "t"}, "token": clientSecret} {
		_, err := newClient(t, Config{BaseURL: mustParse(t, server.URL), Credentials: cred}).DisableConnection(t.Context(), org, connection)
		if fault := asError(t, err); fault.Class != Unreachable || fault.Sent {
			t.Errorf("%s: got %+v", name, fault)
		}
	}
}

func TestNotTLS(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("was called") }))
	t.Cleanup(server.Close)
	base := mustParse(t, strings.Replace(server.URL, "http:", "https:", 1))
	_, err := newClient(t, Config{BaseURL: base}).DisableConnection(t.Context(), org, connection)
	if fault := asError(t, err); fault.Class != Transient || fault.Sent {
		t.Errorf("got %+v", fault)
	}
}

// overHTTP2 returns a client of a server that speaks HTTP/2 only if asked.
func overHTTP2(t *testing.T, handler http.HandlerFunc) *Client {
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client := newClient(t, Config{BaseURL: mustParse(t, server.URL)})
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client.http.Transport.(*identified).next.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	return client
}

// Once the server has the request, a caller that leaves must learn that it may
// have been obeyed, on both versions of HTTP.
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
			fault := asError(t, err)
			if fault.Class != Transient || !fault.Sent || !errors.Is(err, context.Canceled) || resp.Tries != 1 {
				t.Errorf("got %+v, response %+v", fault, resp)
			}
		})
	}
}

// A server that accepts connections but never shakes hands has seen no request.
func TestCancelledWhileConnecting(t *testing.T) {
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
	if fault := asError(t, err); fault.Class != Transient || fault.Sent || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v", fault)
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, Config{Timeout: 30 * time.Second, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})})
		resp, err := client.DisableConnection(t.Context(), org, connection)
		fault := asError(t, err)
		if fault.Class != Transient || !fault.Sent || resp.Duration != 30*time.Second || !strings.Contains(err.Error(), "no answer in time") {
			t.Errorf("got %+v after %s", fault, resp.Duration)
		}
	})
}

func TestTimeoutWithinBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		io.WriteString(w, "[")
		w.(http.Flusher).Flush()
		<-req.Context().Done()
	}))
	t.Cleanup(server.Close)
	client := newClient(t, Config{BaseURL: mustParse(t, server.URL), Timeout: 50 * time.Millisecond})
	_, _, resp, err := client.EnabledConnections(t.Context(), org, 0)
	if fault := asError(t, err); fault.Class != Transient || !fault.Sent || resp.Status != 200 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v, response %+v", fault, resp)
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
