package simulator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgconn/orgconn/apiclient/plans"
)

func TestCallsAreRecorded(t *testing.T) {
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

func TestLatencyInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := sample(Config{Latency: 90 * time.Millisecond})
		c := inMemory(t, tenant)
		begin := time.Now()
		c.want("GET", links, "", 200, con1)
		if got := time.Since(begin); got != 90*time.Millisecond {
			t.Errorf("a call took %v", got)
		}
		for _, after := range []time.Duration{44 * time.Millisecond, 46 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			if _, _, err := c.try(c.request("DELETE", links+"/"+con1, "").WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
			if got, want := len(tenant.Enabled(org1)) == 0, after > 45*time.Millisecond; got != want {
				t.Errorf("cancelled after %v: effect %v, want %v", after, got, want)
			}
			cancel()
		}
		tenant.Inject(Fault{Kind: Slow, Delay: 2 * time.Second, Times: 1})
		begin = time.Now()
		c.want("GET", links, "", 200, "[]")
		c.want("GET", links, "", 200, "[]")
		if got := time.Since(begin); got != 2180*time.Millisecond {
			t.Errorf("a slow call and a normal one took %v", got)
		}
		tenant.Inject(Fault{Kind: Hang})
		c.http.Timeout = time.Hour
		if _, _, err := c.try(c.request("GET", links, "")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestLatencyOfIsSeeded(t *testing.T) {
	run := func(seed uint64) (took time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			tenant := sample(Config{Seed: seed, LatencyOf: func(r *rand.Rand) time.Duration {
				return time.Duration(50+r.IntN(100)) * time.Millisecond
			}})
			c, begin := inMemory(t, tenant), time.Now()
			for range 20 {
				c.want("GET", links, "", 200, con1)
			}
			took = time.Since(begin)
		})
		return took
	}
	if one := run(1); one < time.Second || one > 3*time.Second || one != run(1) || one == run(2) {
		t.Errorf("20 calls took %v", one)
	}
}

// FuzzRequest sends any request: the tenant must respond to it without a panic,
// and only a DELETE with status 204 may remove the link.
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

func BenchmarkDelete(b *testing.B) {
	unlimited, _ := plans.ByName("unlimited")
	for name, connect := range map[string]func(testing.TB, *Tenant) client{"memory": inMemory, "loopback": overLoopback} {
		b.Run(name, func(b *testing.B) {
			c := connect(b, sample(Config{Plan: unlimited}))
			r := c.request("DELETE", links+"/"+con1, "")
			for b.Loop() {
				resp, err := c.http.Transport.RoundTrip(r)
				if err != nil || resp.StatusCode != http.StatusNoContent {
					b.Fatalf("%v, %v", resp, err)
				}
				resp.Body.Close()
			}
		})
	}
}
