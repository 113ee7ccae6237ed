package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// step is a request and the answer that it must have.
type step struct {
	method, path, body string
	status             int
	answer             string
}

func (c client) steps(steps []step) {
	c.t.Helper()
	for _, s := range steps {
		c.want(s.method, s.path, s.body, s.status, s.answer)
	}
}

// sample is a tenant with one organization, a database connection that is
// enabled and an enterprise connection that is not.
func sample(config Config) *Tenant {
	tenant := New(config)
	tenant.AddOrganization(org1, "first")
	tenant.AddOrganization(org2, "second")
	tenant.AddConnection(con1, "users", "auth0")
	tenant.AddConnection(con2, "corp", "samlp")
	tenant.Enable(org1, DefaultSettings(con1))
	return tenant
}

const shown1 = `{"connection_id":"con_0000000000000001","assign_membership_on_login":false,"is_signup_enabled":false,
	"show_as_button":true,"connection":{"name":"users","strategy":"auth0"}}`

func TestEnabledConnections(t *testing.T) {
	tenant := sample(Config{})
	inMemory(t, tenant).steps([]step{
		{"GET", links, "", 200, "[" + shown1 + "]"},
		{"GET", links + "?include_totals=true&per_page=100", "", 200, `{"enabled_connections":[` + shown1 + `],"start":0,"limit":1,"total":1}`},
		{"GET", links + "?page=1", "", 200, "[]"},
		{"GET", links + "/" + con1, "", 200, shown1},
		{"GET", links + "/" + con2, "", 404, `{"statusCode":404,"error":"Not Found","message":"No connection found by that id"}`},
		{"POST", links, `{"connection_id":"` + con2 + `","assign_membership_on_login":true,"show_as_button":false}`, 201,
			`{"connection_id":"con_0000000000000002","assign_membership_on_login":true,"show_as_button":false,"connection":{"name":"corp","strategy":"samlp"}}`},
		{"POST", links, `{"connection_id":"` + con2 + `"}`, 409, "already enabled"},
		{"PATCH", links + "/" + con2, `{"show_as_button":true}`, 200, `"show_as_button":true`},
		{"DELETE", links + "/" + con1, "", 204, ""},
		{"DELETE", links + "/" + con1, "", 204, ""},
		{"PATCH", links + "/" + con1, `{}`, 404, "No connection found"},
		{"POST", links, `{"connection_id":"` + con1 + `"}`, 201, shown1},
	})
	want := []EnabledConnection{{ConnectionID: con2, AssignMembershipOnLogin: true, ShowAsButton: true}, DefaultSettings(con1)}
	if diff := cmp.Diff(want, tenant.Enabled(org1)); diff != "" {
		t.Error(diff)
	}
}

func TestNewerFamily(t *testing.T) {
	tenant := sample(Config{})
	full := strings.TrimSuffix(shown1, "}") + `,"is_enabled":%s,"organization_access_level":"none"}`
	inMemory(t, tenant).steps([]step{
		{"GET", newer + "?include_totals=true", "", 200, `{"connections":[` + fmt.Sprintf(full, "true") + `],"start":0,"limit":1,"total":1}`},
		{"PATCH", newer + "/" + con1, `{"is_enabled":false}`, 200, fmt.Sprintf(full, "false")},
		{"GET", newer + "?is_enabled=true", "", 200, "[]"},
		{"GET", newer + "?is_enabled=false", "", 200, "[" + fmt.Sprintf(full, "false") + "]"},
		{"GET", links, "", 200, "[" + strings.TrimSuffix(shown1, "}") + `,"is_enabled":false}]`},
		{"PATCH", newer + "/" + con2, `{"is_enabled":false}`, 404, "No connection found"},
		{"POST", newer, `{"connection_id":"` + con1 + `"}`, 409, "already enabled"},
		{"POST", newer, `{"connection_id":"` + con2 + `","organization_access_level":"all"}`, 400, "invalid_body"},
		{"POST", newer, `{"connection_id":"` + con2 + `","organization_access_level":"full","organization_connection_name":"x"}`, 201, `"organization_connection_name":"x"`},
		{"GET", newer + "/" + con2, "", 200, `"organization_access_level":"full"`},
		{"DELETE", newer + "/" + con2, "", 204, ""},
		{"PATCH", newer + "/" + con1, `{"is_enabled":true}`, 200, fmt.Sprintf(full, "true")},
	})
}

