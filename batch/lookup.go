package batch

import (
	"context"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/list"
)

// organization finds an organization by its id or its name; the zero one where
// there is none.
func (r *reading) organization(name string) (apiclient.Organization, *reply) {
	if !list.IsOrganizationID(name) {
		return r.organizationNamed(name)
	}
	return orNone(ask(r.byID, func(ctx context.Context) (apiclient.Organization, *apiclient.Response, error) {
		return r.api.Organization(ctx, name)
	}))
}

// organizationNamed finds an organization by its name; the zero one where there
// is none.
func (r *reading) organizationNamed(name string) (apiclient.Organization, *reply) {
	org, reply := orNone(ask(r.byName, func(ctx context.Context) (apiclient.Organization, *apiclient.Response, error) {
		return r.api.OrganizationByName(ctx, name)
	}))
	if org.Name != name {
		org = apiclient.Organization{}
	}
	return org, reply
}

// connectionNamed finds the id of the connection of a name; "" where there is
// none.
func (r *reading) connectionNamed(name string) (id string, _ *reply) {
	get := func(ctx context.Context, cursor string) ([]apiclient.Connection, string, *apiclient.Response, error) {
		return r.api.Connections(ctx, name, cursor)
	}
	reply := readPages(r.connections, get, connectionID, func(page []apiclient.Connection) bool {
		for _, c := range page {
			if c.Name == name { // a filter may be ignored
				id = c.ID
			}
		}
		return id == ""
	})
	return id, reply
}

func connectionID(c apiclient.Connection) string { return c.ID }

// orNone takes the answer that there is no such thing for an answer. A name that
// the tenant does not even look for is none either.
func orNone[T any](found T, r *reply) (T, *reply) {
	if class := r.class(); class == apiclient.NotFound || class == apiclient.Refused {
		var none T
		return none, &reply{resp: r.resp}
	}
	return found, r
}
