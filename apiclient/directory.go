package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Named is an organization or a connection of the tenant, with its name (not its
// display name).
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Organizations lists one page of the tenant's organizations, up to 100. An empty
// cursor asks for the first page; next is the cursor of the page after it, empty
// after the last one. A tenant that ignores paging may send the same page again;
// the caller has to notice that.
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) Organizations(ctx context.Context, cursor string) (orgs []Named, next string, resp *Response, err error) {
	if cursor == "" {
		cursor = firstCheckpoint
	}
	var page listPage
	resp, err = c.do(ctx, request{
		step:   "list organizations",
		method: http.MethodGet,
		path:   "organizations",
		query:  cursor,
		scope:  "read:organizations",
		limit:  maxDirectoryBytes,
		accept: page.accept("organizations", cursor),
	})
	return page.items, page.next, resp, err
}

// OrganizationCount returns how many organizations the tenant has, or 0 if the
// tenant does not say.
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) OrganizationCount(ctx context.Context) (int, *Response, error) {
	return c.count(ctx, request{step: "count organizations", path: "organizations", scope: "read:organizations"})
}

// ConnectionCount returns how many connections the tenant has, or 0 if the tenant
// does not say.
//
// It needs the scope read:connections. The error is an [*Error].
func (c *Client) ConnectionCount(ctx context.Context) (int, *Response, error) {
	return c.count(ctx, request{step: "count connections", path: "connections", query: connectionFields + "&", scope: "read:connections"})
}

// count asks for a page of one item, which comes with the list's total.
func (c *Client) count(ctx context.Context, r request) (n int, resp *Response, err error) {
	r.method = http.MethodGet
	r.limit = maxDirectoryBytes // paging may be ignored
	r.query += "per_page=1&page=0&include_totals=true"
	r.accept = func(_ int, body []byte) error {
		var answer struct{ Total int }
		_ = json.Unmarshal(body, &answer) // a bare list has no total
		n = max(answer.Total, 0)
		return nil
	}
	resp, err = c.do(ctx, r)
	return n, resp, err
}

// Organization returns the organization with this id. If there is none, the
// error's class is [NotFound].
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) Organization(ctx context.Context, id string) (Named, *Response, error) {
	const step = "get organization"
	if apiErr := checkIDs(step, id); apiErr != nil {
		return Named{}, new(Response), apiErr
	}
	return c.organization(ctx, step, url.PathEscape(id), func(org Named) bool { return org.ID == id })
}

// OrganizationByName returns the organization that the tenant has under this
// name; the caller has to compare the name in the answer. If there is none, the
// error's class is [NotFound].
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) OrganizationByName(ctx context.Context, name string) (Named, *Response, error) {
	const step = "get organization by name"
	// A last segment of dots only would be resolved to another path.
	if strings.Trim(name, ".") == "" {
		return Named{}, new(Response), &Error{Class: Refused, Err: fmt.Errorf("%q is no name", excerpt(name)), step: step}
	}
	return c.organization(ctx, step, "name/"+url.PathEscape(name), func(org Named) bool { return org.ID != "" })
}

// organization returns an organization, if it is one that was asked for.
func (c *Client) organization(ctx context.Context, step, path string, asked func(Named) bool) (org Named, resp *Response, err error) {
	resp, err = c.do(ctx, request{
		step:   step,
		method: http.MethodGet,
		path:   "organizations/" + path,
		scope:  "read:organizations",
		accept: func(status int, body []byte) error {
			if status != http.StatusOK || json.Unmarshal(body, &org) != nil || !asked(org) {
				return errUnexpected
			}
			return nil
		},
	})
	return org, resp, err
}

// connectionFields leaves out a connection's options, because they hold secrets.
const connectionFields = "fields=id,name,strategy&include_fields=true"

// Connection returns the connection with this id. If there is none, the error's
// class is [NotFound].
//
// It needs the scope read:connections. The error is an [*Error].
func (c *Client) Connection(ctx context.Context, id string) (found Named, resp *Response, err error) {
	const step = "get connection"
	if apiErr := checkIDs(step, id); apiErr != nil {
		return found, new(Response), apiErr
	}
	resp, err = c.do(ctx, request{
		step:   step,
		method: http.MethodGet,
		path:   "connections/" + url.PathEscape(id),
		query:  connectionFields,
		scope:  "read:connections",
		accept: func(status int, body []byte) error {
			if status != http.StatusOK || json.Unmarshal(body, &found) != nil || found.ID != id {
				return errUnexpected
			}
			return nil
		},
	})
	return found, resp, err
}

