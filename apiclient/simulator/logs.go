package simulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/http"
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
	number                       int // from 1
	at                           time.Time
	kind                         string
	organizationID, connectionID string // of a login
	correlationID                string // of a write; may be empty
}

// Login adds a user's successful login to the tenant's log.
func (t *Tenant) Login(organizationID, connectionID string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.addLog(logEntry{at: at, kind: loginType, organizationID: organizationID, connectionID: connectionID})
}

// SeedLogins adds a login through a share of the links, from 0 to 1, at a time between
// now and so long ago. Which links these are, and how long ago each login is, depends on
// the ids alone.
func (t *Tenant) SeedLogins(share float64, ago time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for _, o := range t.organizations.list {
		for _, link := range o.links {
			sum := sha256.Sum256([]byte(o.id + link.ConnectionID))
			if part := float64(binary.BigEndian.Uint32(sum[:])) / (1 << 32); part < share {
				age := time.Duration(part / share * float64(ago))
				t.addLog(logEntry{at: now.Add(-age), kind: loginType, organizationID: o.id, connectionID: link.ConnectionID})
			}
		}
	}
}

// logWrite adds a call to the log if it was a successful write. A response that is lost
// on its way changes nothing about that.
func (t *Tenant) logWrite(c *call, resp *response) {
	if c.Method != http.MethodGet && c.URL.Path != tokenPath && resp.status < 300 {
		t.addLog(logEntry{at: time.Now(), kind: writeType, correlationID: c.Header.Get("X-Correlation-ID")})
	}
}

func (t *Tenant) addLog(entry logEntry) {
	t.logged++
	entry.number = t.logged
	t.logs[entry.organizationID] = append(t.logs[entry.organizationID], entry)
}

// body is the entry as the API shows it. The real one has many more fields.
func (e logEntry) body() map[string]any {
	body := map[string]any{
		"date": e.at.UTC().Format("2006-01-02T15:04:05.000Z07:00"), "type": e.kind, "log_id": fmt.Sprintf("9002026%017d", e.number),
	}
	if e.kind == loginType {
		body["organization_id"], body["connection_id"] = e.organizationID, e.connectionID
	}
	if e.correlationID != "" {
		body["references"] = map[string]string{"correlation_id": e.correlationID}
	}
	return body
}

func (t *Tenant) listLogs(c *call) *response {
	query := c.URL.Query()
	if query.Has("take") || query.Has("from") {
		return notSimulated("paging by the id of an entry", "from")
	}
	p, refusal := parseOffset(query)
	if refusal != nil {
		return refusal
	}
	// Auth0 documents q; its SDKs also have search.
	terms, refusal := parseSearch(cmp.Or(query.Get("q"), query.Get("search")))
	if refusal != nil {
		return refusal
	}
	found, refusal := sortLogs(t.searchLogs(terms), query.Get("sort"))
	if refusal != nil {
		return refusal
	}
	var items []map[string]any
	for _, entry := range pageOf(p, found) {
		items = append(items, selectFields(entry.body(), query))
	}
	return listResponse(p, "logs", items, len(found))
}

// searchLogs returns the entries that match all terms and that the tenant finds by now
// and still keeps.
func (t *Tenant) searchLogs(terms []searchTerm) (found []logEntry) {
	now := time.Now()
	for _, entry := range t.logsOf(terms) {
		age := now.Sub(entry.at)
		kept := t.config.LogRetention == 0 || age < t.config.LogRetention
		differs := func(term searchTerm) bool { return !term.matches(entry) }
		if age >= t.config.LogDelay && kept && !slices.ContainsFunc(terms, differs) {
			found = append(found, entry)
		}
	}
	return found
}

// logsOf returns the entries of the organization that the terms name, or all entries. A
// job asks once for each of its pairs, so the whole log would take too long.
func (t *Tenant) logsOf(terms []searchTerm) (entries []logEntry) {
	for _, term := range terms {
		if term.field == "organization_id" {
			return t.logs[term.value]
		}
	}
	for _, some := range t.logs {
		entries = append(entries, some...)
	}
	return entries
}

// sortLogs sorts by date, and the entries of the same time by number. The newest is first
// by default, which is not documented.
func sortLogs(entries []logEntry, order string) (sorted []logEntry, refusal *response) {
	if order != "" && order != "date:1" && order != "date:-1" {
		return nil, badQuery("'String does not match pattern' on property sort.")
	}
	slices.SortFunc(entries, func(a, b logEntry) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.number, b.number))
	})
	if order != "date:1" {
		slices.Reverse(entries)
	}
	return entries, nil
}

// searchTerm is one condition of a search: a value or, for dates, a range.
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
		field, value, _ := strings.Cut(strings.TrimSpace(part), ":")
		term := searchTerm{field: field, value: unquote(value)}
		ok := term.value != "" && !strings.ContainsAny(term.value, `"* ()?~`)
		switch field {
		case "type", "organization_id", "connection_id":
		case "date":
			ok = term.parseRange(value)
		default:
			ok = false
		}
		if !ok {
			return nil, notSimulated("the search "+part, "q")
		}
		terms = append(terms, term)
	}
	return terms, nil
}

// unquote removes the quotes around a value, if there are any.
func unquote(value string) string {
	if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
		return value[1 : n-1]
	}
	return value
}

// notSimulated refuses a query that Auth0 may accept.
func notSimulated(what, property string) *response {
	return badQuery(fmt.Sprintf("'Not simulated: %s' on property %s.", what, property))
}

// parseRange reads a range of dates that includes both ends, and reports whether it is
// one.
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
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		*at = day.Add(inDay)
		return true
	}
	var err error
	*at, err = time.Parse(time.RFC3339, text)
	return err == nil
}

// matches reports whether an entry satisfies the term. Values are compared exactly.
func (s searchTerm) matches(entry logEntry) bool {
	switch s.field {
	case "date":
		return !entry.at.Before(s.from) && (s.to.IsZero() || !entry.at.After(s.to))
	case "type":
		return entry.kind == s.value
	case "connection_id":
		return entry.connectionID == s.value
	}
	return entry.organizationID == s.value
}
