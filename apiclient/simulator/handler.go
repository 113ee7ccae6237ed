package simulator

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
)

// route is an endpoint.
type route struct {
	group  string   // whose bucket a request draws on
	scopes []string // any of them will do; none: no token is asked for
	handle func(*Tenant, *call) reply
}

// routeKey names an endpoint by what tells it from the others: the method, the
// resource at the end of the path, and the number of path segments.
type routeKey struct {
	method   string
	resource string
	segments int
}

func routes() map[routeKey]route {
	table := map[routeKey]route{
		{"POST", "token", 0}: {handle: (*Tenant).issueToken},

		{"GET", "organizations", 1}: {plans.OrganizationsRead,
			[]string{"read:organizations", "read:organizations_summary"}, (*Tenant).listOrganizations},
		{"GET", "organizations", 2}: {plans.OrganizationByID,
			[]string{"read:organizations", "read:organizations_summary"}, (*Tenant).getOrganization},
		{"GET", "name", 3}: {plans.OrganizationByName,
			[]string{"read:organizations"}, (*Tenant).getOrganizationByName},

		{"GET", "connections", 1}: {plans.ConnectionsRead, []string{"read:connections"}, (*Tenant).listConnections},
		{"GET", "connections", 2}: {Default, []string{"read:connections"}, (*Tenant).getConnection},
	}
	// The two families of an organization's connections, older and newer.
	for _, resource := range []string{"enabled_connections", "connections"} {
		table[routeKey{"GET", resource, 3}] = linkRoute("read", (*Tenant).listLinks)
		table[routeKey{"POST", resource, 3}] = linkRoute("create", (*Tenant).createLink)
		table[routeKey{"GET", resource, 4}] = linkRoute("read", (*Tenant).getLink)
		table[routeKey{"PATCH", resource, 4}] = linkRoute("update", (*Tenant).updateLink)
		table[routeKey{"DELETE", resource, 4}] = linkRoute("delete", (*Tenant).deleteLink)
	}
	return table
}

func linkRoute(action string, handle func(*Tenant, *call) reply) route {
	group := plans.OrganizationConnectionsWrite
	if action == "read" {
		group = plans.OrganizationConnectionsRead
	}
	return route{group, []string{action + ":organization_connections"}, handle}
}

// locate finds the endpoint of a request and what its path names: an
// organization or connection, and for a link the connection too.
func locate(r *http.Request) (key routeKey, id, linked string) {
	key.method = r.Method
	if r.URL.Path == "/oauth/token" {
		key.resource = "token"
		return key, "", ""
	}
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/api/v2/")
	if !ok {
		return key, "", ""
	}
	var segments [5]string
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "" || key.segments == len(segments) {
			return routeKey{}, "", "" // no endpoint's path
		}
		// EscapedPath is always a valid encoding.
		segments[key.segments], _ = url.PathUnescape(segment)
		key.segments++
	}
	switch {
	case key.segments <= 2:
		key.resource = segments[0]
		return key, segments[1], ""
	case segments[0] != "organizations":
		return routeKey{}, "", ""
	case key.segments == 3 && segments[1] == "name":
		key.resource = "name"
		return key, segments[2], ""
	}
	key.resource = segments[2]
	return key, segments[1], segments[3]
}

// call is a request on its way through the tenant.
type call struct {
	*http.Request
	body   []byte
	route  route
	family string // the resource in the path: tells the two families of links apart
	id     string // of the organization or connection in the path, or a name
	linked string // of the connection in an organization's path
	start  time.Time
}

// reply is an answer, before it is put on the wire or into an http.Response.
type reply struct {
	status      int
	body        []byte
	contentType string // JSON where empty
	truncated   bool   // the connection ends within the answer
}

func jsonReply(status int, value any) reply {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // only the package's own types come here
	}
	return reply{status: status, body: body}
}