func TestBadRequests(t *testing.T) {
	long := strings.Repeat("x", 51)
	inMemory(t, sample(Config{})).steps([]step{
		{"POST", links, `{"connection_id":"` + con2 + `","is_signup_enabled":true}`, 400, "assign_membership_on_login"},
		{"POST", links, `{"connection_id":"` + con2 + `","is_enabled":true}`, 400, "invalid_body"},
		{"POST", links, `{"connection_id":"` + con2 + `","color":"red"}`, 400, "Payload validation error"},
		{"POST", links, `{}`, 400, "Missing required property"},
		{"POST", links, ``, 400, "invalid_body"},
		{"POST", links, `{"connection_id":"con_9999999999999999"}`, 404, "No connection found"},
		{"PATCH", links + "/" + con1, `{"connection_id":"` + con1 + `"}`, 400, "Additional properties"},
		{"PATCH", links + "/" + con1, `{"is_signup_enabled":true}`, 400, "assign_membership_on_login"},
		{"DELETE", links + "/con_" + long, "", 400, `"errorCode":"invalid_uri"`},
		{"GET", "/api/v2/organizations/" + long, "", 400, "maximum 50"},
		{"GET", links + "?per_page=1000", "", 400, "'Value 1000 is greater than maximum 100' on property per_page"},
		{"GET", links + "?page=-1", "", 400, "less than minimum 0"},
		{"GET", links + "?page=x", "", 400, "Query validation error"},
		{"DELETE", "/api/v2/organizations/org_9999999999999999/enabled_connections/" + con1, "", 404, "No organization found"},
		{"DELETE", links + "/", "", 404, "Not Found"},
		{"DELETE", links, "", 404, "Not Found"},
		{"DELETE", links + "/" + con1 + "/more/and/more", "", 404, "Not Found"},
		{"DELETE", "/api/v2/connections/" + con1, "", 404, "Not Found"},
		{"GET", "/", "", 404, "Not Found"},
	})
}

