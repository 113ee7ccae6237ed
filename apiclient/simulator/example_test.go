package simulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
)

// A tenant on a loopback port, that replaces the first response to each call by an error page.
func Example() {
	plan, _ := plans.ByName("enterprise")
	tenant := simulator.New(simulator.Config{Plan: plan})
	tenant.SeedPairs([]simulator.Pair{{OrganizationID: "org_0123456789abcdef", ConnectionID: "con_0123456789abcdef"}})
	tenant.Inject(simulator.Fault{Kind: simulator.Page, Stage: simulator.AfterEffect, PerPath: true, Times: 1})

	server := httptest.NewServer(tenant)
	defer server.Close()
	for range 2 {
		r, _ := http.NewRequest("DELETE", server.URL+"/api/v2/organizations/org_0123456789abcdef/enabled_connections/con_0123456789abcdef", nil)
		r.Header.Set("Authorization", "Bearer "+tenant.IssueToken())
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status, resp.Header.Get("X-RateLimit-Remaining"))
	}
	fmt.Println(len(tenant.Enabled("org_0123456789abcdef")), "left")
	// Output:
	// 502 Bad Gateway 4
	// 204 No Content 3
	// 1 left
}