// answer handles a request and writes the answer's headers to h. An error
// means that the caller gets no answer: its context ended, or the connection
// is to be reset.
func (t *Tenant) answer(r *http.Request, h http.Header) (reply, error) {
	c := &call{Request: r, start: time.Now()}
	rep, err := t.serve(c, h)
	if t.config.RecordCalls {
		t.record(c, rep, err)
	}
	return rep, err
}

func (t *Tenant) serve(c *call, h http.Header) (reply, error) {
	var key routeKey
	key, c.id, c.linked = locate(c.Request)
	c.route, c.family = t.routes[key], key.resource
	// The body is read first: net/http notices that a client has gone away,
	// and ends the request's context, only after that.
	if c.Body != nil {
		var err error
		if c.body, err = io.ReadAll(io.LimitReader(c.Body, 1<<20)); err != nil {
			return reply{}, fmt.Errorf("read the request's body: %w", err)
		}
	}
	latency := t.latency()
	if err := sleep(c.Context(), latency/2); err != nil {
		return reply{}, err
	}
	rep, err := t.process(c, h)
	if err != nil {
		return reply{}, err
	}
	t.stamp(c, rep, h)
	return rep, sleep(c.Context(), latency-latency/2)
}

// process takes the call past the faults, the checks and the limits to the
// endpoint.
func (t *Tenant) process(c *call, h http.Header) (reply, error) {
	if rep, over, err := t.strike(c, AtEdge, reply{}); over || err != nil {
		return rep, err
	}
	if rep, refused := t.admit(c, h); refused {
		return rep, nil
	}
	if rep, over, err := t.strike(c, AtHandler, reply{}); over || err != nil {
		return rep, err
	}
	rep := t.effect(c)
	if rep.status >= 400 {
		// Recorded answers with 400, 401 and 404 have no such headers.
		DropRateLimit(rep.status, h)
	}
	rep, _, err := t.strike(c, AfterEffect, rep)
	return rep, err
}

// admit checks endpoint, token, scope and limits, in this order. A refused
// request takes no token from any bucket.
func (t *Tenant) admit(c *call, h http.Header) (rep reply, refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.route.handle == nil {
		return problem(http.StatusNotFound, "", "Not Found"), true
	}
	if len(c.route.scopes) == 0 {
		return reply{}, false
	}
	if rep, refused = t.authenticate(c, h); refused {
		return rep, true
	}
	if b := t.limits.admit(c.route.group, time.Now(), h); b != nil {
		return problem(http.StatusTooManyRequests, "too_many_requests", b.refusal()), true
	}
	return reply{}, false
}

func (t *Tenant) effect(c *call) reply {
	for _, id := range []string{c.id, c.linked} {
		if len(id) > 50 {
			return problem(http.StatusBadRequest, "invalid_uri", fmt.Sprintf(
				"Path validation error: 'String is too long (%d chars), maximum 50' on property id.", len(id)))
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return c.route.handle(t, c)
}

// stamp adds the headers that every answer has, then lets header faults at all
// of them.
func (t *Tenant) stamp(c *call, rep reply, h http.Header) {
	t.mu.Lock()
	t.requests++
	n := t.requests
	t.mu.Unlock()
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	id := strconv.FormatUint(1<<60|n, 16)
	if c.family == "token" {
		h.Set("X-Auth0-Requestid", id)
	} else {
		h.Set("Ot-Baggage-Auth0-Request-Id", id)
	}
	h.Set("Cf-Ray", id+"-SIM")
	if len(rep.body) > 0 {
		contentType := rep.contentType
		if contentType == "" {
			contentType = "application/json; charset=utf-8"
		}
		h.Set("Content-Type", contentType)
	}
	for _, f := range t.due(c.Request, whenSent) {
		f.Edit(rep.status, h)
	}
}

func (t *Tenant) latency() time.Duration {
	if t.config.LatencyOf == nil {
		return t.config.Latency
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.config.LatencyOf(t.random)
}

// sleep waits, unless the context ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

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