func TestOptions(t *testing.T) {
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

func TestOrganizationsAndConnections(t *testing.T) {
	first := `{"id":"org_0000000000000001","name":"first","display_name":"first","branding":{},"metadata":{}}`
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

func TestPaging(t *testing.T) {
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
		var answer struct {
			Organizations []struct{ ID string }
			Next          string
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		for _, o := range answer.Organizations {
			ids = append(ids, o.ID)
		}
		next = answer.Next
	}
	if !slices.Equal(ids, tenant.Organizations()) {
		t.Errorf("checkpoint paging gave %d organizations, want the tenant's %d in order", len(ids), 1234)
	}
}

func TestAuthentication(t *testing.T) {
	tenant := sample(Config{})
	c := inMemory(t, tenant)
	for _, test := range []struct {
		header string
		status int
		answer string
	}{
		{"", 401, `{"statusCode":401,"error":"Unauthorized","message":"Missing authentication","attributes":{"error":"Missing authentication"}}`},
		{"Bearer opaque", 400, `{"statusCode":400,"error":"Bad Request","message":"Bad HTTP authentication header format","errorCode":"Bearer"}`},
		{"Basic a.b.c", 400, `"errorCode":"Bearer"`},
		{"Bearer a.b.c", 401, "Invalid signature received for JSON Web Token validation"},
		{"Bearer " + tenant.IssueToken("read:connections"), 403, `{"statusCode":403,"error":"Forbidden","errorCode":"insufficient_scope",
			"message":"Insufficient scope, expected any of: delete:organization_connections"}`},
		{"Bearer " + tenant.IssueToken("delete:organization_connections"), 204, ""},
	} {
		r := c.request("DELETE", links+"/"+con1, "")
		r.Header.Set("Authorization", test.header)
		resp, body, err := c.try(r)
		if err != nil || resp.StatusCode != test.status || !sameBody(t, body, test.answer) {
			t.Errorf("%q: %v %s %v, want %d %s", test.header, resp, body, err, test.status, test.answer)
		}
	}
	tenant.RevokeTokens()
	c.want("GET", links, "", 401, `"message":"Invalid token"`)
	c.token = tenant.IssueToken()
	c.want("GET", links, "", 200, "[]")
}

func TestState(t *testing.T) {
	tenant := sample(Config{})
	tenant.SeedPairs([]Pair{
		{OrganizationID: org1, ConnectionID: con1}, {OrganizationID: org1, ConnectionID: con2},
		{OrganizationID: org2, ConnectionID: con2}, {OrganizationID: "org_New", ConnectionID: "con_New"},
	})
	if got, want := tenant.Organizations(), []string{org1, org2, "org_New"}; !slices.Equal(got, want) {
		t.Errorf("organizations %v, want %v", got, want)
	}
	for _, org := range tenant.Organizations() {
		if got := tenant.Enabled(org); got[len(got)-1].ConnectionID != SpareConnection {
			t.Errorf("%s has no spare connection: %v", org, got)
		}
	}
	got := tenant.Enabled(org1)
	got[0].AccessLevel = "full"
	if tenant.Enabled(org1)[0].AccessLevel != "" {
		t.Error("Enabled gave out the tenant's own slice")
	}
	tenant.Disable(org1, con1)
	tenant.RemoveConnection(con2)
	if got := tenant.Enabled(org1); len(got) != 1 || got[0].ConnectionID != SpareConnection {
		t.Errorf("after the removals: %v", got)
	}
	tenant.RemoveOrganization(org2)
	tenant.AddOrganization(org1, "renamed")
	inMemory(t, tenant).steps([]step{
		{"GET", "/api/v2/organizations/" + org2, "", 404, "No organization"},
		{"GET", "/api/v2/organizations/name/first", "", 404, "No organization"},
		{"GET", "/api/v2/organizations/name/renamed", "", 200, org1},
		{"GET", "/api/v2/organizations/name/org-new", "", 200, "org_New"},
		{"GET", links, "", 200, "[]"},
	})
}

func TestCalls(t *testing.T) {
	tenant := sample(Config{RecordCalls: true})
	c := inMemory(t, tenant)
	c.do("GET", links+"?page=0", "")
	c.do("DELETE", links+"/"+con1, "")
	c.do("GET", "/api/v2/connections/"+con1, "")
	tenant.Inject(Fault{Kind: Reset})
	c.try(c.request("DELETE", links+"/"+con2, ""))
	var got []string
	for _, call := range tenant.Calls() {
		if time.Since(call.Time) > time.Minute {
			t.Errorf("time %v", call.Time)
		}
		got = append(got, fmt.Sprintf("%s %s?%s %d %s", call.Method, call.Path, call.Query, call.Status, call.Bucket))
	}
	want := []string{
		"GET " + links + "?page=0 200 organization_connections_read",
		"DELETE " + links + "/" + con1 + "? 204 organization_connections_write",
		"GET /api/v2/connections/" + con1 + "? 200 default",
		"DELETE " + links + "/" + con2 + "? 0 organization_connections_write",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if all, deletes, one := tenant.Count("", "/"), tenant.Count("DELETE", links), tenant.Count("DELETE", links+"/"+con1); all != 4 || deletes != 2 || one != 1 {
		t.Errorf("counts %d, %d, %d", all, deletes, one)
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	c := inMemory(t, sample(Config{}))
	first, second := c.want("GET", links, "", 200, con1), c.want("GET", links, "", 200, con1)
	for _, name := range []string{"Ot-Baggage-Auth0-Request-Id", "Cf-Ray"} {
		if a, b := first.Get(name), second.Get(name); a == "" || a == b {
			t.Errorf("%s: %q and %q", name, a, b)
		}
	}
	if _, err := http.ParseTime(first.Get("Date")); err != nil {
		t.Error(err)
	}
}

// FuzzRequest sends any request: the tenant must answer it without a panic, and
// the link may go by an answered DELETE only.
func FuzzRequest(f *testing.F) {
	f.Add("DELETE", "/organizations/"+org1+"/enabled_connections/"+con1, "")
	f.Add("GET", "/organizations?from=YXQ6LTE&take=3", "")
	f.Add("POST", "/organizations/"+org2+"/connections", `{"connection_id":"`+con2+`","is_enabled":false}`)
	f.Add("PATCH", "/organizations/%2F/connections/a%00b", `[]`)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		tenant := sample(Config{})
		c := inMemory(t, tenant)
		r, err := http.NewRequest(method, c.base+"/api/v2/"+strings.TrimPrefix(path, "/"), strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		r.Header.Set("Authorization", "Bearer "+c.token)
		resp, err := tenant.Transport().RoundTrip(r)
		if err != nil || resp.StatusCode < 200 || resp.StatusCode >= 500 {
			t.Fatalf("%v, %v", resp, err)
		}
		if gone := len(tenant.Enabled(org1)) == 0; gone && (method != "DELETE" || resp.StatusCode != 204) {
			t.Errorf("%s %q removed the link with status %d", method, path, resp.StatusCode)
		}
	})
}
