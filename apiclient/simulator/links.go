package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// linkBody is a link as the API shows it.
type linkBody struct {
	ConnectionID            string         `json:"connection_id"`
	AssignMembershipOnLogin bool           `json:"assign_membership_on_login"`
	IsSignupEnabled         *bool          `json:"is_signup_enabled,omitempty"`
	ShowAsButton            bool           `json:"show_as_button"`
	IsEnabled               *bool          `json:"is_enabled,omitempty"`
	AccessLevel             string         `json:"organization_access_level,omitempty"`
	Alias                   string         `json:"organization_connection_name,omitempty"`
	Connection              connectionName `json:"connection"`
}

type connectionName struct {
	Name     string `json:"name"`
	Strategy string `json:"strategy"`
}

// newer tells the connections family from the enabled_connections family.
func (c *call) newer() bool { return c.family == "connections" }

// linkBody shows a link in the family of the call. The older family knows
// nothing of is_enabled, except that a link that is off says so.
func (t *Tenant) linkBody(c *call, link EnabledConnection) linkBody {
	body := linkBody{
		ConnectionID:            link.ConnectionID,
		AssignMembershipOnLogin: link.AssignMembershipOnLogin,
		ShowAsButton:            link.ShowAsButton,
	}
	if connection, ok := t.connections.byID[link.ConnectionID]; ok {
		body.Connection = connectionName{connection.name, connection.strategy}
	}
	if body.Connection.Strategy == databaseStrategy {
		body.IsSignupEnabled = new(link.IsSignupEnabled)
	}
	if link.Off || c.newer() {
		body.IsEnabled = new(!link.Off)
	}
	if c.newer() {
		body.AccessLevel, body.Alias = link.AccessLevel, link.Alias
		if body.AccessLevel == "" {
			body.AccessLevel = "none"
		}
	}
	return body
}

func (t *Tenant) listLinks(c *call) reply {
	query := c.URL.Query()
	p, refusal := readPage(query)
	if refusal != nil {
		return *refusal
	}
	p.checkpoint = false // these lists have offset paging only
	o, ok := t.organizations.byID[c.id]
	if !ok && !t.config.EmptyForUnknown {
		return noSuchOrganization()
	}
	var links []linkBody
	if ok {
		wanted, err := strconv.ParseBool(query.Get("is_enabled"))
		for _, link := range o.links {
			if !c.newer() || err != nil || wanted != link.Off {
				links = append(links, t.linkBody(c, link))
			}
		}
	}
	return listReply(p, c.family, window(p, links), len(links))
}

func (t *Tenant) getLink(c *call) reply {
	o, ok := t.organizations.byID[c.id]
	if !ok {
		return noSuchOrganization()
	}
	link := o.link(c.linked)
	if link == nil {
		return noSuchLink()
	}
	return jsonReply(http.StatusOK, t.linkBody(c, *link))
}

func (t *Tenant) deleteLink(c *call) reply {
	o, ok := t.organizations.byID[c.id]
	if !ok && !t.config.EmptyForUnknown {
		return noSuchOrganization()
	}
	removed := ok && o.unlink(c.linked)
	if ok && !removed && t.config.DeleteMissingStatus == http.StatusNotFound {
		return noSuchLink()
	}
	return reply{status: http.StatusNoContent}
}

func (t *Tenant) createLink(c *call) reply {
	o, ok := t.organizations.byID[c.id]
	if !ok {
		return noSuchOrganization()
	}
	s, refusal := readSettings(c)
	if refusal != nil {
		return *refusal
	}
	if s.ConnectionID == nil || *s.ConnectionID == "" {
		return badBody("Payload validation error: 'Missing required property: connection_id'.")
	}
	connection, ok := t.connections.byID[*s.ConnectionID]
	if !ok {
		return noSuchLink()
	}
	if o.link(connection.id) != nil {
		if rep := t.duplicate(c); rep.status != http.StatusCreated {
			return rep
		}
	}
	link, refusal := s.apply(DefaultSettings(connection.id), connection.strategy)
	if refusal != nil {
		return *refusal
	}
	t.enable(o.id, link)
	return jsonReply(http.StatusCreated, t.linkBody(c, link))
}

// duplicate answers a POST of a pair that is enabled. The newer family's 409
// is documented, the older family's answer is not known.
func (t *Tenant) duplicate(c *call) reply {
	status := t.config.DuplicateStatus
	if status == 0 || c.newer() {
		status = http.StatusConflict
	}
	return problem(status, "", "The connection is already enabled for this organization")
}

func (t *Tenant) updateLink(c *call) reply {
	o, ok := t.organizations.byID[c.id]
	if !ok {
		return noSuchOrganization()
	}
	s, refusal := readSettings(c)
	if refusal != nil {
		return *refusal
	}
	if s.ConnectionID != nil {
		return badBody("Payload validation error: 'Additional properties not allowed: connection_id'.")
	}
	old := o.link(c.linked)
	if old == nil {
		return noSuchLink()
	}
	link, refusal := s.apply(*old, t.ensureConnection(c.linked, "", databaseStrategy))
	if refusal != nil {
		return *refusal
	}
	*old = link
	return jsonReply(http.StatusOK, t.linkBody(c, link))
}

// settings is the body of a POST or PATCH. What is absent is nil.
type settings struct {
	ConnectionID            *string `json:"connection_id"`
	AssignMembershipOnLogin *bool   `json:"assign_membership_on_login"`
	IsSignupEnabled         *bool   `json:"is_signup_enabled"`
	ShowAsButton            *bool   `json:"show_as_button"`
	newerSettings
}

// newerSettings are known to the connections family only.
type newerSettings struct {
	IsEnabled   *bool   `json:"is_enabled"`
	AccessLevel *string `json:"organization_access_level"`
	Alias       *string `json:"organization_connection_name"`
}

func readSettings(c *call) (s settings, refusal *reply) {
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&s)
	switch {
	case err != nil:
		return s, new(badBody(fmt.Sprintf("Payload validation error: '%s'.", err)))
	case !c.newer() && s.newerSettings != newerSettings{}:
		return s, new(badBody("Payload validation error: 'Additional properties not allowed'."))
	}
	return s, nil
}

// apply returns the link with what the body sets, or the refusal of a
// combination that is not allowed.
func (s settings) apply(link EnabledConnection, strategy string) (EnabledConnection, *reply) {
	set(&link.AssignMembershipOnLogin, s.AssignMembershipOnLogin)
	set(&link.IsSignupEnabled, s.IsSignupEnabled)
	set(&link.ShowAsButton, s.ShowAsButton)
	set(&link.AccessLevel, s.AccessLevel)
	set(&link.Alias, s.Alias)
	if s.IsEnabled != nil {
		link.Off = !*s.IsEnabled
	}
	if link.IsSignupEnabled && !link.AssignMembershipOnLogin {
		return link, new(badBody("is_signup_enabled can only be enabled if assign_membership_on_login is enabled"))
	}
	switch link.AccessLevel {
	case "", "none", "readonly", "limited", "full":
	default:
		return link, new(badBody("Payload validation error: 'No enum match' on property organization_access_level."))
	}
	link.IsSignupEnabled = link.IsSignupEnabled && strategy == databaseStrategy
	return link, nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}
