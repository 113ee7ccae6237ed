package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The two families of endpoints for an organization's links, by the end of
// their path. The newer one is Early Access at Auth0; it alone knows
// is_enabled, access level and name.
const (
	olderFamily = "enabled_connections"
	newerFamily = "connections"
)

// linkBody is a link as the API shows it.
type linkBody struct {
	ConnectionID            string            `json:"connection_id"`
	AssignMembershipOnLogin bool              `json:"assign_membership_on_login"`
	IsSignupEnabled         *bool             `json:"is_signup_enabled,omitempty"`
	ShowAsButton            bool              `json:"show_as_button"`
	IsEnabled               *bool             `json:"is_enabled,omitempty"`
	AccessLevel             string            `json:"organization_access_level,omitempty"`
	Alias                   string            `json:"organization_connection_name,omitempty"`
	Connection              connectionSummary `json:"connection"`
}

type connectionSummary struct {
	Name     string `json:"name"`
	Strategy string `json:"strategy"`
}

// isNewer reports whether the call is to the newer family.
func (c *call) isNewer() bool { return c.route.family == newerFamily }

// showLink returns a link as the call's family shows it.
func (t *Tenant) showLink(c *call, link EnabledConnection) linkBody {
	connection := t.connections.byID[link.ConnectionID] // removed only with its links
	body := linkBody{
		ConnectionID:            link.ConnectionID,
		AssignMembershipOnLogin: link.AssignMembershipOnLogin,
		ShowAsButton:            link.ShowAsButton,
		Connection:              connectionSummary{connection.name, connection.strategy},
	}
	if connection.strategy == databaseStrategy {
		body.IsSignupEnabled = new(link.IsSignupEnabled)
	}
	if c.isNewer() {
		body.IsEnabled = new(!link.Off)
		body.AccessLevel, body.Alias = cmp.Or(link.AccessLevel, "none"), link.Alias
	}
	return body
}

func (t *Tenant) listLinks(c *call) *response {
	query := c.URL.Query()
	p, refusal := parseOffset(query)
	if refusal != nil {
		return refusal
	}
	o, ok := t.organizations.byID[c.id]
	if !ok && !t.config.EmptyForUnknown {
		return organizationNotFound()
	}
	var links []linkBody
	if ok {
		wanted, err := strconv.ParseBool(query.Get("is_enabled"))
		for _, link := range o.links {
			if t.shows(c, link) && (!c.isNewer() || err != nil || wanted != link.Off) {
				links = append(links, t.showLink(c, link))
			}
		}
	}
	slices.SortFunc(links, func(a, b linkBody) int { // as recorded
		return strings.Compare(strings.ToLower(a.ConnectionID), strings.ToLower(b.ConnectionID))
	})
	return listResponse(p, c.route.family, pageOf(p, links), len(links))
}

// shows reports whether the call's family shows a link at all.
func (t *Tenant) shows(c *call, link EnabledConnection) bool {
	return c.isNewer() || !link.Off || !t.config.OmitOff
}

func (t *Tenant) getLink(c *call) *response {
	o, ok := t.organizations.byID[c.id]
	if !ok {
		return organizationNotFound()
	}
	link := o.link(c.connectionID)
	if link == nil || !t.shows(c, *link) {
		return linkNotFound()
	}
	return jsonResponse(http.StatusOK, t.showLink(c, *link))
}

func (t *Tenant) deleteLink(c *call) *response {
	o, ok := t.organizations.byID[c.id]
	if !ok && !t.config.EmptyForUnknown {
		return organizationNotFound()
	}
	hadWayIn := ok && o.hasWayIn()
	removed := ok && o.unlink(c.connectionID)
	if hadWayIn {
		t.noteLockout(o)
	}
	if ok && !removed && t.config.DeleteMissingStatus == http.StatusNotFound {
		return linkNotFound()
	}
	return &response{status: http.StatusNoContent}
}

func (t *Tenant) createLink(c *call) *response {
	o, ok := t.organizations.byID[c.id]
	if !ok {
		return organizationNotFound()
	}
	s, refusal := parseSettings(c)
	if refusal != nil {
		return refusal
	}
	if s.ConnectionID == nil || *s.ConnectionID == "" {
		return badBody("Payload validation error: 'Missing required property: connection_id'.")
	}
	connection, ok := t.connections.byID[*s.ConnectionID]
	if !ok {
		return linkNotFound()
	}
	if status := t.duplicateStatus(c); status != http.StatusCreated && o.link(connection.id) != nil {
		return errorResponse(status, "", "The connection is already enabled for this organization")
	}
	link, refusal := s.apply(DefaultSettings(connection.id), connection.strategy)
	if refusal != nil {
		return refusal
	}
	if o.link(connection.id) == nil && o.isFull() {
		return errorResponse(http.StatusBadRequest, "", "The organization has reached the limit of 10 connections")
	}
	t.enable(o.id, link)
	return jsonResponse(http.StatusCreated, t.showLink(c, link))
}

// maxLinks is how many connections an organization may have, by Auth0's entity limit
// policy. What Auth0 answers to one more is not known.
const maxLinks = 10

// isFull reports whether the organization has so many. SpareConnection does not count,
// as the tenant that is simulated does not have it.
func (o *organization) isFull() bool {
	n := len(o.links)
	if o.link(SpareConnection) != nil {
		n--
	}
	return n >= maxLinks
}

