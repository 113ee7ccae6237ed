package simulator

import (
	"fmt"
	"math"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/orgconn/orgconn/apiclient/plans"
)

// rateLimit shows the headers as limit/remaining/seconds from now until reset.
func rateLimit(h http.Header) string {
	reset, err := strconv.ParseInt(h.Get(resetHeader), 10, 64)
	if err != nil {
		return "none"
	}
	left := time.Until(time.Unix(reset, 0))
	return fmt.Sprintf("%s/%s/%.1f", h.Get(limitHeader), h.Get(remainingHeader), left.Seconds())
}

// TestRecordedHeaders repeats responses recorded from a tenant with a bucket of
// 10 tokens, refilled at 2 per second.
func TestRecordedHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Config{Plan: plans.Plan{Global: plans.PerSecond(10, 2)}})
		tenant.Enable(org1, DefaultSettings(con1))
		c := inMemory(t, tenant)
		want := []string{"10/9/1.0", "10/8/1.0", "10/7/2.0", "10/6/2.0", "10/5/3.0", "10/4/3.0", "10/3/4.0", "10/2/4.0", "10/1/5.0", "10/0/5.0"}
		for i, w := range want {
			if got := rateLimit(c.want("GET", links, "", 200, "connection_id")); got != w {
				t.Errorf("request %d: %s, want %s", i, got, w)
			}
		}
		time.Sleep(300 * time.Millisecond) // full at 5 s: the seconds are rounded up
		if got := rateLimit(c.want("GET", links, "", 429, "Global limit has been reached")); got != "10/0/4.7" {
			t.Errorf("429: %s", got)
		}
	})
}

func TestLimitsRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := plans.Plan{Global: plans.PerSecond(50, 16), Groups: map[string]plans.Limit{
			plans.OrganizationConnectionsWrite: plans.PerMinute(2, 60),
			plans.OrganizationConnectionsRead:  plans.PerSecond(1, 1),
		}}
		tenant := New(Config{Plan: plan})
		tenant.Enable(org1, DefaultSettings(con1))
		c := inMemory(t, tenant)
		c.want("DELETE", links+"/"+con1, "", 204, "")
		c.want("DELETE", links+"/"+con1, "", 204, "")
		c.want("DELETE", links+"/"+con1, "", 429, `{"statusCode":429,"error":"Too Many Requests","errorCode":"too_many_requests",
			"message":"Global per minute organization_connections_write group limit has been reached"}`)
		c.want("DELETE", newer+"/"+con1, "", 429, "organization_connections_write")
		c.want("GET", links, "", 200, "[]")
		c.want("GET", links, "", 429, "Global per second organization_connections_read group limit has been reached")

		write := tenant.Bucket(plans.OrganizationConnectionsWrite)
		if write.Taken != 2 || write.Refused != 2 || write.Lowest != 0 || write.Content != 0 {
			t.Errorf("write bucket: %+v", write)
		}
		if global := tenant.Bucket(Global); global.Taken != 3 || global.Refused != 0 || global.Content != 47 {
			t.Errorf("a refused request must take nothing from the global bucket: %+v", global)
		}
		time.Sleep(time.Second)
		c.want("DELETE", links+"/"+con1, "", 204, "")
	})
}

func TestHeadersOf(t *testing.T) {
	// The global bucket is the tighter one at first, the group's after it.
	plan := plans.Plan{Global: plans.PerSecond(4, 100), Groups: map[string]plans.Limit{plans.OrganizationConnectionsWrite: plans.PerMinute(6, 1)}}
	for of, want := range map[HeadersOf]string{
		HeadersTightest: "4/3 4/2 4/3 6/2 6/1 6/0 6/0",
		HeadersGroup:    "6/5 6/4 6/3 6/2 6/1 6/0 6/0",
		HeadersGlobal:   "4/3 4/2 4/3 4/3 4/3 4/3 4/4",
	} {
		synctest.Test(t, func(t *testing.T) {
			tenant := New(Config{Plan: plan, HeadersOf: of})
			tenant.AddOrganization(org1, "one")
			c := inMemory(t, tenant)
			var got []string
			for i := range 7 {
				resp, _ := c.do("DELETE", links+"/"+con1, "")
				got = append(got, resp.Header.Get(limitHeader)+"/"+resp.Header.Get(remainingHeader))
				if i >= 1 {
					time.Sleep(100 * time.Millisecond)
				}
			}
			if s := strings.Join(got, " "); s != want {
				t.Errorf("headers of %d: %s, want %s", of, s, want)
			}
		})
	}
}

func TestGlobalExceptGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Config{Plan: plans.Plan{GlobalExceptGroups: true, Global: plans.PerSecond(1, 1),
			Groups: map[string]plans.Limit{plans.OrganizationConnectionsWrite: plans.PerMinute(3, 60)}}})
		tenant.AddOrganization(org1, "one")
		c := inMemory(t, tenant)
		for range 3 {
			c.want("DELETE", links+"/"+con1, "", 204, "")
		}
		c.want("GET", links, "", 200, "[]")
		c.want("GET", links, "", 429, "Global limit")
	})
}

