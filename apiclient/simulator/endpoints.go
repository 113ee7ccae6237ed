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

// organizationBody is an organization as the API shows it: without its
// connections.
type organizationBody struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
}

func (o *organization) body() organizationBody {
	return organizationBody{ID: o.id, Name: o.name, DisplayName: o.name}
}

func (t *Tenant) listOrganizations(c *call) *response {
	p, refusal := parsePage(c.URL.Query())
	if refusal != nil {
		return refusal
	}
	sorted, refusal := sortOrganizations(t.organizations.list, c.URL.Query().Get("sort"))
	if refusal != nil {
		return refusal
	}
	var items []organizationBody
	for _, o := range pageOf(p, sorted) {
		items = append(items, o.body())
	}
	return listResponse(p, "organizations", items, len(t.organizations.list))
}

// sortOrganizations sorts by name or display_name, which are the same here, or by
// created_at, the order of the list: name:1 up, name:-1 down.
func sortOrganizations(list []*organization, order string) ([]*organization, *response) {
	field, direction, _ := strings.Cut(order, ":")
	if order != "" && (!slices.Contains([]string{"name", "display_name", "created_at"}, field) || direction != "1" && direction != "-1") {
		return nil, badQuery("'String does not match pattern' on property sort.")
	}
	list = slices.Clone(list)
	if field != "created_at" && order != "" {
		slices.SortFunc(list, func(a, b *organization) int { return strings.Compare(a.name, b.name) })
	}
	if direction == "-1" {
		slices.Reverse(list)
	}
	return list, nil
}

func (t *Tenant) getOrganization(c *call) *response {
	return organizationResponse(t.organizations.byID[c.id])
}

func (t *Tenant) getOrganizationByName(c *call) *response {
	return organizationResponse(t.organizations.byName[c.id])
}

func organizationResponse(o *organization) *response {
	if o == nil {
		return organizationNotFound()
	}
	return jsonResponse(http.StatusOK, o.body())
}

func (t *Tenant) listConnections(c *call) *response {
	query := c.URL.Query()
	p, refusal := parsePage(query)
	if refusal != nil {
		return refusal
	}
	list := t.connections.list
	if query.Has("name") || query.Has("strategy") {
		list = filterConnections(list, query.Get("name"), query["strategy"])
	}
	var items []map[string]any
	for _, connection := range pageOf(p, list) {
		items = append(items, connection.body(query))
	}
	return listResponse(p, "connections", items, len(list))
}

func (t *Tenant) getConnection(c *call) *response {
	connection, ok := t.connections.byID[c.id]
	if !ok {
		return errorResponse(http.StatusNotFound, "inexistent_connection", "The connection does not exist")
	}
	return jsonResponse(http.StatusOK, connection.body(c.URL.Query()))
}

// filterConnections filters by exact name, unless empty, and by any of the
// strategies, unless there are none.
func filterConnections(list []*connection, name string, strategies []string) []*connection {
	var found []*connection
	for _, c := range list {
		if (name == "" || c.name == name) && (len(strategies) == 0 || slices.Contains(strategies, c.strategy)) {
			found = append(found, c)
		}
	}
	return found
}

// body is the connection as the API shows it. The query may name the fields to
// include or to exclude.
func (c *connection) body(query url.Values) map[string]any {
	body := map[string]any{
		"id": c.id, "name": c.name, "strategy": c.strategy, "display_name": c.name,
		"options": struct{}{}, "enabled_clients": []string{}, "realms": []string{c.name},
	}
	return selectFields(body, query)
}

// selectFields removes the fields that the query does not ask for.
func selectFields(body map[string]any, query url.Values) map[string]any {
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
	totals     bool // respond with an object that has start, limit and total
	checkpoint bool // respond with an object that has next
}

// maxOffset is where Auth0's offset paging ends, in items.
const maxOffset = 1000

// parsePage reads the paging parameters. The parameters take and from ask for
// checkpoint paging, all others for offset paging.
func parsePage(query url.Values) (p page, refusal *response) {
	if query.Has("take") || query.Has("from") {
		return parseCheckpoint(query)
	}
	return parseOffset(query)
}

