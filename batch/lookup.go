package batch

import (
	"context"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/list"
)

// organization finds an organization by its id or its name; the zero one where
// there is none.
func (r *reading) organization(name string) (apiclient.Named, *reply) {
	if !list.IsOrganizationID(name) {
		return r.organizationNamed(name)
	}
	return orNone(ask(r.byID, func(ctx context.Context) (apiclient.Named, *apiclient.Response, error) {
		return r.api.Organization(ctx, name)
	}))
}

// organizationNamed finds an organization by its name; the zero one where there
// is none.
func (r *reading) organizationNamed(name string) (apiclient.Named, *reply) {
	org, reply := orNone(ask(r.byName, func(ctx context.Context) (apiclient.Named, *apiclient.Response, error) {
		return r.api.OrganizationByName(ctx, name)
	}))
	if org.Name != name {
		org = apiclient.Named{}
	}
	return org, reply
}

// connectionNamed finds a connection by its name; the zero one where there is
// none.
func (r *reading) connectionNamed(name string) (found apiclient.Named, _ *reply) {
	get := func(ctx context.Context, cursor string) ([]apiclient.Named, string, *apiclient.Response, error) {
		return r.api.Connections(ctx, name, cursor)
	}
	reply := readPages(r.connections, get, func(page []apiclient.Named) bool {
		for _, c := range page {
			if c.Name == name { // a filter may be ignored
				found = c
			}
		}
		return found.ID == ""
	})
	return found, reply
}

// orNone takes the answer that there is no such thing for an answer. A name that
// the tenant does not even look for is none either.
func orNone(found apiclient.Named, r *reply) (apiclient.Named, *reply) {
	if class := r.class(); class == apiclient.NotFound || class == apiclient.Refused {
		return apiclient.Named{}, &reply{resp: r.resp}
	}
	return found, r
}
