package simulator

import (
	"net/http"
	"net/url"
	"strings"

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
