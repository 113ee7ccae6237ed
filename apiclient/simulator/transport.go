package simulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
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