func TestErrorsHaveNoRateLimitHeaders(t *testing.T) {
	tenant := New(Config{Plan: plans.Plan{Global: plans.PerSecond(10, 2)}})
	c := inMemory(t, tenant)
	c.want("GET", links, "", 404, "No organization found")
	if got := tenant.Bucket(Global).Taken; got != 1 {
		t.Errorf("a 404 took %d tokens, want 1", got)
	}
	c.token = "x.y.z"
	c.want("GET", links, "", 401, "Invalid signature")
	if got := tenant.Bucket(Global).Taken; got != 1 {
		t.Errorf("a 401 took a token")
	}
	for _, token := range []string{c.token, tenant.IssueToken("read:connections"), tenant.IssueToken()} {
		c.token = token
		resp, _ := c.do("GET", links, "")
		if got := rateLimit(resp.Header); got != "none" {
			t.Errorf("%d has headers %s", resp.StatusCode, got)
		}
	}
}

func TestTakeActsAsAnotherClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Config{Plan: plans.Plan{Global: plans.PerSecond(3, 1),
			Groups: map[string]plans.Limit{plans.OrganizationConnectionsWrite: plans.PerMinute(2, 60)}}})
		got := []bool{
			tenant.Take(plans.OrganizationConnectionsWrite), tenant.Take(plans.OrganizationConnectionsWrite),
			tenant.Take(plans.OrganizationConnectionsWrite), tenant.Take(Global), tenant.Take(plans.OrganizationByID),
		}
		if want := []bool{true, true, false, true, false}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("Take: %v, want %v", got, want)
		}
		if b := tenant.Bucket(Global); b.Taken != 0 || b.Refused != 0 || b.Lowest != 0 {
			t.Errorf("Take was counted as a request: %+v", b)
		}
	})
}

func TestSetPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Config{Plan: plans.Plan{Global: plans.PerSecond(20, 1)}})
		tenant.AddOrganization(org1, "one")
		c := inMemory(t, tenant)
		c.want("GET", links, "", 200, "[]")
		tenant.SetPlan(plans.Plan{Global: plans.PerSecond(5, 1), Groups: map[string]plans.Limit{plans.OrganizationConnectionsRead: plans.PerMinute(3, 60)}})
		if got := rateLimit(c.want("GET", links, "", 200, "[]")); got != "3/2/1.0" {
			t.Errorf("after lowering: %s", got)
		}
		if b := tenant.Bucket(Global); b.Content != 4 || b.Taken != 2 {
			t.Errorf("the global bucket after lowering: %+v", b)
		}
		tenant.SetPlan(plans.Plan{})
		if got := rateLimit(c.want("GET", links, "", 200, "[]")); got != "none" {
			t.Errorf("without limits: %s", got)
		}
	})
}

// TestPacedClientIsNeverRefused sends at exactly the refill rate, in virtual
// time, through the transport.
func TestPacedClientIsNeverRefused(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		burst, refill := rapid.IntRange(1, 20).Draw(rt, "burst"), rapid.IntRange(1, 600).Draw(rt, "refill")
		synctest.Test(t, func(t *testing.T) {
			tenant := New(Config{Plan: plans.Plan{Global: plans.PerMinute(burst, refill)}, Latency: 90 * time.Millisecond})
			tenant.AddOrganization(org1, "one")
			c := inMemory(t, tenant)
			interval := time.Duration(ceilDiv(int64(time.Minute), int64(refill)))
			for i := range burst + 30 {
				if i >= burst {
					time.Sleep(interval - 90*time.Millisecond)
				}
				if resp, _ := c.do("DELETE", links+"/"+con1, ""); resp.StatusCode != 204 {
					t.Fatalf("request %d: %d", i, resp.StatusCode)
				}
			}
		})
	})
}

// TestWorkersShareOneBucket has many goroutines empty a bucket at once, in
// both ways: exactly its content may pass.
func TestWorkersShareOneBucket(t *testing.T) {
	overBoth(t, Config{Plan: plans.Plan{Global: plans.PerMinute(50, 1)}, RecordCalls: true}, func(t *testing.T, tenant *Tenant, c client) {
		var passed atomic.Int64
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() {
				for range 10 {
					resp, _, err := c.try(c.request("DELETE", links+"/"+con2, ""))
					if err == nil && resp.StatusCode == 204 {
						passed.Add(1)
					}
				}
			})
		}
		workers.Wait()
		if b := tenant.Bucket(Global); passed.Load() != 50 || b.Taken != 50 || b.Refused != 30 || tenant.Count("DELETE", links) != 80 {
			t.Errorf("%d passed, bucket %+v", passed.Load(), b)
		}
	})
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func drawLimit(t *rapid.T) plans.Limit {
	return plans.Limit{
		Burst:  rapid.IntRange(1, 5000).Draw(t, "burst"),
		Refill: rapid.IntRange(1, 50000).Draw(t, "refill"),
		Per:    rapid.SampledFrom([]time.Duration{time.Second, time.Minute}).Draw(t, "per"),
	}
}

