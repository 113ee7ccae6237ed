package apiclient

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	loginType = "s" // successful login, as Auth0 abbreviates it
	// loginPage is how many logins are requested. One would be enough if every server
	// sent the newest first.
	loginPage = 10
)

// login is an entry of the tenant's log. The fields that are not here hold personal data.
type login struct {
	Date         time.Time `json:"date"`
	Type         string    `json:"type"`
	Organization string    `json:"organization_id"`
	Connection   string    `json:"connection_id"`
}

// LastLogin returns the time of the last successful login to an organization through a
// connection. The zero time means that the tenant's log has none. A tenant keeps its log
// for 1 to 30 days, and adds entries with a delay, so somebody may have logged in all the
// same.
//
// It needs the scope read:logs. The error is an [*Error].
func (c *Client) LastLogin(ctx context.Context, org, connection string) (last time.Time, resp *Response, err error) {
	const step = "find last login"
	if apiErr := checkIDs(step, org, connection); apiErr != nil {
		return last, new(Response), apiErr
	}
	resp, err = c.do(ctx, request{
		step:   step,
		method: http.MethodGet,
		path:   "logs",
		query: fmt.Sprintf("per_page=%d&page=0&sort=date:-1&fields=date,type,organization_id,connection_id&include_fields=true&q=%s",
			loginPage, url.QueryEscape(loginSearch(org, connection))),
		scope: "read:logs",
		accept: func(status int, body []byte) (err error) {
			if status != http.StatusOK {
				return errUnexpected
			}
			last, err = parseLogins(body, org, connection)
			return err
		},
	})
	return last, resp, err
}

// loginSearch is the search for logins in Auth0's query syntax. Values in quotes are
// matched exactly.
func loginSearch(org, connection string) string {
	return fmt.Sprintf(`type:"%s" AND organization_id:"%s" AND connection_id:"%s"`, loginType, org, connection)
}

// parseLogins returns the latest date of the logins, or the zero time if there are none.
// An entry that was not searched for, or has no date, means that the server ignored the
// search or is none of Auth0's: a login may be missing. So it may if the page does not
// begin with the newest.
func parseLogins(body []byte, org, connection string) (last time.Time, err error) {
	list, envelope, err := findList(body, "logs")
	if err != nil {
		return last, err
	}
	total, err := parseTotal(envelope)
	if err != nil || hasNext(envelope) {
		return last, errUnexpected
	}
	var logins []login
	if json.Unmarshal(list, &logins) != nil {
		return last, errUnexpected
	}
	for _, l := range logins {
		if l.Date.IsZero() || l.Type != loginType || l.Organization != org || l.Connection != connection {
			return time.Time{}, errUnexpected
		}
		if l.Date.After(last) {
			last = l.Date
		}
	}
	if len(logins) < min(total, loginPage) || !slices.IsSortedFunc(logins, func(a, b login) int { return b.Date.Compare(a.Date) }) {
		return time.Time{}, errUnexpected
	}
	return last, nil
}
