package simulator

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

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