// TestDripIsExact compares the bucket with rational arithmetic.
func TestDripIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := drawLimit(t)
		b := newBucket("b", limit, Drip, start)
		size, one := big.NewRat(int64(limit.Burst), 1), big.NewRat(1, 1)
		rate := big.NewRat(int64(limit.Refill), int64(limit.Per)) // tokens per nanosecond
		model, now := new(big.Rat).Set(size), start
		for range rapid.IntRange(1, 50).Draw(t, "requests") {
			wait := rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "wait")
			now = now.Add(time.Duration(wait))
			model.Add(model, new(big.Rat).Mul(rate, big.NewRat(wait, 1)))
			if model.Cmp(size) > 0 {
				model.Set(size)
			}
			b.advance(now)
			if b.empty() != (model.Cmp(one) < 0) {
				t.Fatalf("empty %v at content %v", b.empty(), model)
			}
			if !b.empty() {
				b.take()
				model.Sub(model, one)
			}
			if got := big.NewRat(b.content, int64(limit.Per)); got.Cmp(model) != 0 {
				t.Fatalf("content %v, want %v", got, model)
			}
		}
	})
}

// TestNoRefillPassesMoreThanItsRate bounds what any client can get in total,
// and checks that the bucket is full at the second that reset promises and,
// but for windows, not a second and a step earlier.
func TestNoRefillPassesMoreThanItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := drawLimit(t)
		refill := rapid.SampledFrom([]Refill{Drip, Steps, Window}).Draw(t, "refill")
		b := newBucket("b", limit, refill, start)
		now, taken := start, 0
		for range rapid.IntRange(1, 40).Draw(t, "bursts") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(t, "wait")))
			b.advance(now)
			for range rapid.IntRange(1, 100).Draw(t, "requests") {
				if !b.empty() {
					b.take()
					taken++
				}
			}
			if b.content < 0 || b.content > b.capacity() {
				t.Fatalf("content %d of %d", b.content, b.capacity())
			}
		}
		periods := float64(now.Sub(start)) / float64(limit.Per)
		if refill == Window {
			periods = math.Floor(periods) // the first window's allowance is the bucket's size
		}
		if most := float64(b.size()) + periods*float64(limit.Refill); float64(taken) > most+1e-6 {
			t.Fatalf("%d passed, at most %v allowed", taken, most)
		}
		checkReset(t, b)
	})
}

func checkReset(t *rapid.T, b *bucket) {
	full := b.content == b.capacity()
	earlier, at := *b, time.Unix(b.reset(), 0)
	b.advance(at)
	if b.content != b.capacity() {
		t.Fatalf("content %d of %d at reset", b.content, b.capacity())
	}
	before := at.Add(-time.Second - time.Millisecond)
	if full || earlier.refill == Window || !before.After(earlier.updated) {
		return
	}
	if earlier.advance(before); earlier.content == earlier.capacity() {
		t.Fatalf("full more than a second before reset")
	}
}

func TestStepsRefillOnceASecond(t *testing.T) {
	b := newBucket("b", plans.PerMinute(5, 150), Steps, start)
	for range 5 {
		b.take()
	}
	for _, step := range []struct {
		after time.Duration
		want  float64
	}{{999 * time.Millisecond, 0}, {time.Second, 2.5}, {1900 * time.Millisecond, 2.5}, {2 * time.Second, 5}} {
		b.advance(start.Add(step.after))
		if got := b.tokens(b.content); got != step.want {
			t.Errorf("content %v after %v, want %v", got, step.after, step.want)
		}
	}
}

func TestWindowRefillsAtOnce(t *testing.T) {
	b := newBucket("b", plans.PerMinute(5, 150), Window, start.Add(10*time.Second))
	for range 150 {
		b.take()
	}
	if want := start.Add(time.Minute).Unix(); b.reset() != want || !b.empty() {
		t.Fatalf("reset %d, want %d; empty %v", b.reset(), want, b.empty())
	}
	b.advance(start.Add(time.Minute - 1))
	if !b.empty() {
		t.Error("refilled within the window")
	}
	b.advance(start.Add(time.Minute))
	if b.remaining() != 150 {
		t.Errorf("%d tokens in a new window, want 150", b.remaining())
	}
}

func TestSetLimitKeepsTokens(t *testing.T) {
	b := newBucket("b", plans.PerMinute(75, 2250), Drip, start)
	for range 30 {
		b.take()
	}
	b.setLimit(plans.PerSecond(60, 10))
	if got := b.remaining(); got != 45 {
		t.Errorf("%d tokens after the change of period, want 45", got)
	}
	b.setLimit(plans.PerSecond(5, 2))
	if got := b.remaining(); got != 5 {
		t.Errorf("%d tokens after lowering, want 5", got)
	}
	b.setLimit(plans.PerSecond(25, 2))
	if got := b.remaining(); got != 5 {
		t.Errorf("%d tokens after raising, want 5", got)
	}
}
