package simulator

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// organizationBody is an organization as the API shows it. It has no list of
// connections.
type organizationBody struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	DisplayName string            `json:"display_name"`
	Branding    struct{}          `json:"branding"`
	Metadata    map[string]string `json:"metadata"`
}

func (o *organization) body() organizationBody {
	return organizationBody{ID: o.id, Name: o.name, DisplayName: o.name, Metadata: map[string]string{}}
}

func (t *Tenant) listOrganizations(c *call) reply {
	p, refusal := readPage(c.URL.Query())
	if refusal != nil {
		return *refusal
	}
	var items []organizationBody
	for _, o := range window(p, t.organizations.list) {
		items = append(items, o.body())
	}
	return listReply(p, "organizations", items, len(t.organizations.list))
}

func (t *Tenant) getOrganization(c *call) reply {
	return oneOrganization(t.organizations.byID[c.id])
}

func (t *Tenant) getOrganizationByName(c *call) reply {
	return oneOrganization(t.organizations.byName[c.id])
}

func oneOrganization(o *organization) reply {
	if o == nil {
		return noSuchOrganization()
	}
	return jsonReply(http.StatusOK, o.body())
}

func (t *Tenant) listConnections(c *call) reply {
	query := c.URL.Query()
	p, refusal := readPage(query)
	if refusal != nil {
		return *refusal
	}
	list := t.connections.list
	if query.Has("name") || query.Has("strategy") {
		list = matching(list, query.Get("name"), query["strategy"])
	}
	var items []map[string]any
	for _, connection := range window(p, list) {
		items = append(items, connection.body(query))
	}
	return listReply(p, "connections", items, len(list))
}

func (t *Tenant) getConnection(c *call) reply {
	connection, ok := t.connections.byID[c.id]
	if !ok {
		return noSuchConnection()
	}
	return jsonReply(http.StatusOK, connection.body(c.URL.Query()))
}

// matching filters by exact name, unless empty, and by any of the strategies,
// unless there are none.
func matching(list []*connection, name string, strategies []string) []*connection {
	var found []*connection
	for _, c := range list {
		if (name == "" || c.name == name) && (len(strategies) == 0 || slices.Contains(strategies, c.strategy)) {
			found = append(found, c)
		}
	}
	return found
}

// body is the connection as the API shows it, with or without the fields that
// the query names.
func (c *connection) body(query url.Values) map[string]any {
	body := map[string]any{
		"id": c.id, "name": c.name, "strategy": c.strategy, "display_name": c.name,
		"options": struct{}{}, "enabled_clients": []string{}, "realms": []string{c.name},
	}
	if fields := query.Get("fields"); fields != "" {
		named := strings.Split(fields, ",")
		include := query.Get("include_fields") != "false"
		maps.DeleteFunc(body, func(field string, _ any) bool { return slices.Contains(named, field) != include })
	}
	return body
}

// page is the part of a list that a request asks for.
type page struct {
	start      int
	size       int
	totals     bool // the object form, with start, limit and total
	checkpoint bool // the object form, with next
}

// maxOffset is where Auth0's offset paging ends, in records.
const maxOffset = 1000

// readPage reads the paging parameters: offset paging, unless take or from asks
// for checkpoints.
func readPage(query url.Values) (p page, refusal *reply) {
	if query.Has("take") || query.Has("from") {
		return readCheckpoint(query)
	}
	number, refusal := queryInt(query, "page", 0, 0, maxOffset)
	if refusal != nil {
		return page{}, refusal
	}
	size, refusal := queryInt(query, "per_page", 50, 1, 100)
	if refusal != nil {
		return page{}, refusal
	}
	if (number+1)*size > maxOffset {
		return page{}, new(problem(http.StatusBadRequest, "", fmt.Sprintf(
			"Requesting page %d exceeds the allowed maximum of %d records. To fetch results beyond %d, use the checkpoint pagination method.",
			number, maxOffset, maxOffset)))
	}
	return page{start: number * size, size: size, totals: query.Get("include_totals") == "true"}, nil
}

