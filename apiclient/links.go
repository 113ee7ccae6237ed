package apiclient

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Family is one of Auth0's two families of endpoints for an organization's links, by
// the end of their path. The zero value stands for the one that the tenant turns out
// to have; calls need a family.
type Family string

const (
	// OlderFamily is generally available. It knows neither links that are
	// switched off nor the settings that only the other family has.
	OlderFamily Family = "enabled_connections"
	// NewerFamily is newer, and Early Access as of 2026-08. It has every setting.
	NewerFamily Family = "connections"
)

const anyFamily = "auto"

// UnmarshalText reads the name of a family; auto is the zero value.
func (f *Family) UnmarshalText(text []byte) error {
	switch name := Family(text); name {
	case OlderFamily, NewerFamily:
		*f = name
	case anyFamily:
		*f = ""
	default:
		return fmt.Errorf("%q is none of %s, %s and %s", excerpt(string(text)), anyFamily, OlderFamily, NewerFamily)
	}
	return nil
}

// MarshalText writes the form that UnmarshalText reads.
func (f Family) MarshalText() ([]byte, error) { return []byte(cmp.Or(f, anyFamily)), nil }

// PageSize is the number of items that are requested per page, the most that
// Auth0 sends.
const PageSize = 100

// LinkPage is one page of an organization's links.
type LinkPage struct {
	Links []Link
	// Total is how many links the whole list has, and -1 if the tenant does not say.
	Total int
	// More is true if another page follows. It is false only if the end of the list
	// is proven: by the total, or by a page that is not full.
	More bool
}

// Links lists one page, from 0, of an organization's links, as one family of
// endpoints shows them. An empty list without an error is one that the tenant sent as
// such; whether it also sends one for an organization that does not exist is not
// documented. A page that does not fit its own total is an error.
//
// It needs the scope read:organization_connections. The error is an [*Error].
func (c *Client) Links(ctx context.Context, family Family, org string, page int) (found LinkPage, resp *Response, err error) {
	const step = "list enabled connections"
	if apiErr := checkIDs(step, org); apiErr != nil {
		return found, new(Response), apiErr
	}
	resp, err = c.do(ctx, request{
		step:   step,
		method: http.MethodGet,
		path:   linksPath(family, org),
		query:  fmt.Sprintf("per_page=%d&page=%d&include_totals=true", PageSize, page),
		scope:  "read:organization_connections",
		accept: func(status int, body []byte) (err error) {
			if status != http.StatusOK {
				return errUnexpected
			}
			found, err = parseLinks(body, page)
			return err
		},
	})
	return found, resp, err
}

// DisableConnection removes a connection from an organization. The connection
// itself stays in the tenant; the link's settings are lost. The call is
// idempotent, so it may be repeated after a lost answer: Auth0 answers the same if
// the pair was not enabled. Success therefore does not prove that it was.
//
// It needs the scope delete:organization_connections. The error is an [*Error].
func (c *Client) DisableConnection(ctx context.Context, org, connection string) (*Response, error) {
	const step = "disable connection"
	if apiErr := checkIDs(step, org, connection); apiErr != nil {
		return new(Response), apiErr
	}
	return c.do(ctx, request{
		step:   step,
		method: http.MethodDelete,
		path:   linkPath(OlderFamily, org, connection),
		scope:  "delete:organization_connections",
		accept: acceptWrite(connection),
	})
}

// EnableConnection links a connection to an organization with those of the link's
// settings that the family has. One that is nil is not sent, and Auth0 uses its
// default. Do not rely on it being idempotent: Auth0 does not document its answer if
// the pair is enabled already, perhaps by a try whose answer was lost.
//
// It needs the scope create:organization_connections. The error is an [*Error].
func (c *Client) EnableConnection(ctx context.Context, family Family, org string, link Link) (*Response, error) {
	body := struct {
		ConnectionID string `json:"connection_id"`
		IsEnabled    *bool  `json:"is_enabled,omitempty"`
		LinkSettings
	}{ConnectionID: link.ConnectionID, LinkSettings: link.In(family)}
	if family == NewerFamily {
		body.IsEnabled = new(true) // its default is not documented
	}
	return c.write(ctx, request{
		step:   "enable connection",
		method: http.MethodPost,
		path:   linksPath(family, org),
		scope:  "create:organization_connections",
		accept: acceptWrite(link.ConnectionID),
	}, body, org, link.ConnectionID)
}