// Connections lists one page of the tenant's connections, up to 100, and pages as
// [Client.Organizations] does. If name is not empty, it asks for the connection
// of that name only. A tenant may ignore that filter and send others too, so the
// caller has to compare the names.
//
// It needs the scope read:connections. The error is an [*Error].
func (c *Client) Connections(ctx context.Context, name, cursor string) (connections []Named, next string, resp *Response, err error) {
	query, limit := connectionFields, int64(maxDirectoryBytes)
	switch {
	case cursor != "":
	case name != "": // one item needs no checkpoints
		cursor = firstOffset
	default:
		cursor = firstCheckpoint
	}
	if name != "" {
		query += "&name=" + url.QueryEscape(name)
		limit = maxBytes // names are asked for at the same time
	}
	var page listPage
	resp, err = c.do(ctx, request{
		step:   "list connections",
		method: http.MethodGet,
		path:   "connections",
		query:  query + "&" + cursor,
		scope:  "read:connections",
		limit:  limit,
		accept: page.accept("connections", cursor),
	})
	return page.items, page.next, resp, err
}

// A cursor is the paging part of a query. The first one asks for checkpoint
// paging, because offset paging ends after 1000 items. If the tenant ignores
// that, the next cursors are offsets.
const (
	firstCheckpoint = "take=100"
	firstOffset     = "per_page=100&page=0"
)

// IsNumbered reports whether a cursor asks for a page by its number. What such a page
// has depends on all items before it, and so on what is deleted meanwhile.
func IsNumbered(cursor string) bool { return strings.HasPrefix(cursor, "per_page=") }

// listPage is one page of a list.
type listPage struct {
	items []Named
	next  string // the cursor of the next page; "" after the last one
}

// accept decodes the page that cursor asked for. key is where the list is if it
// comes inside an object.
func (p *listPage) accept(key, cursor string) func(int, []byte) error {
	return func(status int, body []byte) error {
		if status != http.StatusOK {
			return errUnexpected
		}
		list, envelope, err := findList(body, key)
		if err != nil {
			return err
		}
		var items []Named
		if json.Unmarshal(list, &items) != nil || slices.ContainsFunc(items, func(n Named) bool { return n.ID == "" }) {
			return errUnexpected
		}
		if p.next, err = nextCursor(cursor, envelope, len(items)); err == nil {
			p.items = items
		}
		return err
	}
}

// findList finds the list in a body. The body is either the list itself or an
// object, the envelope, that has the list under exactly one of the keys.
func findList(body []byte, keys ...string) (list json.RawMessage, envelope map[string]json.RawMessage, err error) {
	list = bytes.TrimSpace(body)
	if bytes.HasPrefix(list, []byte("{")) {
		if json.Unmarshal(list, &envelope) != nil {
			return nil, nil, errUnexpected
		}
		list = nil
		for _, key := range keys {
			if value, ok := envelope[key]; ok && list != nil {
				return nil, nil, errUnexpected
			} else if ok {
				list = value
			}
		}
	}
	// Anything else must not pass: null would decode to an empty list.
	if !bytes.HasPrefix(list, []byte("[")) {
		return nil, nil, errUnexpected
	}
	return list, envelope, nil
}

// nextCursor returns the cursor of the page after the one that cursor asked for,
// which came with n items.
func nextCursor(cursor string, envelope map[string]json.RawMessage, n int) (string, error) {
	var next *string
	if raw, ok := envelope["next"]; ok && json.Unmarshal(raw, &next) != nil {
		return "", errUnexpected
	}
	if next != nil && *next != "" {
		return firstCheckpoint + "&from=" + url.QueryEscape(*next), nil
	}
	sent, err := url.ParseQuery(cursor)
	if err != nil {
		return "", errUnexpected
	}
	_, hasTotal := envelope["total"]
	size, _ := strconv.Atoi(sent.Get("per_page"))
	page, _ := strconv.Atoi(sent.Get("page"))
	switch {
	case sent.Has("take") && envelope != nil && !hasTotal: // the last checkpoint
		return "", nil
	case sent.Has("take"):
		// The tenant ignored the checkpoint: this is page 0 of its own page size.
		size = n
	}
	// A page above the limit is the whole list: the tenant does not page at all.
	if n == 0 || n < size || n > PageSize {
		return "", nil
	}
	return "per_page=" + strconv.Itoa(size) + "&page=" + strconv.Itoa(page+1), nil
}
