package simulator

import (
	"cmp"
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
	family string   // of links: olderFamily or newerFamily; empty for other endpoints
	group  string   // its bucket; Default if it has none
	scopes []string // one of them is enough; empty: no token is needed
	handle func(*Tenant, *call) *response
}

const tokenPath = "/oauth/token"

// routes returns the endpoints by method and path; {} is an id or a name.
func routes() map[string]route {
	table := map[string]route{
		"POST " + tokenPath: {handle: (*Tenant).issueToken},

		"GET /api/v2/organizations": {
			group:  plans.OrganizationsRead,
			scopes: []string{"read:organizations", "read:organizations_summary"},
			handle: (*Tenant).listOrganizations,
		},
		"GET /api/v2/organizations/{}": {
			group:  plans.OrganizationByID,
			scopes: []string{"read:organizations", "read:organizations_summary"},
			handle: (*Tenant).getOrganization,
		},
		"GET /api/v2/organizations/name/{}": {
			group:  plans.OrganizationByName,
			scopes: []string{"read:organizations"},
			handle: (*Tenant).getOrganizationByName,
		},
		"GET /api/v2/connections": {
			group:  plans.ConnectionsRead,
			scopes: []string{"read:connections"},
			handle: (*Tenant).listConnections,
		},
		"GET /api/v2/connections/{}": {
			group:  Default,
			scopes: []string{"read:connections"},
			handle: (*Tenant).getConnection,
		},
		"GET /api/v2/logs": {
			group:  plans.LogsRead,
			scopes: []string{"read:logs"},
			handle: (*Tenant).listLogs,
		},
	}
	for _, family := range []string{olderFamily, newerFamily} {
		path := "/api/v2/organizations/{}/" + family
		table["GET "+path] = linkRoute(family, "read", (*Tenant).listLinks)
		table["POST "+path] = linkRoute(family, "create", (*Tenant).createLink)
		table["GET "+path+"/{}"] = linkRoute(family, "read", (*Tenant).getLink)
		table["PATCH "+path+"/{}"] = linkRoute(family, "update", (*Tenant).updateLink)
		table["DELETE "+path+"/{}"] = linkRoute(family, "delete", (*Tenant).deleteLink)
	}
	return table
}

func linkRoute(family, action string, handle func(*Tenant, *call) *response) route {
	group := plans.OrganizationConnectionsWrite
	if action == "read" {
		group = plans.OrganizationConnectionsRead
	}
	return route{family, group, []string{action + ":organization_connections"}, handle}
}

// parsePath returns the path with {} for its ids, as in routes, and the ids: of
// an organization or a connection (or an organization's name), and of the
// connection that is linked to the organization.
func parsePath(u *url.URL) (pattern, id, connectionID string) {
	segments := strings.Split(u.EscapedPath(), "/") // "", "api", "v2", "organizations", id, ...
	if len(segments) == 6 && segments[4] == "name" {
		id = cutID(segments, 5)
	} else {
		id, connectionID = cutID(segments, 4), cutID(segments, 6)
	}
	return strings.Join(segments, "/"), id, connectionID
}

// cutID replaces segment i, if there is one, by {} and returns it decoded.
func cutID(segments []string, i int) (id string) {
	if i >= len(segments) || segments[i] == "" {
		return ""
	}
	id, _ = url.PathUnescape(segments[i]) // EscapedPath is always a valid encoding
	segments[i] = "{}"
	return id
}

// call is a request on its way through the tenant.
type call struct {
	*http.Request
	body         []byte
	route        route  // the zero route if there is no such endpoint
	id           string // of the organization or connection in the path, or its name
	connectionID string // of the linked connection in the path
	start        time.Time
}

// response is what a call results in, before a transport sends it.
type response struct {
	status      int
	body        []byte
	contentType string // JSON if empty
	truncated   bool   // the connection ends within the response
}

func jsonResponse(status int, value any) *response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // only the package's types come here
	}
	return &response{status: status, body: body}
}

// respond handles a request and sets the response's headers in h. An error
// means that there is no response: the request's context has ended, or the
// connection is to be reset.
func (t *Tenant) respond(r *http.Request, h http.Header) (*response, error) {
	pattern, id, connectionID := parsePath(r.URL)
	c := &call{
		Request: r, route: t.routes[r.Method+" "+pattern],
		id: id, connectionID: connectionID, start: time.Now(),
	}
	resp, err := t.serve(c, h)
	if t.config.RecordCalls {
		t.recordCall(c, resp)
	}
	return resp, err
}

