package apiclient

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Organization is one of the tenant's organizations.
type Organization struct {
	ID   string `json:"id"`
	Name string `json:"name"` // not the display name
}

// Connection is one of the tenant's connections.
type Connection struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Strategy string `json:"strategy"`
}

func (o Organization) usable() bool { return o.ID != "" }
func (c Connection) usable() bool   { return c.ID != "" }

// Organizations lists a page of the tenant's organizations, of up to 100. Cursor
// is empty for the first page, and for another what the page before it returned
// as next, which is empty after the last one. A tenant that ignores paging may
// send a page again: that is for the caller to notice.
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) Organizations(ctx context.Context, cursor string) (orgs []Organization, next string, resp *Response, err error) {
	if cursor == "" {
		cursor = firstCheckpoint
	}
	var page listed[Organization]
	resp, err = c.do(ctx, request{
		step:   "list organizations",
		method: http.MethodGet,
		path:   "organizations",
		query:  cursor,
		scope:  "read:organizations",
		accept: page.accept("organizations", cursor, Organization.usable),
	})
	return page.items, page.next, resp, err
}

// OrganizationCount asks how many organizations the tenant has; 0 where it does
// not tell.
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) OrganizationCount(ctx context.Context) (n int, resp *Response, err error) {
	resp, err = c.do(ctx, request{
		step:   "count organizations",
		method: http.MethodGet,
		path:   "organizations",
		query:  "per_page=1&page=0&include_totals=true",
		scope:  "read:organizations",
		accept: func(_ int, body []byte) error {
			var answer struct{ Total int }
			_ = json.Unmarshal(body, &answer) // a bare list has no total
			n = max(answer.Total, 0)
			return nil
		},
	})
	return n, resp, err
}

// Organization gets an organization by its id. Where there is none, the error's
// class is [NotFound].
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) Organization(ctx context.Context, id string) (Organization, *Response, error) {
	const step = "get organization"
	if fault := checkIDs(step, id); fault != nil {
		return Organization{}, new(Response), fault
	}
	return c.organization(ctx, step, url.PathEscape(id))
}

// OrganizationByName gets an organization by its name; which name the answer has
// is for the caller to compare. Where there is none, the error's class is
// [NotFound].
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) OrganizationByName(ctx context.Context, name string) (Organization, *Response, error) {
	const step = "get organization by name"
	if strings.Trim(name, ".") == "" { // a path may not end in dots: it would be another one
		return Organization{}, new(Response), &Error{Class: Refused, Err: fmt.Errorf("%q is no name", excerpt(name)), step: step}
	}
	return c.organization(ctx, step, "name/"+url.PathEscape(name))
}

func (c *Client) organization(ctx context.Context, step, path string) (org Organization, resp *Response, err error) {
	resp, err = c.do(ctx, request{
		step:   step,
		method: http.MethodGet,
		path:   "organizations/" + path,
		scope:  "read:organizations",
		accept: func(status int, body []byte) error {
			if status != http.StatusOK || json.Unmarshal(body, &org) != nil || !org.usable() {
				return errUnexpected
			}
			return nil
		},
	})
	return org, resp, err
}

// Connections lists a page of the tenant's connections, of up to 100, as
// Organizations does. A name that is not empty asks for the connection of that
// name only; a tenant that does not filter sends others too, so the caller has
// to compare. No options are asked for: they hold secrets.
//
// It needs the scope read:connections. The error is an [*Error].
func (c *Client) Connections(ctx context.Context, name, cursor string) (connections []Connection, next string, resp *Response, err error) {
	query := "fields=id,name,strategy&include_fields=true"
	switch {
	case cursor != "":
	case name != "": // one item, so no checkpoints are needed
		cursor = firstOffset
	default:
		cursor = firstCheckpoint
	}
	if name != "" {
		query += "&name=" + url.QueryEscape(name)
	}
	var page listed[Connection]
	resp, err = c.do(ctx, request{
		step:   "list connections",
		method: http.MethodGet,
		path:   "connections",
		query:  query + "&" + cursor,
		scope:  "read:connections",
		accept: page.accept("connections", cursor, Connection.usable),
	})
	return page.items, page.next, resp, err
}
