package simulator

import (
	"slices"
	"strings"
	"time"
)

// Call is a request that the tenant has seen.
type Call struct {
	Method string
	Path   string    // without the query
	Query  string    // as sent
	Bucket string    // of its group; Default where it has none, empty for the token endpoint
	Status int       // of the answer; 0: none was given
	Time   time.Time // of its arrival
}

// Calls returns a copy of all calls so far, in the order in which they ended.
// It needs Config.RecordCalls.
func (t *Tenant) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

// Count counts the calls so far of a method, any where it is empty, whose path
// has the prefix. It needs Config.RecordCalls.
func (t *Tenant) Count(method, pathPrefix string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, c := range t.calls {
		if (method == "" || c.Method == method) && strings.HasPrefix(c.Path, pathPrefix) {
			n++
		}
	}
	return n
}

func (t *Tenant) record(c *call, rep reply, err error) {
	entry := Call{c.Method, c.URL.Path, c.URL.RawQuery, c.route.group, rep.status, c.start}
	if err != nil {
		entry.Status = 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = append(t.calls, entry)
}
