package simulator

import (
	"io"
	"net"
	"net/http"
	"strconv"
)

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
