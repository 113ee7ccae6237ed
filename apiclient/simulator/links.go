package simulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
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

// showLink returns a link as the call's family shows it. The older family has
// is_enabled only for a link that is off.
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
	if link.Off || c.isNewer() {
		body.IsEnabled = new(!link.Off)
	}
	if c.isNewer() {
		body.AccessLevel, body.Alias = cmp.Or(link.AccessLevel, "none"), link.Alias
	}
	return body
}

func (t *Tenant) listLinks(c *call) *response {
	query := c.URL.Query()
	p, refusal := parsePage(query)
	if refusal != nil {
		return refusal
	}
	p.checkpoint = false // these lists have offset paging only
	o, ok := t.organizations.byID[c.id]
	if !ok && !t.config.EmptyForUnknown {
		return organizationNotFound()
	}
	var links []linkBody
	if ok {
		wanted, err := strconv.ParseBool(query.Get("is_enabled"))
		for _, link := range o.links {
			if !c.isNewer() || err != nil || wanted != link.Off {
				links = append(links, t.showLink(c, link))
			}
		}
	}
	return listResponse(p, c.route.family, pageOf(p, links), len(links))
}

func (t *Tenant) getLink(c *call) *response {
	o, ok := t.organizations.byID[c.id]
	if !ok {
		return organizationNotFound()
	}
	link := o.link(c.connectionID)
	if link == nil {
		return linkNotFound()
	}
	return jsonResponse(http.StatusOK, t.showLink(c, *link))
}

func (t *Tenant) deleteLink(c *call) *response {
	o, ok := t.organizations.byID[c.id]
	if !ok && !t.config.EmptyForUnknown {
		return organizationNotFound()
	}
	removed := ok && o.unlink(c.connectionID)
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
	t.enable(o.id, link)
	return jsonResponse(http.StatusCreated, t.showLink(c, link))
}

// duplicateStatus is for a POST of a pair that is enabled already. The newer
// family's 409 is documented; what the older family does is not known.
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
	*old = link
	return jsonResponse(http.StatusOK, t.showLink(c, link))
}

// settings is the body of a POST or PATCH. Absent settings are nil.
type settings struct {
	ConnectionID            *string `json:"connection_id"`
	AssignMembershipOnLogin *bool   `json:"assign_membership_on_login"`
	IsSignupEnabled         *bool   `json:"is_signup_enabled"`
	ShowAsButton            *bool   `json:"show_as_button"`
	newerSettings
}

// newerSettings are the settings that only the newer family accepts.
type newerSettings struct {
	IsEnabled   *bool   `json:"is_enabled"`
	AccessLevel *string `json:"organization_access_level"`
	Alias       *string `json:"organization_connection_name"`
}

func parseSettings(c *call) (s settings, refusal *response) {
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&s)
	switch {
	case err != nil:
		return s, badBody(fmt.Sprintf("Payload validation error: '%s'.", err))
	case !c.isNewer() && s.newerSettings != newerSettings{}:
		return s, badBody("Payload validation error: 'Additional properties not allowed'.")
	}
	return s, nil
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
	if link.IsSignupEnabled && !link.AssignMembershipOnLogin {
		return link, badBody("is_signup_enabled can only be enabled if assign_membership_on_login is enabled")
	}
	switch link.AccessLevel {
	case "none":
		link.AccessLevel = ""
	case "", "readonly", "limited", "full":
	default:
		return link, badBody("Payload validation error: 'No enum match' on property organization_access_level.")
	}
	link.IsSignupEnabled = link.IsSignupEnabled && strategy == databaseStrategy
	return link, nil
}

// set overwrites a setting if there is a new value.
func set[T any](setting, value *T) {
	if value != nil {
		*setting = *value
	}
}
