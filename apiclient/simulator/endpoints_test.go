package simulator

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// link1 is the enabled link of sample, as the older family shows it.
const link1 = `{"connection_id":"con_0000000000000001","assign_membership_on_login":false,"is_signup_enabled":false,
	"show_as_button":true,"connection":{"name":"users","strategy":"auth0"}}`

func TestOlderFamily(t *testing.T) {
	tenant := sample(Config{})
	inMemory(t, tenant).steps([]step{
		{"GET", links, "", 200, "[" + link1 + "]"},
		{"GET", links + "?include_totals=true&per_page=100", "", 200, `{"enabled_connections":[` + link1 + `],"start":0,"limit":1,"total":1}`},
		{"GET", links + "?page=1", "", 200, "[]"},
		{"GET", links + "/" + con1, "", 200, link1},
		{"GET", links + "/" + con2, "", 404, `{"statusCode":404,"error":"Not Found","message":"No connection found by that id"}`},
		{"POST", links, `{"connection_id":"` + con2 + `","assign_membership_on_login":true,"show_as_button":false}`, 201,
			`{"connection_id":"con_0000000000000002","assign_membership_on_login":true,"show_as_button":false,"connection":{"name":"corp","strategy":"samlp"}}`},
		{"POST", links, `{"connection_id":"` + con2 + `"}`, 409, "already enabled"},
		{"PATCH", links + "/" + con2, `{"show_as_button":true}`, 200, `"show_as_button":true`},
		{"DELETE", links + "/" + con1, "", 204, ""},
		{"DELETE", links + "/" + con1, "", 204, ""},
		{"PATCH", links + "/" + con1, `{}`, 404, "No connection found"},
		{"POST", links, `{"connection_id":"` + con1 + `"}`, 201, link1},
	})
	want := []EnabledConnection{{ConnectionID: con2, AssignMembershipOnLogin: true, ShowAsButton: true}, DefaultSettings(con1)}
	if diff := cmp.Diff(want, tenant.Enabled(org1)); diff != "" {
		t.Error(diff)
	}
}

func TestNewerFamily(t *testing.T) {
	tenant := sample(Config{})
	full := strings.TrimSuffix(link1, "}") + `,"is_enabled":%s,"organization_access_level":"none"}`
	inMemory(t, tenant).steps([]step{
		{"GET", newer + "?include_totals=true", "", 200, `{"connections":[` + fmt.Sprintf(full, "true") + `],"start":0,"limit":50,"total":1}`},
		{"PATCH", newer + "/" + con1, `{"is_enabled":false}`, 200, fmt.Sprintf(full, "false")},
		{"GET", newer + "?is_enabled=true", "", 200, "[]"},
		{"GET", newer + "?is_enabled=false", "", 200, "[" + fmt.Sprintf(full, "false") + "]"},
		{"GET", links, "", 200, "[" + link1 + "]"}, // nothing tells that it is off
		{"PATCH", newer + "/" + con2, `{"is_enabled":false}`, 404, "No connection found"},
		{"POST", newer, `{"connection_id":"` + con1 + `"}`, 409, "already enabled"},
		{"POST", newer, `{"connection_id":"` + con2 + `","organization_access_level":"all"}`, 400, "invalid_body"},
		{"POST", newer, `{"connection_id":"` + con2 + `","organization_access_level":"full","organization_connection_name":"x"}`, 201, `"organization_connection_name":"x"`},
		{"GET", newer + "/" + con2, "", 200, `"organization_access_level":"full"`},
		{"PATCH", newer + "/" + con2, `{"organization_access_level":null,"organization_connection_name":null}`, 200,
			`{"connection_id":"con_0000000000000002","assign_membership_on_login":false,"show_as_button":true,"connection":{"name":"corp","strategy":"samlp"},
			"is_enabled":true,"organization_access_level":"none"}`},
		{"PATCH", newer + "/" + con2, `{"organization_connection_name":"two words"}`, 400, "does not match pattern' on property organization_connection_name"},
		{"PATCH", newer + "/" + con2, `{"organization_connection_name":""}`, 400, "too short"},
		{"PATCH", newer + "/" + con2, `{"organization_connection_name":"` + strings.Repeat("x", 51) + `"}`, 400, "too long (51 chars), maximum 50"},
		{"PATCH", newer + "/" + con2, `{"is_enabled":"no"}`, 400, "'Expected type boolean but found type string' on property is_enabled."},
		{"PATCH", newer + "/" + con2, `{"is_enabled":null}`, 400, "found type null"},
		{"DELETE", newer + "/" + con2, "", 204, ""},
		{"PATCH", newer + "/" + con1, `{"is_enabled":true}`, 200, fmt.Sprintf(full, "true")},
	})
}

