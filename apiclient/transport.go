package apiclient

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// identified names the program in every request, the token's too, so that the
// tenant's own log tells who called.
type identified struct {
	next        http.RoundTripper
	userAgent   string
	auth0Client string
}

func newTransport(cfg Config) *identified {
	next := cfg.Transport
	if next == nil {
		next = newNetwork(cfg.MaxConns)
	}
	// A map of strings always encodes.
	client, _ := json.Marshal(map[string]string{"name": "orgconn", "version": cfg.Version})
	return &identified{
		next:        next,
		userAgent:   "orgconn/" + cfg.Version,
		auth0Client: base64.StdEncoding.EncodeToString(client),
	}
}

func (t *identified) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.WithContext(req.Context()) // a copy: a RoundTripper may not change what it is given
	req.Header = maps.Clone(req.Header)
	req.Header.Set("User-Agent", t.userAgent)
	req.Header.Set("Auth0-Client", t.auth0Client)
	return t.next.RoundTrip(req)
}

// CloseIdleConnections lets [http.Client.CloseIdleConnections] pass through.
func (t *identified) CloseIdleConnections() {
	(&http.Client{Transport: t.next}).CloseIdleConnections()
}

func newNetwork(maxConns int) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: maxConns,
		IdleConnTimeout:     90 * time.Second,
		ReadBufferSize:      2 << 10, // answers are small, and there are many connections
		WriteBufferSize:     2 << 10,
		TLSHandshakeTimeout: 10 * time.Second,
		// Without pings, calls on a connection that a firewall has silently
		// dropped would time out one after the other.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// progress notes how far a request came, as told by the transport.
type progress struct {
	waiting   atomic.Bool // for a connection
	connected atomic.Bool
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { p.waiting.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { p.connected.Store(true) },
	}
}

// mayBeSent is false only where the request surely waited for its connection
// until the end. A transport that tells nothing may have sent it.
func (p *progress) mayBeSent() bool {
	return p.connected.Load() || !p.waiting.Load()
}
