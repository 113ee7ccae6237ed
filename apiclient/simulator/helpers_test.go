package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	org1 = "org_0000000000000001"
	org2 = "org_0000000000000002"
	con1 = "con_0000000000000001"
	con2 = "con_0000000000000002"

	links = "/api/v2/organizations/" + org1 + "/enabled_connections"
	newer = "/api/v2/organizations/" + org1 + "/connections"
)

// sample is a tenant with two organizations. The first has a database connection
// enabled; an enterprise connection is enabled nowhere.
func sample(config Config) *Tenant {
	tenant := New(config)
	tenant.AddOrganization(org1, "first")
	tenant.AddOrganization(org2, "second")
	tenant.AddConnection(con1, "users", "auth0")
	tenant.AddConnection(con2, "corp", "samlp")
	tenant.Enable(org1, DefaultSettings(con1))
	return tenant
}

// client sends requests to a tenant with a token.
type client struct {
	t     testing.TB
	http  *http.Client
	base  string
	token string
}

func inMemory(t testing.TB, tenant *Tenant) client {
	return client{t, &http.Client{Transport: tenant.Transport()}, "https://tenant.example", tenant.IssueToken()}
}

// overLoopback serves the tenant on a real port. The connections that faults
// break are not used again.
func overLoopback(t testing.TB, tenant *Tenant) client {
	server := httptest.NewServer(tenant)
	t.Cleanup(server.Close)
	t.Cleanup(tenant.ClearFaults)
	return client{t, server.Client(), server.URL, tenant.IssueToken()}
}

func (c client) request(method, path, body string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	return r
}

// try sends a request whose response may fail at any point.
func (c client) try(r *http.Request) (*http.Response, string, error) {
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func (c client) do(method, path, body string) (*http.Response, string) {
	c.t.Helper()
	resp, text, err := c.try(c.request(method, path, body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, text
}

// want sends a request and checks status and body. A wanted body in braces or
// brackets is compared as JSON; any other must be contained.
func (c client) want(method, path, body string, status int, want string) http.Header {
	c.t.Helper()
	resp, got := c.do(method, path, body)
	if resp.StatusCode != status || !sameBody(c.t, got, want) {
		c.t.Errorf("%s %s %s:\n got %d %s\nwant %d %s", method, path, body, resp.StatusCode, got, status, want)
	}
	return resp.Header
}

func sameBody(t testing.TB, got, want string) bool {
	t.Helper()
	if !strings.HasPrefix(want, "{") && !strings.HasPrefix(want, "[") {
		return strings.Contains(got, want) && (want != "" || got == "")
	}
	var expected any
	if err := json.Unmarshal([]byte(want), &expected); err != nil {
		t.Fatalf("the JSON of the test: %v in %s", err, want)
	}
	canonical, _ := json.Marshal(expected)
	var actual any
	if json.Unmarshal([]byte(got), &actual) != nil {
		return false
	}
	compared, _ := json.Marshal(actual)
	return string(canonical) == string(compared)
}

// step is a request and the response that it must get.
type step struct {
	method, path, body string
	status             int
	want               string // as in client.want
}

func (c client) steps(steps []step) {
	c.t.Helper()
	for _, s := range steps {
		c.want(s.method, s.path, s.body, s.status, s.want)
	}
}

// overBoth runs a test over the in-memory transport and over a real port.
func overBoth(t *testing.T, config Config, test func(*testing.T, *Tenant, client)) {
	for name, connect := range map[string]func(testing.TB, *Tenant) client{"memory": inMemory, "loopback": overLoopback} {
		t.Run(name, func(t *testing.T) {
			tenant := sample(config)
			test(t, tenant, connect(t, tenant))
		})
	}
}