func TestBadRequestsAreRefused(t *testing.T) {
	long := strings.Repeat("x", 51)
	inMemory(t, sample(Config{})).steps([]step{
		{"POST", links, `{"connection_id":"` + con2 + `","is_signup_enabled":true,"assign_membership_on_login":true}`, 400,
			"Only database connections with assign_membership_on_login = true support is_signup_enabled = true."},
		{"POST", links, `{"connection_id":"` + con2 + `","is_enabled":true}`, 400, "invalid_body"},
		{"POST", links, `{"connection_id":"` + con2 + `","color":"red"}`, 400, "Payload validation error"},
		{"POST", links, `{}`, 400, "Missing required property"},
		{"POST", links, ``, 400, "'Expected type object'"},
		{"POST", links, `[]`, 400, "'Expected type object'"},
		{"POST", links, `{"connection_id":"con_9999999999999999"}`, 404, "No connection found"},
		{"PATCH", links + "/" + con1, `{"connection_id":"` + con1 + `"}`, 400, "Additional properties"},
		{"PATCH", links + "/" + con1, `{"is_signup_enabled":true}`, 400, "Only database connections"},
		{"DELETE", links + "/con_" + long, "", 400, `"errorCode":"invalid_uri"`},
		{"GET", "/api/v2/organizations/" + long, "", 400, "maximum 50"},
		{"GET", links + "?per_page=1000", "", 400, "'Value 1000 is greater than maximum 100' on property per_page"},
		{"GET", links + "?page=-1", "", 400, "less than minimum 0"},
		{"GET", links + "?page=x", "", 400, "Query validation error"},
		{"DELETE", "/api/v2/organizations/org_9999999999999999/enabled_connections/" + con1, "", 404, "No organization found"},
		{"DELETE", links + "/", "", 404, "Not Found"},
		{"DELETE", links, "", 404, "Not Found"},
		{"DELETE", links + "/" + con1 + "/more/and/more", "", 404, "Not Found"},
		{"GET", links + "?per_page=101&take=5", "", 400, "property per_page"},
		{"GET", "/api/v2/nonsense", "", 404, "Not Found"},
		{"GET", "/api/v2/organizations/first/name", "", 404, "Not Found"},
		{"GET", "/", "", 404, "Not Found"},
	})
}

// What Auth0 has and the tenant lacks is never "Not Found", whatever the token may do.
func TestEndpointsThatAreNotSimulated(t *testing.T) {
	tenant := sample(Config{})
	c := inMemory(t, tenant)
	organization := "/api/v2/organizations/" + org1
	for _, s := range []struct{ method, path, scope string }{
		{"DELETE", "/api/v2/connections/" + con1, "delete:connections"},
		{"GET", "/api/v2/clients?page=1", "read:clients"},
		{"PATCH", "/api/v2/tenants/settings", "update:tenant_settings"},
		{"GET", "/api/v2/jobs/job_1", "read:users"},
		{"GET", "/api/v2/users-by-email?email=a", "read:users"},
		{"GET", "/api/v2/log-streams", "read:log_streams"},
		{"POST", "/api/v2/organizations", "create:organizations"},
		{"DELETE", organization, "delete:organizations"},
		{"GET", organization + "/members", "read:organization_members"},
		{"POST", organization + "/members/auth0%7C1/roles", "create:organization_member_roles"},
		{"GET", organization + "/invitations", "read:organization_invitations"},
		{"PUT", "/api/v2/connections/" + con1 + "/scim-configuration", "update:scim_config"},
	} {
		c.token = tenant.IssueToken("read:prompts")
		c.want(s.method, s.path, "", 403, `{"statusCode":403,"error":"Forbidden","errorCode":"insufficient_scope",
			"message":"Insufficient scope, expected any of: `+s.scope+`"}`)
		c.token = tenant.IssueToken(s.scope)
		c.want(s.method, s.path, "", 403, "This endpoint is not simulated. At Auth0 its scope is "+s.scope)
		c.token = "no.known.token"
		c.want(s.method, s.path, "", 401, "Unauthorized")
	}
}

// These lists have offset paging only.
func TestLinksHaveNoCheckpoints(t *testing.T) {
	tenant := sample(Config{})
	tenant.Enable(org1, DefaultSettings(con2))
	c := inMemory(t, tenant)
	for _, path := range []string{links, newer} {
		for _, query := range []string{"?take=1", "?from=YXQ6MQ", "?from=nonsense&take=1000"} {
			if _, body := c.do("GET", path+query, ""); strings.Count(body, `"connection_id"`) != 2 || !strings.HasPrefix(body, "[") {
				t.Errorf("%s%s: %s, want an array of both links", path, query, body)
			}
		}
		c.want("GET", path+"?take=1&include_totals=true", "", 200, `"total":2`)
	}
}

