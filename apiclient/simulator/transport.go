package simulator

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// Transport returns a transport whose requests go to the tenant whatever their
// host, without sockets and goroutines. A request is answered in the caller's
// goroutine; the end of its context is honoured at every wait. A reset is an
// error that [errors.Is] finds to be [syscall.ECONNRESET].
func (t *Tenant) Transport() http.RoundTripper { return transport{t} }

type transport struct{ tenant *Tenant }

func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	h := make(http.Header, 8)
	rep, err := tr.tenant.answer(r, h)
	switch {
	case err != nil:
		return nil, err
	case rep.truncated && len(rep.body) == 0:
		return nil, io.ErrUnexpectedEOF
	}
	var body io.Reader = bytes.NewReader(rep.body)
	if rep.truncated {
		body = io.MultiReader(bytes.NewReader(rep.body[:len(rep.body)/2]), broken{})
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", rep.status, statusText(rep.status)),
		StatusCode: rep.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        h,
		Body:          io.NopCloser(body),
		ContentLength: int64(len(rep.body)),
		Request:       r,
	}, nil
}

// broken is the end of a body that is not whole.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// ServeHTTP serves the tenant over a socket. Faults act on the connection, so
// HTTP/1.1 shows them best; over HTTP/2 a reset ends the stream only.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rep, err := t.answer(r, w.Header())
	switch {
	case err != nil:
		reset(w)
	case rep.truncated && len(rep.body) == 0:
		cutHead(w)
	case rep.truncated:
		cutBody(w, rep)
	default:
		w.WriteHeader(rep.status)
		w.Write(rep.body)
	}
}

// reset closes the connection such that the client sees a reset, not an end.
func reset(w http.ResponseWriter) {
	conn := hijack(w)
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
}

// cutHead ends the connection within the header.
func cutHead(w http.ResponseWriter) {
	conn := hijack(w)
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 200 OK\r\nDate: ")
}

// cutBody ends the connection half-way through the body.
func cutBody(w http.ResponseWriter, rep reply) {
	w.Header().Set("Content-Length", strconv.Itoa(len(rep.body)))
	w.WriteHeader(rep.status)
	w.Write(rep.body[:len(rep.body)/2])
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// hijack takes over the connection. Where that is not possible the server has
// to abort the request by itself.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn
}
