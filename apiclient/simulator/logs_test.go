package simulator

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
)

// search asks for the numbers of the entries that match.
func search(q string) string { return "/api/v2/logs?fields=log_id&q=" + url.QueryEscape(q) }

// numbers are the entries of these numbers, as search shows them.
func numbers(digits string) string {
	var entries []string
	for _, digit := range digits {
		entries = append(entries, `{"log_id":"90020260000000000000000`+string(digit)+`"}`)
	}
	return "[" + strings.Join(entries, ",") + "]"
}

// Whoever asks for the last login through a link gets that link's logins only, the newest
// first.
func TestLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := sample(Config{})
		now := time.Now().UTC()
		day := now.Add(-24 * time.Hour).Format(time.DateOnly)
		for i, pair := range [][2]string{{org1, con1}, {org1, con1}, {org1, con2}, {org2, con1}} {
			tenant.Login(pair[0], pair[1], now.Add(-time.Duration(3-i)*30*time.Hour))
		}
		for _, org := range []string{org1, org2, org1} {
			tenant.Login(org, "con_same", now.Add(-200*time.Hour))
		}
		both := `organization_id:"` + org1 + `" AND connection_id:"` + con1 + `"`
		inMemory(t, tenant).steps([]step{
			{"GET", search(`type:s AND ` + both), "", 200, numbers("21")},
			{"GET", search(`type:"sapi" AND ` + both), "", 200, "[]"},
			{"GET", strings.Replace(search(both), "&q=", "&search=", 1), "", 200, numbers("21")},
			{"GET", search(both) + "&per_page=1&sort=date:-1", "", 200, numbers("2")},
			{"GET", search(both) + "&per_page=1&page=1", "", 200, numbers("1")},
			{"GET", search(both) + "&sort=date:1", "", 200, numbers("12")},
			{"GET", search("connection_id:" + con1), "", 200, numbers("421")},
			{"GET", search("date:[" + day + " TO *]"), "", 200, numbers("4")},
			{"GET", search("date:[* TO " + now.Add(-30*time.Hour).Format(time.DateOnly) + "] AND connection_id:" + con2), "", 200, numbers("3")},
			{"GET", search("date:[" + now.Format(time.RFC3339) + " TO *]"), "", 200, numbers("4")},
			{"GET", search(`organization_id:"` + org1[:10] + `"`), "", 200, "[]"},
			{"GET", search("connection_id:con_same"), "", 200, numbers("765")}, // all at one time
			{"GET", "/api/v2/logs?per_page=1", "", 200, `[{"connection_id":"con_0000000000000001","date":"` + now.Format("2006-01-02T15:04:05.000Z") +
				`","log_id":"900202600000000000000004","organization_id":"org_0000000000000002","type":"s"}]`},
			{"GET", "/api/v2/logs?per_page=1&include_fields=false&fields=log_id,connection_id,date", "", 200,
				`[{"organization_id":"org_0000000000000002","type":"s"}]`},
			{"GET", "/api/v2/logs?fields=type&include_totals=true&per_page=1", "", 200, `{"logs":[{"type":"s"}],"start":0,"limit":1,"length":1,"total":7}`},
			{"GET", "/api/v2/logs?sort=type:1", "", 400, "on property sort"},
			{"GET", "/api/v2/logs?per_page=101", "", 400, "maximum 100"},
			{"GET", "/api/v2/logs?per_page=0", "", 400, "minimum 1"},
			{"GET", "/api/v2/logs?take=5", "", 400, "Not simulated"},
		})
	})
}

// A search that Auth0 may understand in another way must not look like one without
// results.
func TestOtherSearchesAreRefused(t *testing.T) {
	c := inMemory(t, sample(Config{}))
	for _, q := range []string{
		"color:red", "date:yesterday", "date:[2026-11-01 TO now]", "date:{2026-11-01 TO *}", "type:s*", "type:s OR type:f", "type:", "s",
		`connection_id:"` + con1, "type:(s f)",
	} {
		c.want("GET", search(q), "", 400, "on property q")
	}
}

func TestLogIsLateAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := sample(Config{LogDelay: time.Minute, LogRetention: 24 * time.Hour})
		tenant.Login(org1, con1, time.Now())
		c := inMemory(t, tenant)
		for _, later := range []struct {
			wait time.Duration
			want string
		}{{0, "[]"}, {time.Minute, numbers("1")}, {24*time.Hour - 2*time.Minute, numbers("1")}, {time.Minute, "[]"}} {
			time.Sleep(later.wait)
			c.token = tenant.IssueToken()
			c.want("GET", search("type:s"), "", 200, later.want)
		}
	})
}

// A write can be found in the log by its correlation id, also if its response was lost; a
// refused one is not there.
func TestWritesAreLogged(t *testing.T) {
	tenant := sample(Config{})
	c := inMemory(t, tenant)
	tenant.Inject(Fault{Kind: Reset, Stage: AfterEffect, Times: 1})
	r := c.request("DELETE", links+"/"+con1, "")
	r.Header.Set("X-Correlation-ID", "run-1-2")
	c.try(r)
	c.do("POST", links, `{"connection_id":"`+con1+`"}`)
	c.do("DELETE", "/api/v2/organizations/org_9999999999999999/connections/"+con1, "")
	c.want("POST", "/oauth/token", `{"grant_type":"client_credentials","audience":"https://tenant.example/api/v2/"}`, 200, "access_token")
	c.do("GET", links, "")
	c.want("GET", "/api/v2/logs?fields=type,references&q=type:sapi", "", 200,
		`[{"type":"sapi"},{"type":"sapi","references":{"correlation_id":"run-1-2"}}]`)
}

func TestLogsHaveTheirScopeAndBucket(t *testing.T) {
	for plan, want := range map[string]int{"self-service": 1, "enterprise": 0} {
		limits, _ := plans.ByName(plan)
		tenant := sample(Config{Plan: limits})
		c := inMemory(t, tenant)
		c.want("GET", "/api/v2/logs", "", 200, "[]")
		if own, global := tenant.Bucket(plans.LogsRead).Taken, tenant.Bucket(Global).Taken; own != want || global != 1 {
			t.Errorf("%s: the buckets lost %d and %d tokens, want %d and 1", plan, own, global, want)
		}
		c.token = tenant.IssueToken("read:connections")
		c.want("GET", "/api/v2/logs", "", 403, "Insufficient scope, expected any of: read:logs")
	}
}

// The same links have the same logins each time, all in the given time.
func TestSeededLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pairs []Pair
		for _, digits := range []string{"0123456789", "abcdefghij"} {
			for _, a := range digits {
				for _, b := range digits {
					pairs = append(pairs, Pair{OrganizationID: "org_" + string(a), ConnectionID: "con_" + string(b)})
				}
			}
		}
		first := ""
		for range 2 {
			tenant := New(Config{})
			tenant.SeedPairs(pairs)
			c := inMemory(t, tenant)
			c.want("GET", "/api/v2/logs", "", 200, "[]") // none are invented
			tenant.SeedLogins(0.3, 48*time.Hour)
			_, body := c.do("GET", "/api/v2/logs?per_page=100&fields=organization_id,connection_id,date", "")
			var logins []struct{ Date time.Time }
			if err := json.Unmarshal([]byte(body), &logins); err != nil || len(logins) < 45 || len(logins) > 85 {
				t.Fatalf("%d logins of 220 links, %v", len(logins), err)
			}
			oldest := time.Since(logins[len(logins)-1].Date)
			if oldest < 40*time.Hour || oldest > 48*time.Hour+time.Millisecond {
				t.Errorf("the oldest login is %v old", oldest)
			}
			if first == "" {
				first = body
			} else if body != first {
				t.Error("another tenant with the same pairs has other logins")
			}
		}
	})
}
