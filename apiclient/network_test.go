package apiclient

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log"

	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/elliptic"
	"math/big"
)

func TestRefusedConnectionIsTransient(t *testing.T) {
	server := httptest.NewServer(nil)
	base := mustParse(t, server.URL)
	server.Close()
	resp, err := newClient(t, Config{BaseURL: base}).DisableConnection(t.Context(), org, connection)
	if apiErr := asError(t, err); apiErr.Class != Transient || apiErr.Sent || resp.Status != 0 || !resp.Tried {
		t.Errorf("got %+v, response %+v", apiErr, resp)
	}
}

func TestUnknownHostIsUnreachable(t *testing.T) {
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
		if apiErr := asError(t, err); apiErr.Class != test.want || apiErr.Sent {
			t.Errorf("%v: got %+v", test.dns, apiErr)
		}
	}
}

func TestUntrustedCertificateIsUnreachable(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("was called") }))
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	for name, cred := range map[string]Credentials{"call": {Token: "t"}, "token": clientSecret} {
		_, err := newClient(t, Config{BaseURL: mustParse(t, server.URL), Credentials: cred}).DisableConnection(t.Context(), org, connection)
		if apiErr := asError(t, err); apiErr.Class != Unreachable || apiErr.Sent {
			t.Errorf("%s: got %+v", name, apiErr)
		}
	}
}

func TestServerWithoutTLSIsTransient(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("was called") }))
	t.Cleanup(server.Close)
	base := mustParse(t, strings.Replace(server.URL, "http:", "https:", 1))
	_, err := newClient(t, Config{BaseURL: base}).DisableConnection(t.Context(), org, connection)
	if apiErr := asError(t, err); apiErr.Class != Transient || apiErr.Sent {
		t.Errorf("got %+v", apiErr)
	}
}

// through returns a client that reaches its tenant through a proxy, which answers
// each CONNECT with answer, in which AUTH stands for what the client sent.
func through(t *testing.T, userinfo, answer string) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				io.WriteString(conn, strings.ReplaceAll(answer, "AUTH", req.Header.Get("Proxy-Authorization")))
			}
			conn.Close()
		}
	}()
	client := newClient(t, Config{})
	proxy := mustParse(t, "http://"+userinfo+listener.Addr().String())
	client.redact.add(proxySecrets(proxy)...)
	client.transport = newNetwork(1, proxy)
	return client
}

// What a proxy refuses is told as the proxy's, and its password is not shown.
func TestProxysAnswerIsTheProxys(t *testing.T) {
	for answer, want := range map[string]struct {
		class Class
		cause Cause
		text  string
	}{
		"407 AUTH": {ProxyRefused, ProxyPassword, "answered 407 Proxy Authentication Required"},
		"403 AUTH": {Unreachable, ProxyForbids, "answered 403 Forbidden"},
		"502 AUTH": {Transient, ProxyFault, "answered 502 Bad Gateway"},
		"429 AUTH": {Transient, ProxyFault, "answered 429 Too Many Requests"},
	} {
		client := through(t, "user:topsecret@", "HTTP/1.1 "+answer+"\r\nContent-Length: 0\r\n\r\n")
		_, err := client.DisableConnection(t.Context(), org, connection)
		apiErr := asError(t, err)
		if apiErr.Class != want.class || apiErr.Cause != want.cause || apiErr.Sent || apiErr.Status != 0 {
			t.Errorf("%s: got %+v", answer, apiErr)
		}
		if text := formats(apiErr); !strings.Contains(text, "the proxy 127.0.0.1:") || !strings.Contains(text, want.text) ||
			strings.Contains(text, "topsecret") || strings.Contains(text, "dXNlcjp0b3BzZWNyZXQ") {
			t.Errorf("%s: got %s", answer, text)
		}
	}
	client := through(t, "user:topsecret@", "AUTH\r\n\r\n")
	_, err := client.DisableConnection(t.Context(), org, connection)
	if text := formats(asError(t, err)); !strings.Contains(text, "malformed HTTP") || strings.Contains(text, "dXNlcjp0b3BzZWNyZXQ") {
		t.Errorf("got %s", text)
	}
}

// A proxy that cannot be reached is not mistaken for the tenant.
func TestProxyOut(t *testing.T) {
	client := newClient(t, Config{})
	client.transport = newNetwork(1, mustParse(t, "http://127.0.0.1:1"))
	_, err := client.DisableConnection(t.Context(), org, connection)
	if apiErr := asError(t, err); apiErr.Class != Transient || apiErr.Cause != ProxyOut || apiErr.Sent {
		t.Errorf("got %+v", apiErr)
	}
}

// Each fault of a certificate has its own cause.
func TestCertificateCauses(t *testing.T) {
	good := serving(t, x509.Certificate{DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)})
	for name, test := range map[string]struct {
		server  *httptest.Server
		host    string
		trusted bool
		file    string
		want    Cause
	}{
		"untrusted":          {good, "localhost", false, "", UntrustedIssuer},
		"trust file is gone": {good, "localhost", false, filepath.Join(t.TempDir(), "gone.pem"), MissingTrustFile},
		"another host":       {good, "127.0.0.1", true, "", OtherHostsCertificate},
		"expired":            {serving(t, x509.Certificate{DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(-time.Hour)}), "localhost", true, "", ExpiredCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SSL_CERT_FILE", test.file)
			base := mustParse(t, strings.Replace(test.server.URL, "127.0.0.1", test.host, 1))
			client := newClient(t, Config{BaseURL: base, Credentials: clientSecret})
			roots := x509.NewCertPool()
			if test.trusted {
				roots.AddCert(test.server.Certificate())
			}
			client.transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
			_, err := client.DisableConnection(t.Context(), org, connection)
			if apiErr := asError(t, err); apiErr.Class != Unreachable || apiErr.Cause != test.want {
				t.Errorf("got %+v", apiErr)
			}
		})
	}
}

// serving serves with a certificate that signs itself.
func serving(t *testing.T, cert x509.Certificate) *httptest.Server {
	t.Helper()
	key := ecKey(t, elliptic.P256())
	cert.SerialNumber, cert.NotBefore = big.NewInt(1), time.Now().Add(-2*time.Hour)
	cert.Subject = pkix.Name{CommonName: "test"}
	cert.BasicConstraintsValid, cert.IsCA = true, true
	der, err := x509.CreateCertificate(rand.Reader, &cert, &cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// The headers of an answer take a bounded amount of memory.
func TestHeaderSizeIsLimited(t *testing.T) {
	for size, class := range map[int]Class{maxHeaderBytes / 2: Refused, 2 * maxHeaderBytes: Transient} {
		for name, start := range map[string]func(*testing.T, http.HandlerFunc) *Client{
			"HTTP/1.1": func(t *testing.T, h http.HandlerFunc) *Client { return clientFor(t, h) },
			"HTTP/2.0": overHTTP2,
		} {
			client := start(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-Padding", strings.Repeat("x", size))
				w.WriteHeader(400)
			})
			_, err := client.DisableConnection(t.Context(), org, connection)
			if apiErr := asError(t, err); apiErr.Class != class {
				t.Errorf("%s, headers of %d bytes: got %+v", name, size, apiErr)
			}
		}
	}
}
