package simulator

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The types of log entries, as Auth0 abbreviates them.
const (
	loginType = "s"    // successful login
	writeType = "sapi" // successful write by the Management API
)

// logEntry is an entry of the tenant's log.
type logEntry struct {
	id                           int // from 1
	at                           time.Time
	kind                         string
	organizationID, connectionID string // of a login
	userID                       string // of a login
	method, path, correlationID  string // of a write
}

// Login adds a user's successful login to the log. It is found there from
// Config.LogDelay after its time on.
func (t *Tenant) Login(organizationID, connectionID, userID string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.addLog(logEntry{at: at, kind: loginType, organizationID: organizationID, connectionID: connectionID, userID: userID})
}

// logWrite adds a call to the log if it was a successful write.
func (t *Tenant) logWrite(c *call, resp *response) {
	if c.Method != http.MethodGet && len(c.route.scopes) > 0 && resp.status < 300 {
		t.addLog(logEntry{at: time.Now(), kind: writeType, method: c.Method, path: c.URL.Path, correlationID: c.Header.Get("X-Correlation-ID")})
	}
}

func (t *Tenant) addLog(entry logEntry) {
	entry.id = len(t.logs) + 1
	t.logs = append(t.logs, entry)
}

// logBody is an entry as the API shows it.
func (t *Tenant) logBody(entry logEntry) map[string]any {
	id := fmt.Sprintf("9002026%017d", entry.id)
	body := map[string]any{
		"date": entry.at.UTC().Format("2006-01-02T15:04:05.000Z07:00"), "type": entry.kind, "log_id": id, "_id": id,
	}
	if entry.kind == writeType {
		body["details"] = map[string]any{"request": map[string]string{"method": strings.ToLower(entry.method), "path": entry.path}}
		if entry.correlationID != "" {
			body["references"] = map[string]string{"correlation_id": entry.correlationID}
		}
		return body
	}
	body["organization_id"], body["connection_id"], body["user_id"] = entry.organizationID, entry.connectionID, entry.userID
	if o := t.organizations.byID[entry.organizationID]; o != nil {
		body["organization_name"] = o.name
	}
	if connection := t.connections.byID[entry.connectionID]; connection != nil {
		body["connection"], body["strategy"] = connection.name, connection.strategy
	}
	return body
}

func (t *Tenant) listLogs(c *call) *response {
	query := c.URL.Query()
	p, refusal := parsePage(query)
	if refusal != nil {
		return refusal
	}
	p.checkpoint = false // paging by the id of an entry is not simulated
	terms, refusal := parseSearch(query.Get("q"))
	if refusal != nil {
		return refusal
	}
	found, refusal := sortLogs(t.searchLogs(terms), query)
	if refusal != nil {
		return refusal
	}
	var items []map[string]any
	for _, entry := range pageOf(p, found) {
		items = append(items, selectFields(t.logBody(entry), query))
	}
	return listResponse(p, "logs", items, len(found))
}

// searchLogs returns the entries that fit all terms, are indexed by now, and are kept
// still.
func (t *Tenant) searchLogs(terms []searchTerm) (found []logEntry) {
	now := time.Now()
	for _, entry := range t.logs {
		age := now.Sub(entry.at)
		kept := t.config.LogRetention == 0 || age < t.config.LogRetention
		unfit := func(term searchTerm) bool { return !term.fits(entry) }
		if age >= t.config.LogDelay && kept && !slices.ContainsFunc(terms, unfit) {
			found = append(found, entry)
		}
	}
	return found
}

// sortLogs sorts by date. The newest is first by default, which is not documented.
func sortLogs(entries []logEntry, query url.Values) (sorted []logEntry, refusal *response) {
	order := cmp.Or(query.Get("sort"), "date:-1")
	if order != "date:1" && order != "date:-1" {
		return nil, badQuery("'String does not match pattern' on property sort.")
	}
	slices.SortStableFunc(entries, func(a, b logEntry) int { return a.at.Compare(b.at) })
	if order == "date:-1" {
		slices.Reverse(entries)
	}
	return entries, nil
}

// searchTerm is one condition of a search. A term for dates has a range.
type searchTerm struct {
	field, value string
	from, to     time.Time // the zero time is open
}

// parseSearch reads the part of Auth0's search syntax that is simulated: terms like
// field:"value" or date:[2026-11-01 TO *], joined by AND.
func parseSearch(q string) (terms []searchTerm, refusal *response) {
	if q == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(q, " AND ") {
		field, value, ok := strings.Cut(strings.TrimSpace(part), ":")
		term := searchTerm{field: field, value: strings.Trim(value, `"`)}
		switch {
		case field == "date":
			ok = ok && term.parseRange(value)
		case !slices.Contains([]string{"connection_id", "organization_id", "type", "user_id"}, field):
			ok = false
		}
		if !ok {
			// Not known: Auth0 may also find nothing.
			return nil, badQuery(fmt.Sprintf("'Not a search that is simulated: %s' on property q.", part))
		}
		terms = append(terms, term)
	}
	return terms, nil
}

// parseRange reads a range of dates, both ends included, and reports whether it is one.
func (s *searchTerm) parseRange(text string) bool {
	inner, opens := strings.CutPrefix(text, "[")
	inner, closes := strings.CutSuffix(inner, "]")
	from, to, ok := strings.Cut(inner, " TO ")
	return opens && closes && ok && parseDate(from, &s.from, 0) && parseDate(to, &s.to, 24*time.Hour-1)
}

// parseDate reads a time, a day, to which it adds inDay, or *.
func parseDate(text string, at *time.Time, inDay time.Duration) bool {
	if text == "*" {
		return true
	}
	var err error
	if *at, err = time.Parse(time.DateOnly, text); err == nil {
		*at = at.Add(inDay)
		return true
	}
	*at, err = time.Parse(time.RFC3339, strings.Trim(text, `"`))
	return err == nil
}

// fits reports whether an entry has the term. Values are compared exactly.
func (s searchTerm) fits(entry logEntry) bool {
	switch s.field {
	case "date":
		return !entry.at.Before(s.from) && (s.to.IsZero() || !entry.at.After(s.to))
	case "type":
		return entry.kind == s.value
	case "connection_id":
		return entry.connectionID == s.value
	case "organization_id":
		return entry.organizationID == s.value
	default:
		return entry.userID == s.value
	}
}
