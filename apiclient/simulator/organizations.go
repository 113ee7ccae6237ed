package simulator

import "net/http"

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