func readCheckpoint(query url.Values) (page, *reply) {
	size, refusal := queryInt(query, "take", 50, 1, 100)
	if refusal != nil {
		return page{}, refusal
	}
	start, err := decodeCursor(query.Get("from"))
	if err != nil {
		return page{}, new(badQuery("'Invalid checkpoint' on property from."))
	}
	return page{start: start, size: size, checkpoint: true}, nil
}

func queryInt(query url.Values, name string, preset, least, most int) (int, *reply) {
	text := query.Get(name)
	if text == "" {
		return preset, nil
	}
	n, err := strconv.Atoi(text)
	message := ""
	switch {
	case err != nil:
		message = fmt.Sprintf("'Expected type integer but found type string' on property %s.", name)
	case n < least:
		message = fmt.Sprintf("'Value %d is less than minimum %d' on property %s.", n, least, name)
	case n > most:
		message = fmt.Sprintf("'Value %d is greater than maximum %d' on property %s.", n, most, name)
	default:
		return n, nil
	}
	return 0, new(badQuery(message))
}

// window cuts the page out of a list.
func window[T any](p page, list []T) []T {
	start := min(p.start, len(list))
	return list[start:min(start+p.size, len(list))]
}

// listReply is a 200 with one page of a list of total records, under a key
// where the form is an object.
func listReply[T any](p page, key string, items []T, total int) reply {
	if items == nil {
		items = []T{}
	}
	body := map[string]any{key: items}
	switch {
	case p.checkpoint:
		if end := p.start + len(items); end < total {
			body["next"] = encodeCursor(end)
		}
	case p.totals:
		// limit is recorded as the number of rows returned, not per_page.
		body["start"], body["limit"], body["total"] = p.start, len(items), total
	default:
		return jsonReply(http.StatusOK, items)
	}
	return jsonReply(http.StatusOK, body)
}

func encodeCursor(position int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "at:%d", position))
}

func decodeCursor(cursor string) (position int, err error) {
	if cursor == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, err
	}
	if _, err = fmt.Sscanf(string(text), "at:%d", &position); err == nil && position < 0 {
		err = strconv.ErrRange
	}
	return position, err
}

// problemBody is an error body of the Management API.
type problemBody struct {
	StatusCode int               `json:"statusCode"`
	Error      string            `json:"error"`
	Message    string            `json:"message"`
	ErrorCode  string            `json:"errorCode,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

func problem(status int, code, message string) reply {
	return jsonReply(status, problemBody{
		StatusCode: status, Error: statusText(status), Message: message, ErrorCode: code})
}

// unauthorized is a 401, which repeats its message in the attributes.
func unauthorized(message string) reply {
	return jsonReply(http.StatusUnauthorized, problemBody{
		StatusCode: http.StatusUnauthorized, Error: "Unauthorized", Message: message,
		Attributes: map[string]string{"error": message}})
}

func noSuchOrganization() reply {
	return problem(http.StatusNotFound, "", "No organization found by that id or name")
}

func noSuchConnection() reply {
	return problem(http.StatusNotFound, "inexistent_connection", "The connection does not exist")
}

// noSuchLink is recorded for GET of a pair that is not enabled.
func noSuchLink() reply {
	return problem(http.StatusNotFound, "", "No connection found by that id")
}

func badQuery(message string) reply {
	return problem(http.StatusBadRequest, "invalid_query_string", "Query validation error: "+message)
}

func badBody(message string) reply {
	return problem(http.StatusBadRequest, "invalid_body", message)
}

// statusText is http.StatusText and the names that Cloudflare gives to its own
// codes.
func statusText(status int) string {
	switch status {
	case 520:
		return "Web server is returning an unknown error"
	case 521:
		return "Web server is down"
	case 522:
		return "Connection timed out"
	case 523:
		return "Origin is unreachable"
	case 524:
		return "A timeout occurred"
	}
	return http.StatusText(status)
}
