package simulator

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// Transport returns a transport that sends every request to the tenant,
// whatever its host, without sockets and goroutines. RoundTrip runs in the
// caller's goroutine and ends each wait when the request's context ends. A reset
// is an error that [errors.Is] finds to be [syscall.ECONNRESET].
func (t *Tenant) Transport() http.RoundTripper { return transport{t} }

type transport struct{ tenant *Tenant }

func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	h := make(http.Header, 8)
	resp, err := tr.tenant.respond(r, h)
	switch {
	case err != nil:
		return nil, err
	case resp.truncated && len(resp.body) == 0:
		return nil, io.ErrUnexpectedEOF
	}
	var body io.Reader = bytes.NewReader(resp.body)
	if resp.truncated {
		body = io.MultiReader(bytes.NewReader(resp.body[:len(resp.body)/2]), truncation{})
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", resp.status, statusText(resp.status)),
		StatusCode: resp.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        h,
		Body:          io.NopCloser(body),
		ContentLength: int64(len(resp.body)),
		Request:       r,
	}, nil
}

// truncation is the end of a truncated body.
type truncation struct{}

func (truncation) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// ServeHTTP serves the tenant over a socket. Serve it over HTTP/1.1: its faults
// break the connection, and in HTTP/2 a reset ends only the stream.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resp, err := t.respond(r, w.Header())
	switch {
	case err != nil:
		reset(w)
	case resp.truncated && len(resp.body) == 0:
		truncateHeader(w)
	case resp.truncated:
		truncateBody(w, resp)
	default:
		w.WriteHeader(resp.status)
		w.Write(resp.body)
	}
}

// reset closes the connection so that the client sees a reset, not an end.
func reset(w http.ResponseWriter) {
	conn := hijack(w)
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

// truncateHeader closes the connection within the header.
func truncateHeader(w http.ResponseWriter) {
	conn := hijack(w)
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 200 OK\r\nDate: ")
}

// truncateBody closes the connection half-way through the body.
func truncateBody(w http.ResponseWriter, resp *response) {
	w.Header().Set("Content-Length", strconv.Itoa(len(resp.body)))
	w.WriteHeader(resp.status)
	w.Write(resp.body[:len(resp.body)/2])
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// hijack takes the connection over from net/http. If it cannot, it makes
// net/http abort the request.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn
}