// SwitchConnection switches a link of an organization on or off, and keeps its
// settings. It is a call of the newer family. It is idempotent.
//
// It needs the scope update:organization_connections. The error is an [*Error].
func (c *Client) SwitchConnection(ctx context.Context, org, connection string, on bool) (*Response, error) {
	step := "switch connection off"
	if on {
		step = "switch connection on"
	}
	done := acceptWrite(connection)
	return c.write(ctx, request{
		step:   step,
		method: http.MethodPatch,
		path:   linkPath(NewerFamily, org, connection),
		scope:  "update:organization_connections",
		accept: func(status int, body []byte) error {
			var link Link
			if json.Unmarshal(body, &link) == nil && link.IsEnabled != nil && *link.IsEnabled != on {
				return errUnexpected // the tenant did something else
			}
			return done(status, body)
		},
	}, map[string]bool{"is_enabled": on}, org, connection)
}

// write sends a call with a body. It checks the ids of the call first.
func (c *Client) write(ctx context.Context, r request, body any, ids ...string) (*Response, error) {
	if apiErr := checkIDs(r.step, ids...); apiErr != nil {
		return new(Response), apiErr
	}
	var err error
	if r.body, err = json.Marshal(body); err != nil {
		return new(Response), &Error{Class: Refused, Err: err, step: r.step}
	}
	return c.do(ctx, r)
}

func linksPath(family Family, org string) string {
	return "organizations/" + url.PathEscape(org) + "/" + string(family)
}

func linkPath(family Family, org, connection string) string {
	return linksPath(family, org) + "/" + url.PathEscape(connection)
}

// idCharacters are those of an id that needs no escaping in a path.
const idCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// checkIDs prevents path traversal: with an id that is empty, consists of dots or
// contains a slash, a DELETE would address another resource.
func checkIDs(step string, ids ...string) *Error {
	for _, id := range ids {
		if id == "" || strings.Trim(id, idCharacters) != "" {
			return &Error{Class: Refused, Err: fmt.Errorf("id %q is not made of letters, digits, _ and -", excerpt(id)), step: step}
		}
	}
	return nil
}

// errUnexpected means that the status was 2xx but the answer is not one of
// Auth0's, so that it proves nothing.
var errUnexpected = errors.New("unexpected answer")

// acceptWrite accepts the answers that mean done: 204 and 201, as documented, and
// from other servers a 200 that is empty or names the connection of the call.
func acceptWrite(connection string) func(int, []byte) error {
	return func(status int, body []byte) error {
		switch status {
		case http.StatusNoContent, http.StatusCreated:
			return nil
		case http.StatusOK:
			if isDone(body, connection) {
				return nil
			}
		}
		return errUnexpected
	}
}

func isDone(body []byte, connection string) bool {
	if len(bytes.TrimSpace(body)) == 0 {
		return true
	}
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return false
	}
	return len(fields) == 0 || fields["connection_id"] == connection || fields["id"] == connection
}

// parseLinks decodes one page of links. The list comes bare or inside an object,
// with or without a total. A page that has other links than its total implies is
// not to be believed: what is missing from it may still be enabled.
func parseLinks(body []byte, page int) (LinkPage, error) {
	list, envelope, err := findList(body, "enabled_connections", "connections")
	if err != nil {
		return LinkPage{}, err
	}
	links, err := parseItems(list)
	if err != nil {
		return LinkPage{}, err
	}
	total, err := parseTotal(envelope)
	if err != nil {
		return LinkPage{}, err
	}
	n := len(links)
	if hasNext(envelope) {
		return LinkPage{}, errUnexpected
	}
	if total < 0 {
		return LinkPage{Links: links, Total: -1, More: n >= PageSize}, nil
	}
	left := total - page*PageSize // links from this page on
	whole := page == 0 && n == total
	if !whole && n != min(max(left, 0), PageSize) {
		return LinkPage{}, errUnexpected
	}
	return LinkPage{Links: links, Total: total, More: !whole && left > n}, nil
}

// hasNext reports whether a list says that another page follows it by a cursor. Where no
// such paging was asked for, nobody can tell what is missing.
func hasNext(envelope map[string]json.RawMessage) bool {
	next := string(envelope["next"])
	return next != "" && next != "null" && next != `""`
}

// parseTotal returns the total of a list, -1 if there is none or, with an error, if
// it is none.
func parseTotal(envelope map[string]json.RawMessage) (total int, err error) {
	raw, ok := envelope["total"]
	if !ok {
		return -1, nil
	}
	if json.Unmarshal(raw, &total) != nil || total < 0 {
		return -1, errUnexpected
	}
	return total, nil
}

func parseItems(list []byte) (links []Link, err error) {
	if err := json.Unmarshal(list, &links); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnexpected, err)
	}
	if slices.ContainsFunc(links, func(l Link) bool { return l.ConnectionID == "" }) {
		return nil, errUnexpected
	}
	return links, nil
}