// What an earlier request or a list brought about does not make the tenant refuse another
// setting.
func TestOnlyWhatARequestChangesIsRefused(t *testing.T) {
	tenant := sample(Config{})
	tenant.Enable(org1, EnabledConnection{ConnectionID: con1, IsSignupEnabled: true})
	tenant.Enable(org1, EnabledConnection{ConnectionID: con2, IsSignupEnabled: true})
	inMemory(t, tenant).steps([]step{
		{"PATCH", newer + "/" + con2, `{"is_enabled":false}`, 200, `"is_enabled":false`},
		{"PATCH", newer + "/" + con2, `{"assign_membership_on_login":true}`, 200, `"assign_membership_on_login":true`},
		{"PATCH", newer + "/" + con2, `{"is_signup_enabled":true}`, 400, "Only database connections"},
		{"PATCH", newer + "/" + con1, `{"show_as_button":true}`, 200, `"show_as_button":true`},
		{"PATCH", newer + "/" + con1, `{"is_signup_enabled":true}`, 400, "Only database connections"},
		{"PATCH", newer + "/" + con1, `{"assign_membership_on_login":true}`, 200, `"is_signup_enabled":true`},
		{"PATCH", newer + "/" + con1, `{"assign_membership_on_login":false}`, 400, "Only database connections"},
	})
}

func TestTenantWithoutTheNewerFamily(t *testing.T) {
	inMemory(t, sample(Config{OlderOnly: true})).steps([]step{
		{"GET", newer, "", 404, "Not Found"},
		{"PATCH", newer + "/" + con1, `{"is_enabled":false}`, 404, "Not Found"},
		{"GET", links, "", 200, "[" + link1 + "]"},
		{"GET", "/api/v2/connections/" + con1 + "?fields=name", "", 200, `{"name":"users"}`},
	})
}

func TestOptionsForUndocumentedResponses(t *testing.T) {
	unknown := "/api/v2/organizations/org_9999999999999999/enabled_connections"
	inMemory(t, sample(Config{EmptyForUnknown: true})).steps([]step{
		{"GET", unknown, "", 200, "[]"},
		{"DELETE", unknown + "/" + con1, "", 204, ""},
		{"GET", unknown + "/" + con1, "", 404, "No organization"},
	})
	inMemory(t, sample(Config{DeleteMissingStatus: 404, DuplicateStatus: 400})).steps([]step{
		{"DELETE", links + "/" + con2, "", 404, "No connection found"},
		{"POST", links, `{"connection_id":"` + con1 + `"}`, 400, "already enabled"},
		{"DELETE", links + "/" + con1, "", 204, ""},
	})
	inMemory(t, sample(Config{DuplicateStatus: 201})).steps([]step{
		{"POST", links, `{"connection_id":"` + con1 + `","show_as_button":false}`, 201, `"show_as_button":false`},
		{"POST", newer, `{"connection_id":"` + con1 + `"}`, 409, "Conflict"},
	})
}

// Whether the older family lists links that are off is not documented.
func TestLinksThatAreOffInTheOlderFamily(t *testing.T) {
	for _, omit := range []bool{false, true} {
		tenant := sample(Config{OmitOff: omit})
		tenant.Enable(org1, EnabledConnection{ConnectionID: con1, ShowAsButton: true, Off: true})
		status, list, one := 200, "["+link1+"]", link1
		if omit {
			status, list, one = 404, "[]", "No connection found"
		}
		inMemory(t, tenant).steps([]step{{"GET", links, "", 200, list}, {"GET", links + "/" + con1, "", status, one}})
	}
}

