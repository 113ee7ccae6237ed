package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
)

// Link is an organization's entry for a connection, enabled or switched off.
type Link struct {
	ConnectionID string `json:"connection_id"`
	LinkSettings
	// IsEnabled is false if the link is kept but switched off.
	IsEnabled  *bool `json:"is_enabled"`
	Connection struct {
		Name string `json:"name"` // the connection's own name
	} `json:"connection"`
}

// Off reports whether the link is kept but switched off, as the Dashboard and
// newer tools do it. Nobody can log in through such a link.
func (l *Link) Off() bool { return l.IsEnabled != nil && !*l.IsEnabled }

// LinkSettings are the settings of a link that Auth0 lets callers choose. Auth0
// leaves out those that do not apply to the connection's strategy. Nil means that
// a setting was left out; it is not sent either.
type LinkSettings struct {
	// AssignMembershipOnLogin makes users members at their first login.
	AssignMembershipOnLogin *bool `json:"assign_membership_on_login,omitempty"`
	// ShowAsButton shows an enterprise connection on the login page.
	ShowAsButton *bool `json:"show_as_button,omitempty"`
	// IsSignupEnabled lets users of a database connection sign up. Auth0 allows
	// it only together with AssignMembershipOnLogin.
	IsSignupEnabled *bool `json:"is_signup_enabled,omitempty"`
}

// Setting is one of a link's settings.
type Setting struct {
	Name  string // as Auth0 calls it
	Value **bool // points at the field, to read or to set it
}

// All lists the settings, in the order of their columns in results.csv. All code
// that stores, reads or compares settings goes by this list, so a new setting needs
// a field and a line here.
func (s *LinkSettings) All() []Setting {
	return []Setting{
		{"assign_membership_on_login", &s.AssignMembershipOnLogin},
		{"show_as_button", &s.ShowAsButton},
		{"is_signup_enabled", &s.IsSignupEnabled},
	}
}

// Differences names the settings of s that other lacks or has with another value.
func (s LinkSettings) Differences(other LinkSettings) (names []string) {
	theirs := other.All()
	for i, ours := range s.All() {
		was, is := *ours.Value, *theirs[i].Value
		if was != nil && (is == nil || *was != *is) {
			names = append(names, ours.Name)
		}
	}
	return names
}

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

// EnabledConnections lists one page, from 0, of an organization's links. An
// empty list without an error is one that the tenant sent as such; whether it
// also sends one for an organization that does not exist is not documented. A page
// that does not fit its own total is an error.
//
// It needs the scope read:organization_connections. The error is an [*Error].
func (c *Client) EnabledConnections(ctx context.Context, org string, page int) (found LinkPage, resp *Response, err error) {
	const step = "list enabled connections"
	if apiErr := checkIDs(step, org); apiErr != nil {
		return found, new(Response), apiErr
	}
	resp, err = c.do(ctx, request{
		step:   step,
		method: http.MethodGet,
		path:   linksPath(org),
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
		path:   linksPath(org) + "/" + url.PathEscape(connection),
		scope:  "delete:organization_connections",
		accept: acceptWrite(connection),
	})
}

// EnableConnection links a connection to an organization with the link's
// settings. One that is nil is not sent, and Auth0 uses its default. IsEnabled is
// not sent either. Do not rely on it being idempotent: Auth0 does not document its
// answer if the pair is enabled already, perhaps by a try whose answer was lost.
//
// It needs the scope create:organization_connections. The error is an [*Error].
func (c *Client) EnableConnection(ctx context.Context, org string, link Link) (*Response, error) {
	const step = "enable connection"
	if apiErr := checkIDs(step, org, link.ConnectionID); apiErr != nil {
		return new(Response), apiErr
	}
	body, err := json.Marshal(struct {
		ConnectionID string `json:"connection_id"`
		LinkSettings
	}{link.ConnectionID, link.LinkSettings})
	if err != nil {
		return new(Response), &Error{Class: Refused, Err: err, step: step}
	}
	return c.do(ctx, request{
		step:   step,
		method: http.MethodPost,
		path:   linksPath(org),
		body:   body,
		scope:  "create:organization_connections",
		accept: acceptWrite(link.ConnectionID),
	})
}

func linksPath(org string) string {
	return "organizations/" + url.PathEscape(org) + "/enabled_connections"
}

var idShape = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// checkIDs prevents path traversal: with an id that is empty, consists of dots or
// contains a slash, a DELETE would address another resource.
func checkIDs(step string, ids ...string) *Error {
	for _, id := range ids {
		if !idShape.MatchString(id) {
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
	if json.Unmarshal(list, &links) != nil || slices.ContainsFunc(links, func(l Link) bool { return l.ConnectionID == "" }) {
		return nil, errUnexpected
	}
	return links, nil
}
