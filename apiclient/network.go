package apiclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// maxHeaderBytes limits the headers of an answer. Auth0 sends about 2 KiB.
const maxHeaderBytes = 64 << 10

// newNetwork returns the network. A proxy is used for every call; nil is none.
func newNetwork(maxConns int, proxy *url.URL) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyURL(proxy),
		OnProxyConnectResponse: checkProxyAnswer,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    maxConns,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         2 << 10, // answers are small, and there are many connections
		WriteBufferSize:        2 << 10,
		TLSHandshakeTimeout:    10 * time.Second,
		// Without pings, every call on a connection that a firewall has silently
		// dropped would wait for its timeout.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// proxyError is a proxy's refusal to connect to the tenant.
type proxyError struct {
	proxy  string // host and port
	status int
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy %s answered %d %s", e.proxy, e.status, http.StatusText(e.status))
}

// checkProxyAnswer returns a *proxyError unless the proxy has connected to the tenant.
func checkProxyAnswer(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyError{proxy: proxy.Host, status: answer.StatusCode}
}

// proxySecrets returns what must not be shown of a proxy's address.
func proxySecrets(proxy *url.URL) []string {
	if proxy == nil || proxy.User == nil {
		return nil
	}
	password, _ := proxy.User.Password()
	basic := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
	return []string{password, proxy.User.String(), basic}
}

// transportError classifies a call that got no complete answer. If ctx, the
// caller's own, has ended, the error wraps the context's. Of any other error it
// keeps the text only, without secrets.
func (r *redactor) transportError(ctx context.Context, step string, err error, sent bool) *Error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the URL adds nothing to the step
	}
	text := r.line(err.Error())
	apiErr := &Error{Class: Transient, Sent: sent, Err: errors.New(text), step: step}
	if ctx.Err() != nil {
		apiErr.Err = ctx.Err()
		return apiErr
	}
	if errors.Is(err, context.DeadlineExceeded) {
		apiErr.Err = &timeoutError{text}
	}
	var unreachable bool
	apiErr.Cause, unreachable = networkCause(err)
	proxy, ofProxy := errors.AsType[*proxyError](err)
	switch {
	case ofProxy && proxy.status == http.StatusProxyAuthRequired:
		apiErr.Class, apiErr.Sent = ProxyRefused, false
	case unreachable:
		apiErr.Class, apiErr.Sent = Unreachable, false
	case ofProxy, isDialError(err):
		apiErr.Sent = false
	}
	return apiErr
}

// timeoutError is the error of a call whose time was over.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string { return "no answer in time: " + e.text }

func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

// networkCause returns why a call got no answer, as far as that is known, and
// whether a repetition would most likely fail in the same way.
func networkCause(err error) (cause Cause, lasting bool) {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	if untrusted {
		return certificateCause(err), true
	}
	dns, unresolved := errors.AsType[*net.DNSError](err)
	unknown := unresolved && dns.IsNotFound
	proxy, refused := errors.AsType[*proxyError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	switch {
	case refused && proxy.status == http.StatusProxyAuthRequired:
		return ProxyPassword, true
	case refused && isRefusal(proxy.status):
		return ProxyForbids, true
	case refused, isOp && op.Op == "socks connect":
		return ProxyFault, false
	case isOp && op.Op == "proxyconnect":
		return ProxyOut, unknown
	case unknown:
		return UnknownHost, true
	}
	return 0, false
}

// certificateCause returns what is wrong with the server's certificate.
func certificateCause(err error) Cause {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return OtherHostsCertificate
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return ExpiredCertificate
	}
	// crypto/x509 silently skips a file that it cannot find.
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		if _, err := os.ReadFile(file); err != nil {
			return MissingTrustFile
		}
	}
	return UntrustedIssuer
}

func isDialError(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
