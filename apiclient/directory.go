package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Named is an organization or a connection of the tenant, with its name (not its
// display name).
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Organizations lists a page of the tenant's organizations, of up to 100. Cursor
// is empty for the first page, and for another what the page before it returned
// as next, which is empty after the last one. A tenant that ignores paging may
// send a page again: that is for the caller to notice.
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) Organizations(ctx context.Context, cursor string) (orgs []Named, next string, resp *Response, err error) {
	if cursor == "" {
		cursor = firstCheckpoint
	}
	var page listed
	resp, err = c.do(ctx, request{
		step:   "list organizations",
		method: http.MethodGet,
		path:   "organizations",
		query:  cursor,
		scope:  "read:organizations",
		accept: page.accept("organizations", cursor),
	})
	return page.items, page.next, resp, err
}

// OrganizationCount asks how many organizations the tenant has; 0 where it does
// not tell.
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) OrganizationCount(ctx context.Context) (int, *Response, error) {
	return c.count(ctx, request{step: "count organizations", path: "organizations", scope: "read:organizations"})
}

// ConnectionCount asks how many connections the tenant has; 0 where it does not
// tell.
//
// It needs the scope read:connections. The error is an [*Error].
func (c *Client) ConnectionCount(ctx context.Context) (int, *Response, error) {
	return c.count(ctx, request{step: "count connections", path: "connections", query: connectionFields + "&", scope: "read:connections"})
}

// count asks for a list's total, by an answer of one item.
func (c *Client) count(ctx context.Context, r request) (n int, resp *Response, err error) {
	r.method = http.MethodGet
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

// Organization gets an organization by its id. Where there is none, the error's
// class is [NotFound].
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) Organization(ctx context.Context, id string) (Named, *Response, error) {
	const step = "get organization"
	if fault := checkIDs(step, id); fault != nil {
		return Named{}, new(Response), fault
	}
	return c.organization(ctx, step, url.PathEscape(id))
}

// OrganizationByName gets an organization by its name; which name the answer has
// is for the caller to compare. Where there is none, the error's class is
// [NotFound].
//
// It needs the scope read:organizations. The error is an [*Error].
func (c *Client) OrganizationByName(ctx context.Context, name string) (Named, *Response, error) {
	const step = "get organization by name"
	if strings.Trim(name, ".") == "" { // a path may not end in dots: it would be another one
		return Named{}, new(Response), &Error{Class: Refused, Err: fmt.Errorf("%q is no name", excerpt(name)), step: step}
	}
	return c.organization(ctx, step, "name/"+url.PathEscape(name))
}

func (c *Client) organization(ctx context.Context, step, path string) (org Named, resp *Response, err error) {
	resp, err = c.do(ctx, request{
		step:   step,
		method: http.MethodGet,
		path:   "organizations/" + path,
		scope:  "read:organizations",
		accept: func(status int, body []byte) error {
			if status != http.StatusOK || json.Unmarshal(body, &org) != nil || org.ID == "" {
				return errUnexpected
			}
			return nil
		},
	})
	return org, resp, err
}

// connectionFields leaves out a connection's options: they hold secrets.
const connectionFields = "fields=id,name,strategy&include_fields=true"

// Connections lists a page of the tenant's connections, of up to 100, as
// Organizations does. A name that is not empty asks for the connection of that
// name only; a tenant that does not filter sends others too, so the caller has
// to compare.
//
// It needs the scope read:connections. The error is an [*Error].
func (c *Client) Connections(ctx context.Context, name, cursor string) (connections []Named, next string, resp *Response, err error) {
	query := connectionFields
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
	var page listed
	resp, err = c.do(ctx, request{
		step:   "list connections",
		method: http.MethodGet,
		path:   "connections",
		query:  query + "&" + cursor,
		scope:  "read:connections",
		accept: page.accept("connections", cursor),
	})
	return page.items, page.next, resp, err
}

// A cursor is where a page of a list begins: the paging part of a query. The
// tenant is asked for checkpoints, since offsets end after 1000 records; where
// it knows none, offsets it is.
const (
	firstCheckpoint = "take=100"
	firstOffset     = "per_page=100&page=0"
)

// listed is a page of a list.
type listed struct {
	items []Named
	next  string // the cursor of the next page; "" where this is the last
}

// accept reads a page of the list under key, for which cursor was sent.
func (l *listed) accept(key, cursor string) func(int, []byte) error {
	return func(status int, body []byte) error {
		if status != http.StatusOK {
			return errUnexpected
		}
		list, around, err := findList(body, key)
		if err != nil {
			return err
		}
		var items []Named
		if json.Unmarshal(list, &items) != nil {
			return errUnexpected
		}
		for _, item := range items {
			if item.ID == "" {
				return errUnexpected
			}
		}
		if l.next, err = nextCursor(cursor, around, len(items)); err == nil {
			l.items = items
		}
		return err
	}
}

// findList finds the list in a body, which comes bare or inside an object, under
// exactly one of the keys; around is that object, nil where there is none.
func findList(body []byte, keys ...string) (list json.RawMessage, around map[string]json.RawMessage, err error) {
	list = bytes.TrimSpace(body)
	if bytes.HasPrefix(list, []byte("{")) {
		if json.Unmarshal(list, &around) != nil {
			return nil, nil, errUnexpected
		}
		list = nil
		for _, key := range keys {
			if value, ok := around[key]; ok && list != nil {
				return nil, nil, errUnexpected
			} else if ok {
				list = value
			}
		}
	}
	// A null would decode to an empty list.
	if !bytes.HasPrefix(list, []byte("[")) {
		return nil, nil, errUnexpected
	}
	return list, around, nil
}

// nextCursor is the cursor behind the page that cursor was sent for, of n items.
func nextCursor(cursor string, around map[string]json.RawMessage, n int) (string, error) {
	var next *string
	if raw, ok := around["next"]; ok && json.Unmarshal(raw, &next) != nil {
		return "", errUnexpected
	}
	if next != nil && *next != "" {
		return firstCheckpoint + "&from=" + url.QueryEscape(*next), nil
	}
	sent, err := url.ParseQuery(cursor)
	if err != nil {
		return "", errUnexpected
	}
	_, hasTotal := around["total"]
	size, _ := strconv.Atoi(sent.Get("per_page"))
	page, _ := strconv.Atoi(sent.Get("page"))
	switch {
	case sent.Has("take") && around != nil && !hasTotal:
		return "", nil
	case sent.Has("take"): // which was ignored, so this is the first page, of the tenant's own size
		size = n
	}
	if n == 0 || n < size || n > PageSize {
		return "", nil
	}
	return "per_page=" + strconv.Itoa(size) + "&page=" + strconv.Itoa(page+1), nil
}