// parseOffset is parsePage for the lists that have offset paging only. They ignore take
// and from.
func parseOffset(query url.Values) (p page, refusal *response) {
	number, refusal := queryInt(query, "page", 0, 0, maxOffset)
	if refusal != nil {
		return page{}, refusal
	}
	size, refusal := queryInt(query, "per_page", 50, 1, 100)
	if refusal != nil {
		return page{}, refusal
	}
	if (number+1)*size > maxOffset {
		return page{}, errorResponse(http.StatusBadRequest, "", fmt.Sprintf(
			"Requesting page %d exceeds the allowed maximum of %d records. To fetch results beyond %d, use the checkpoint pagination method.",
			number, maxOffset, maxOffset))
	}
	return page{start: number * size, size: size, totals: query.Get("include_totals") == "true"}, nil
}

func parseCheckpoint(query url.Values) (p page, refusal *response) {
	size, refusal := queryInt(query, "take", 50, 1, 100)
	if refusal != nil {
		return page{}, refusal
	}
	start, err := decodeCursor(query.Get("from"))
	if err != nil {
		return page{}, badQuery("'Invalid checkpoint' on property from.")
	}
	return page{start: start, size: size, checkpoint: true}, nil
}

// queryInt reads a number from minimum to maximum; absent means byDefault.
func queryInt(query url.Values, name string, byDefault, minimum, maximum int) (n int, refusal *response) {
	text := query.Get(name)
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, badQuery(fmt.Sprintf("'Expected type integer but found type string' on property %s.", name))
	case n < minimum:
		return 0, badQuery(fmt.Sprintf("'Value %d is less than minimum %d' on property %s.", n, minimum, name))
	case n > maximum:
		return 0, badQuery(fmt.Sprintf("'Value %d is greater than maximum %d' on property %s.", n, maximum, name))
	}
	return n, nil
}

// pageOf returns the items of a list that are on the page.
func pageOf[T any](p page, list []T) []T {
	start := min(p.start, len(list))
	return list[start:min(start+p.size, len(list))]
}

// listResponse is a 200 with the items of one page, of a list of total items:
// as an array or, with totals or a checkpoint, under a key of an object.
func listResponse[T any](p page, key string, items []T, total int) *response {
	if items == nil {
		items = []T{} // null in JSON otherwise
	}
	body := map[string]any{key: items}
	switch {
	case p.checkpoint:
		if end := p.start + len(items); end < total {
			body["next"] = encodeCursor(end)
		}
	case p.totals:
		limit := p.size
		if key == olderFamily { // as recorded
			limit = len(items)
		}
		body["start"], body["limit"], body["total"] = p.start, limit, total
		if key == "logs" {
			body["length"] = len(items)
		}
	default:
		return jsonResponse(http.StatusOK, items)
	}
	return jsonResponse(http.StatusOK, body)
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

// errorBody is an error body of the Management API.
type errorBody struct {
	StatusCode int               `json:"statusCode"`
	Error      string            `json:"error"`
	Message    string            `json:"message"`
	ErrorCode  string            `json:"errorCode,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

func errorResponse(status int, code, message string) *response {
	return jsonResponse(status, errorBody{
		StatusCode: status, Error: statusText(status), Message: message, ErrorCode: code})
}

// unauthorized is a 401, which repeats its message in the attributes.
func unauthorized(message string) *response {
	return jsonResponse(http.StatusUnauthorized, errorBody{
		StatusCode: http.StatusUnauthorized, Error: "Unauthorized", Message: message,
		Attributes: map[string]string{"error": message}})
}

func organizationNotFound() *response {
	return errorResponse(http.StatusNotFound, "", "No organization found by that id or name")
}

// linkNotFound is recorded for GET of a pair that is not enabled.
func linkNotFound() *response {
	return errorResponse(http.StatusNotFound, "", "No connection found by that id")
}

func badQuery(message string) *response {
	return errorResponse(http.StatusBadRequest, "invalid_query_string", "Query validation error: "+message)
}

func badBody(message string) *response {
	return errorResponse(http.StatusBadRequest, "invalid_body", message)
}

// statusText is http.StatusText with Cloudflare's names for its status codes.
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
