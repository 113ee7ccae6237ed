package simulator

import (
	"net/http"
	"strings"
)

// scopesElsewhere returns the scope of an endpoint that Auth0 has and that is not
// simulated, and nil for any other path. It goes by the segments of the path that are no
// ids, so some paths that Auth0 does not have get a scope too.
func scopesElsewhere(c *call) []string {
	action := map[string]string{"GET": "read", "POST": "create", "PATCH": "update", "PUT": "update", "DELETE": "delete"}[c.Method]
	path, ok := strings.CutPrefix(c.URL.Path, "/api/v2/")
	if !ok || action == "" {
		return nil
	}
	segments := strings.Split(path, "/")
	key := segments[0]
	if (key == "organizations" || key == "connections") && len(segments) > 2 {
		key += "/" + segments[2]
	}
	resource, ok := scopesByPath()[key]
	if !ok {
		return nil
	}
	if key == "organizations/members" && len(segments) > 4 {
		resource = "organization_member_roles"
	}
	if resource == "" {
		resource = strings.ReplaceAll(key, "-", "_")
	}
	return []string{action + ":" + resource}
}

// scopesByPath returns what the scopes of such endpoints are for, by the first segment of
// their path or, below an organization or a connection, by that and the third one. It is
// "" if it is the segment itself.
func scopesByPath() map[string]string {
	table := map[string]string{
		"anomaly": "anomaly_blocks", "emails": "email_provider", "guardian": "guardian_factors", "jobs": "users",
		"keys": "signing_keys", "risk-assessments": "attack_protection", "supplemental-signals": "attack_protection",
		"tenants": "tenant_settings", "tickets": "user_tickets", "user-blocks": "users", "users-by-email": "users",
		"verifiable-credentials": "vdcs_templates",

		"connections/clients": "connections", "connections/directory-provisioning": "directory_provisionings",
		"connections/keys": "connections_keys", "connections/scim-configuration": "scim_config",
		"connections/status": "connections", "connections/users": "users",

		"organizations/client-grants": "organization_client_grants", "organizations/clients": "organization_clients",
		"organizations/discovery-domains": "organization_discovery_domains", "organizations/groups": "organization_groups",
		"organizations/invitations": "organization_invitations", "organizations/members": "organization_members",
		"organizations/organization-templates": "organization_templates", "organizations/roles": "organization_member_roles",
	}
	for _, segment := range []string{
		"actions", "agents", "attack-protection", "branding", "client-grants", "clients", "connection-profiles",
		"connections", "custom-domains", "device-credentials", "email-templates", "event-streams", "events", "flows",
		"forms", "grants", "groups", "hooks", "log-streams", "logs", "network-acls", "organization-templates",
		"organizations", "prompts", "rate-limit-policies", "refresh-tokens", "resource-servers", "roles", "rules",
		"rules-configs", "self-service-profiles", "sessions", "stats", "token-exchange-profiles",
		"user-attribute-profiles", "users",
	} {
		table[segment] = ""
	}
	return table
}

// refuseElsewhere responds as Auth0 does to a token without the endpoint's scope. A token
// that has it is refused too, since "Not Found" would say that Auth0 lacks the endpoint.
func (t *Tenant) refuseElsewhere(c *call, h http.Header) *response {
	if refusal := t.authenticate(c, h); refusal != nil {
		return refusal
	}
	return errorResponse(http.StatusForbidden, "insufficient_scope",
		"This endpoint is not simulated. At Auth0 its scope is "+c.route.scopes[0])
}
