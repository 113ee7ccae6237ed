package simulator

import (
	"fmt"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
)

func search(q string) string { return "/api/v2/logs?fields=user_id&q=" + url.QueryEscape(q) }

// Who asks for the last login through a link finds that link's logins only, the newest
// first.
func TestLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := sample(Config{})
		now := time.Now().UTC()
		day := now.Add(-24 * time.Hour).Format(time.DateOnly)
		for i, pair := range [][2]string{{org1, con1}, {org1, con1}, {org1, con2}, {org2, con1}} {
			tenant.Login(pair[0], pair[1], fmt.Sprintf("u%d", i), now.Add(-time.Duration(3-i)*30*time.Hour))
		}
		both := `organization_id:"` + org1 + `" AND connection_id:"` + con1 + `"`
		inMemory(t, tenant).steps([]step{
			{"GET", search(`type:"s" AND ` + both), "", 200, `[{"user_id":"u1"},{"user_id":"u0"}]`},
			{"GET", search(both) + "&per_page=1&sort=date:-1", "", 200, `[{"user_id":"u1"}]`},
			{"GET", search(both) + "&sort=date:1&include_totals=true", "", 200, `{"logs":[{"user_id":"u0"},{"user_id":"u1"}],"start":0,"limit":50,"total":2}`},
			{"GET", search("date:[" + day + " TO *]"), "", 200, `[{"user_id":"u3"}]`},
			{"GET", search("date:[* TO " + day + "] AND connection_id:" + con2), "", 200, `[{"user_id":"u2"}]`},
			{"GET", search("date:[" + now.Format(time.RFC3339) + " TO *]"), "", 200, `[{"user_id":"u3"}]`},
			{"GET", search(`organization_id:"` + org1[:10] + `"`), "", 200, "[]"},
			{"GET", "/api/v2/logs?per_page=1&include_fields=false&fields=log_id,_id", "", 200, `[{"connection":"users","connection_id":"con_0000000000000001",
				"date":"` + now.Format("2006-01-02T15:04:05.000Z") + `","organization_id":"org_0000000000000002","organization_name":"second","strategy":"auth0","type":"s","user_id":"u3"}]`},
			{"GET", search("color:red"), "", 400, "on property q"},
			{"GET", search("date:yesterday"), "", 400, "on property q"},
			{"GET", "/api/v2/logs?sort=type:1", "", 400, "on property sort"},
			{"GET", "/api/v2/logs?per_page=101", "", 400, "maximum 100"},
		})
	})
}

func TestLogIsLateAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := sample(Config{LogDelay: time.Minute, LogRetention: 24 * time.Hour})
		tenant.Login(org1, con1, "u", time.Now())
		c := inMemory(t, tenant)
		for _, later := range []struct {
			wait time.Duration
			want string
		}{{0, "[]"}, {time.Minute, `[{"user_id":"u"}]`}, {24*time.Hour - 2*time.Minute, `[{"user_id":"u"}]`}, {time.Minute, "[]"}} {
			time.Sleep(later.wait)
			c.token = tenant.IssueToken()
			c.want("GET", search("type:s"), "", 200, later.want)
		}
	})
}

// A write can be found in the log by its correlation id; a refused one is not there.
func TestWritesAreLogged(t *testing.T) {
	tenant := sample(Config{})
	c := inMemory(t, tenant)
	r := c.request("DELETE", links+"/"+con1, "")
	r.Header.Set("X-Correlation-ID", "run-1-2")
	c.try(r)
	c.do("DELETE", "/api/v2/organizations/org_9999999999999999/connections/"+con1, "")
	c.do("GET", links, "")
	c.want("GET", "/api/v2/logs?fields=type,references,details&q=type:sapi", "", 200,
		`[{"type":"sapi","references":{"correlation_id":"run-1-2"},"details":{"request":{"method":"delete","path":"`+links+`/`+con1+`"}}}]`)
}

func TestLogsHaveTheirScopeAndBucket(t *testing.T) {
	plan, _ := plans.ByName("self-service")
	tenant := sample(Config{Plan: plan})
	c := inMemory(t, tenant)
	c.want("GET", "/api/v2/logs", "", 200, "[]")
	if got := tenant.Bucket(plans.LogsRead).Taken; got != 1 {
		t.Errorf("the bucket of logs lost %d tokens, want 1", got)
	}
	c.token = tenant.IssueToken("read:connections")
	c.want("GET", "/api/v2/logs", "", 403, "Insufficient scope, expected any of: read:logs")
}