func (t *Tenant) serve(c *call, h http.Header) (*response, error) {
	// Read the body first: only then does net/http notice that a client has
	// gone away, and end the request's context.
	if c.Body != nil {
		var err error
		if c.body, err = io.ReadAll(io.LimitReader(c.Body, 1<<20)); err != nil {
			return nil, fmt.Errorf("read the request's body: %w", err)
		}
	}
	latency := t.latency()
	if err := sleep(c.Context(), latency/2); err != nil {
		return nil, err
	}
	resp, err := t.process(c, h)
	if err != nil {
		return nil, err
	}
	t.setHeaders(c, resp, h)
	if err := sleep(c.Context(), latency-latency/2); err != nil {
		return nil, err
	}
	return resp, nil
}

// process leads the call through the faults, checks and limits to its endpoint.
func (t *Tenant) process(c *call, h http.Header) (*response, error) {
	if resp, err := t.applyFaults(c, AtEdge, nil); resp != nil || err != nil {
		return resp, err
	}
	if refusal := t.admit(c, h); refusal != nil {
		return refusal, nil
	}
	if resp, err := t.applyFaults(c, AtHandler, nil); resp != nil || err != nil {
		return resp, err
	}
	resp := t.handle(c)
	if resp.status >= 400 {
		// Recorded responses of 400, 401 and 404 have no rate-limit headers.
		DropRateLimit(resp.status, h)
	}
	return t.applyFaults(c, AfterEffect, resp)
}

// admit checks endpoint, token, scope and limits, in this order, and returns
// nil or the refusal. A refused call takes no token from any bucket.
func (t *Tenant) admit(c *call, h http.Header) (refusal *response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.route.handle == nil {
		if c.route.scopes = scopesElsewhere(c); c.route.scopes != nil {
			return t.refuseElsewhere(c, h)
		}
		return errorResponse(http.StatusNotFound, "", "Not Found")
	}
	if len(c.route.scopes) == 0 {
		return nil
	}
	if refusal := t.authenticate(c, h); refusal != nil {
		return refusal
	}
	if b := t.limits.admit(c.route.group, time.Now(), h); b != nil {
		return errorResponse(http.StatusTooManyRequests, "too_many_requests", b.message())
	}
	return nil
}

func (t *Tenant) handle(c *call) *response {
	for _, id := range []string{c.id, c.connectionID} {
		if len(id) > 50 {
			return errorResponse(http.StatusBadRequest, "invalid_uri", fmt.Sprintf(
				"Path validation error: 'String is too long (%d chars), maximum 50' on property id.", len(id)))
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	resp := c.route.handle(t, c)
	t.logWrite(c, resp)
	return resp
}

// setHeaders sets the headers that every response has, then applies the header
// faults to all headers.
func (t *Tenant) setHeaders(c *call, resp *response, h http.Header) {
	t.mu.Lock()
	t.requests++
	id := strconv.FormatUint(1<<60|t.requests, 16)
	t.mu.Unlock()
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	if c.URL.Path == tokenPath {
		h.Set("X-Auth0-Requestid", id)
	} else {
		h.Set("Ot-Baggage-Auth0-Request-Id", id)
	}
	h.Set("Cf-Ray", id+"-SIM")
	if len(resp.body) > 0 {
		h.Set("Content-Type", cmp.Or(resp.contentType, "application/json; charset=utf-8"))
	}
	faults, _ := t.triggerFaults(c.Request, beforeSend)
	for _, f := range faults {
		f.Edit(resp.status, h)
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

// sleep waits for d, or returns the context's error if that ends first.
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

// Call is a request that the tenant has received.
type Call struct {
	Method        string
	Path          string    // without the query
	Query         string    // as sent
	CorrelationID string    // of the header X-Correlation-ID
	Bucket        string    // of its group; Default if it has none, empty for the token endpoint
	Status        int       // of the response; 0: none was sent
	Time          time.Time // of its arrival
}

// Calls returns a copy of all calls so far, in the order in which they ended.
// It needs Config.RecordCalls.
func (t *Tenant) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

// Count returns the number of calls so far whose path has the prefix, of one
// method or, if it is empty, of all. It needs Config.RecordCalls.
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

// recordCall keeps a call for Calls; resp is nil if none was sent.
func (t *Tenant) recordCall(c *call, resp *response) {
	record := Call{Method: c.Method, Path: c.URL.Path, Query: c.URL.RawQuery, CorrelationID: c.Header.Get("X-Correlation-ID"), Bucket: c.route.group, Time: c.start}
	if resp != nil {
		record.Status = resp.status
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = append(t.calls, record)
}