// duplicateStatus is for a POST of a pair that is enabled already. 409 is documented
// for both families, for the older one since September 2026.
func (t *Tenant) duplicateStatus(c *call) int {
	if c.isNewer() {
		return http.StatusConflict
	}
	return cmp.Or(t.config.DuplicateStatus, http.StatusConflict)
}

func (t *Tenant) updateLink(c *call) *response {
	o, ok := t.organizations.byID[c.id]
	if !ok {
		return organizationNotFound()
	}
	s, refusal := parseSettings(c)
	if refusal != nil {
		return refusal
	}
	if s.ConnectionID != nil {
		return badBody("Payload validation error: 'Additional properties not allowed: connection_id'.")
	}
	old := o.link(c.connectionID)
	if old == nil {
		return linkNotFound()
	}
	link, refusal := s.apply(*old, t.connections.byID[c.connectionID].strategy)
	if refusal != nil {
		return refusal
	}
	hadWayIn := o.hasWayIn()
	*old = link
	if hadWayIn {
		t.noteLockout(o)
	}
	return jsonResponse(http.StatusOK, t.showLink(c, link))
}

func (o *organization) hasWayIn() bool {
	return slices.ContainsFunc(o.links, func(link EnabledConnection) bool { return !link.Off })
}

// noteLockout notes an organization that had a way in, and has none now.
func (t *Tenant) noteLockout(o *organization) {
	if !o.hasWayIn() {
		t.lockouts = append(t.lockouts, o.id)
	}
}

// Lockouts returns the organizations that a call has left without an enabled connection
// so far, though they may have one again.
func (t *Tenant) Lockouts() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.lockouts)
}

// settings is the body of a POST or PATCH. Absent settings are nil. The texts are "" if
// the body says null.
type settings struct {
	ConnectionID            *string
	AssignMembershipOnLogin *bool
	IsSignupEnabled         *bool
	ShowAsButton            *bool
	IsEnabled               *bool
	AccessLevel             *string
	Alias                   *string
}

// fields are where the properties go that the call's family knows.
func (s *settings) fields(c *call) map[string]any {
	fields := map[string]any{
		"connection_id":              &s.ConnectionID,
		"assign_membership_on_login": &s.AssignMembershipOnLogin,
		"is_signup_enabled":          &s.IsSignupEnabled,
		"show_as_button":             &s.ShowAsButton,
	}
	if c.isNewer() {
		fields["is_enabled"] = &s.IsEnabled
		fields["organization_access_level"] = &s.AccessLevel
		fields["organization_connection_name"] = &s.Alias
	}
	return fields
}

func parseSettings(c *call) (s settings, refusal *response) {
	var body map[string]any
	if json.Unmarshal(c.body, &body) != nil || body == nil {
		return s, badBody("Payload validation error: 'Expected type object'.")
	}
	fields := s.fields(c)
	for _, name := range slices.Sorted(maps.Keys(body)) {
		field, known := fields[name]
		if !known {
			return s, badBody(fmt.Sprintf("Payload validation error: 'Additional properties not allowed: %s'.", name))
		}
		if problem := setField(field, body[name], name != "connection_id"); problem != "" {
			return s, badBody(fmt.Sprintf("Payload validation error: '%s' on property %s.", problem, name))
		}
	}
	return s, nil
}

// setField sets a field of settings to a property's value, or says why it is none.
func setField(field, value any, nullable bool) (problem string) {
	const maxText = 50
	switch field := field.(type) {
	case **bool:
		on, ok := value.(bool)
		if !ok {
			return "Expected type boolean but found type " + typeOf(value)
		}
		*field = &on
	case **string:
		text, ok := value.(string)
		switch {
		case value == nil && nullable:
		case !ok:
			return "Expected type string but found type " + typeOf(value)
		case text == "":
			return "String is too short (0 chars), minimum 1"
		case utf8.RuneCountInString(text) > maxText:
			return fmt.Sprintf("String is too long (%d chars), maximum %d", utf8.RuneCountInString(text), maxText)
		}
		*field = &text
	}
	return ""
}

// typeOf is the JSON type of a value.
func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// apply returns the link with the settings of the body, or a refusal if their
// values or their combination are not allowed.
func (s settings) apply(link EnabledConnection, strategy string) (changed EnabledConnection, refusal *response) {
	set(&link.AssignMembershipOnLogin, s.AssignMembershipOnLogin)
	set(&link.IsSignupEnabled, s.IsSignupEnabled)
	set(&link.ShowAsButton, s.ShowAsButton)
	set(&link.AccessLevel, s.AccessLevel)
	set(&link.Alias, s.Alias)
	if s.IsEnabled != nil {
		link.Off = !*s.IsEnabled
	}
	isDatabase := strategy == databaseStrategy
	asked := s.IsSignupEnabled != nil || isDatabase && s.AssignMembershipOnLogin != nil
	if asked && link.IsSignupEnabled && !(isDatabase && link.AssignMembershipOnLogin) {
		return link, badBody("Only database connections with assign_membership_on_login = true support is_signup_enabled = true.")
	}
	switch link.AccessLevel {
	case "none":
		link.AccessLevel = ""
	case "", "readonly", "limited", "full":
	default:
		return link, badBody("Payload validation error: 'No enum match' on property organization_access_level.")
	}
	if s.Alias != nil && strings.ContainsFunc(link.Alias, unicode.IsSpace) {
		return link, badBody("Payload validation error: 'String does not match pattern' on property organization_connection_name.")
	}
	return link, nil
}

// set overwrites a setting if there is a new value.
func set[T any](setting, value *T) {
	if value != nil {
		*setting = *value
	}
}