// A list is in the order of the connections' ids, and has at most ten.
func TestOrganizationHasTenConnectionsInOrder(t *testing.T) {
	tenant := sample(Config{})
	for i := range 9 {
		tenant.Enable(org1, DefaultSettings(fmt.Sprintf("con_%c00000000000000%d", "zAb"[i%3], i)))
	}
	tenant.Enable(org1, DefaultSettings(SpareConnection)) // does not count
	c := inMemory(t, tenant)
	c.want("POST", links, `{"connection_id":"`+con2+`"}`, 400, "limit of 10")
	tenant.Disable(org1, SpareConnection)
	c.want("POST", links, `{"connection_id":"`+con2+`"}`, 400, "limit of 10")
	tenant.Disable(org1, con1)
	tenant.Enable(org1, DefaultSettings(SpareConnection))
	c.want("POST", links, `{"connection_id":"`+con1+`"}`, 201, con1)
	tenant.Disable(org1, SpareConnection)
	_, body := c.do("GET", links, "")
	var listed []struct {
		ID string `json:"connection_id"`
	}
	if err := json.Unmarshal([]byte(body), &listed); err != nil || len(listed) != 10 {
		t.Fatal(body, err)
	}
	for i := 1; i < len(listed); i++ {
		if strings.ToLower(listed[i-1].ID) > strings.ToLower(listed[i].ID) {
			t.Errorf("%s is before %s", listed[i-1].ID, listed[i].ID)
		}
	}
}

func TestOrganizationsAreSorted(t *testing.T) {
	tenant := New(Config{})
	for _, name := range []string{"b", "c", "a"} {
		tenant.AddOrganization("org_000000000000000"+name, name)
	}
	c := inMemory(t, tenant)
	for order, want := range map[string]string{"": "bca", "name:1": "abc", "display_name:-1": "cba", "created_at:1": "bca", "created_at:-1": "acb"} {
		_, body := c.do("GET", "/api/v2/organizations?sort="+order, "")
		got := ""
		for _, match := range regexp.MustCompile(`"name":"(.)"`).FindAllStringSubmatch(body, -1) {
			got += match[1]
		}
		if got != want {
			t.Errorf("sort=%s: %s, want %s", order, got, want)
		}
	}
	c.want("GET", "/api/v2/organizations?sort=id:1", "", 400, "property sort")
}

func TestOrganizationsAndConnections(t *testing.T) {
	first := `{"id":"org_0000000000000001","name":"first","display_name":"first"}`
	second := strings.NewReplacer("1\"", "2\"", "first", "second").Replace(first)
	inMemory(t, sample(Config{})).steps([]step{
		{"GET", "/api/v2/organizations", "", 200, "[" + first + "," + second + "]"},
		{"GET", "/api/v2/organizations/" + org1, "", 200, first},
		{"GET", "/api/v2/organizations/name/second", "", 200, second},
		{"GET", "/api/v2/organizations/name/third", "", 404, "No organization found by that id or name"},
		{"GET", "/api/v2/organizations/third", "", 404, `{"statusCode":404,"error":"Not Found","message":"No organization found by that id or name"}`},
		{"GET", "/api/v2/connections?name=corp&fields=id,name,strategy&include_fields=true", "", 200,
			`[{"id":"con_0000000000000002","name":"corp","strategy":"samlp"}]`},
		{"GET", "/api/v2/connections?fields=options,realms,enabled_clients,display_name&include_fields=false&strategy=auth0&strategy=okta", "", 200,
			`[{"id":"con_0000000000000001","name":"users","strategy":"auth0"}]`},
		{"GET", "/api/v2/connections?name=Corp", "", 200, "[]"},
		{"GET", "/api/v2/connections/" + con1 + "?fields=name", "", 200, `{"name":"users"}`},
		{"GET", "/api/v2/connections/con_9", "", 404, `"errorCode":"inexistent_connection"`},
	})
}

func TestPagingReturnsEveryItemOnce(t *testing.T) {
	tenant := New(Config{})
	for i := range 1234 {
		tenant.AddOrganization(fmt.Sprintf("org_%016d", i), fmt.Sprintf("n%d", i))
	}
	c := inMemory(t, tenant)
	c.steps([]step{
		{"GET", "/api/v2/organizations?per_page=100&page=9&include_totals=true", "", 200, `"limit":100,"organizations"`},
		{"GET", "/api/v2/organizations?per_page=100&page=10", "", 400,
			"Requesting page 10 exceeds the allowed maximum of 1000 records. To fetch results beyond 1000, use the checkpoint pagination method."},
		{"GET", "/api/v2/organizations?from=nonsense", "", 400, "Invalid checkpoint"},
		{"GET", "/api/v2/organizations?take=101", "", 400, "property take"},
	})
	var ids []string
	for next, more := "", true; more; more = next != "" {
		_, body := c.do("GET", "/api/v2/organizations?take=100&from="+next, "")
		var page struct {
			Organizations []struct{ ID string }
			Next          string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Organizations {
			ids = append(ids, o.ID)
		}
		next = page.Next
	}
	if !slices.Equal(ids, tenant.Organizations()) {
		t.Errorf("checkpoint paging gave %d organizations, want the tenant's %d in order", len(ids), 1234)
	}
}
