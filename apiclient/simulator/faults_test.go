package simulator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
)

// faultTest is a fault and what it does to the DELETE of an enabled pair.
type faultTest struct {
	name    string
	fault   Fault
	status  int    // 0: an error instead
	body    string // contained
	headers bool   // rate-limit headers are there
	effect  bool   // the pair is no longer enabled
	taken   int    // tokens
}

// TestFaults disables a pair under each fault, and checks what the client sees
// and whether there was an effect.
func TestFaults(t *testing.T) {
	for _, test := range []faultTest{
		{name: "zero fault", status: 500, body: `{"statusCode":500,"error":"Internal Server Error","message":"Internal Server Error"}`},
		{name: "status at handler", fault: Fault{Stage: AtHandler, Code: 503}, status: 503, headers: true, taken: 1, body: "503"},
		{name: "status after effect", fault: Fault{Stage: AfterEffect, Code: 504, ErrorCode: "gateway"}, status: 504, headers: true, effect: true, taken: 1, body: `"errorCode":"gateway"`},
		{name: "plain text", fault: Fault{Code: 400, Body: "no", ContentType: "text/plain"}, status: 400, body: "no"},
		{name: "Cloudflare's page", fault: Fault{Kind: Page, Code: 524}, status: 524, body: "<title>524: A timeout occurred</title>"},
		{name: "page by default", fault: Fault{Kind: Page}, status: 502, body: "502: Bad Gateway"},
		{name: "page with 200", fault: Fault{Kind: Page, Code: 200}, status: 200, body: "<html"},
		{name: "empty 200", fault: Fault{Code: 200}, status: 200},
		{name: "null", fault: Fault{Code: 200, Body: "null"}, status: 200, body: "null"},
		{name: "reset before", fault: Fault{Kind: Reset}},
		{name: "reset at handler", fault: Fault{Kind: Reset, Stage: AtHandler}, taken: 1},
		{name: "reset after", fault: Fault{Kind: Reset, Stage: AfterEffect}, effect: true, taken: 1},
		{name: "truncated", fault: Fault{Kind: Truncate}, effect: true, taken: 1},
		{name: "revoked", fault: Fault{Kind: Revoke}, status: 401, body: "Invalid token"},
		{name: "expired", fault: Fault{Kind: Expire}, status: 401, body: "Expired token"},
		{name: "slow", fault: Fault{Kind: Slow, Delay: time.Millisecond}, status: 204, headers: true, effect: true, taken: 1},
		{name: "no match", fault: Fault{Method: "GET"}, status: 204, headers: true, effect: true, taken: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			overBoth(t, Config{Plan: plans.Plan{Global: plans.PerSecond(9, 1)}}, func(t *testing.T, tenant *Tenant, c client) {
				triggered := tenant.Inject(test.fault)
				resp, body, err := c.try(c.request("DELETE", links+"/"+con1, ""))
				switch {
				case (err != nil) != (test.status == 0):
					t.Fatalf("response %v, error %v", resp, err)
				case err == nil && (resp.StatusCode != test.status || !strings.Contains(body, test.body)):
					t.Errorf("got %d %s", resp.StatusCode, body)
				case err == nil && (resp.Header.Get(limitHeader) != "") != test.headers:
					t.Errorf("rate-limit headers: %v", resp.Header)
				}
				if effect := len(tenant.Enabled(org1)) == 0; effect != test.effect {
					t.Errorf("effect %v, want %v", effect, test.effect)
				}
				if taken := tenant.Bucket(Global).Taken; taken != test.taken {
					t.Errorf("%d tokens taken, want %d", taken, test.taken)
				}
				if want := test.name != "no match"; triggered() > 0 != want {
					t.Errorf("triggered %d times", triggered())
				}
			})
		})
	}
}

func TestResetIsAReset(t *testing.T) {
	overBoth(t, Config{}, func(t *testing.T, tenant *Tenant, c client) {
		tenant.Inject(Fault{Kind: Reset})
		if _, _, err := c.try(c.request("DELETE", links+"/"+con1, "")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("error %v", err)
		}
	})
}

func TestTruncatedBody(t *testing.T) {
	overBoth(t, Config{}, func(t *testing.T, tenant *Tenant, c client) {
		whole := c.request("GET", links, "")
		_, all, _ := c.try(whole)
		tenant.Inject(Fault{Kind: Truncate})
		resp, body, err := c.try(c.request("GET", links, ""))
		if !errors.Is(err, io.ErrUnexpectedEOF) || resp.StatusCode != 200 || body != all[:len(all)/2] {
			t.Errorf("%v %q, %v", resp, body, err)
		}
		_, _, err = c.try(c.request("DELETE", links+"/"+con1, ""))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("a response without a body: %v", err)
		}
	})
}

func TestHangEndsWithTheContext(t *testing.T) {
	for stage, effect := range map[Stage]bool{AtEdge: false, AtHandler: false, AfterEffect: true} {
		overBoth(t, Config{}, func(t *testing.T, tenant *Tenant, c client) {
			// The client gives up at the moment at which the fault triggers.
			ctx, cancel := context.WithCancel(t.Context())
			tenant.Inject(Fault{Kind: Hang, Stage: stage, Method: "DELETE", Match: func(*http.Request) bool {
				cancel()
				return true
			}})
			r := c.request("DELETE", links+"/"+con1, "").WithContext(ctx)
			if _, _, err := c.try(r); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			if got := len(tenant.Enabled(org1)) == 0; got != effect {
				t.Errorf("stage %d: effect %v, want %v", stage, got, effect)
			}
			if resp, _ := c.do("GET", links, ""); resp.StatusCode != 200 {
				t.Errorf("a call after the hang: %d", resp.StatusCode)
			}
		})
	}
}

func TestClearFaultsEndsHangs(t *testing.T) {
	overBoth(t, Config{}, func(t *testing.T, tenant *Tenant, c client) {
		triggered := tenant.Inject(Fault{Kind: Hang})
		ended := make(chan error)
		r := c.request("DELETE", links+"/"+con1, "")
		go func() {
			_, _, err := c.try(r)
			ended <- err
		}()
		for triggered() == 0 {
			time.Sleep(time.Millisecond) // a real socket: there is no bubble to wait in
		}
		tenant.ClearFaults()
		if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("error %v", err)
		}
		c.want("DELETE", links+"/"+con1, "", 204, "")
	})
}

func TestSkipTimesAndPath(t *testing.T) {
	for name, test := range map[string]struct {
		fault Fault
		want  string // statuses of con1, con2, con1, con2, ...
	}{
		"always":             {Fault{}, "555555"},
		"twice":              {Fault{Times: 2}, "552222"},
		"after two":          {Fault{Skip: 2, Times: 3}, "225552"},
		"once on every path": {Fault{PerPath: true, Times: 1}, "552222"},
		"second of a path":   {Fault{PerPath: true, Skip: 1, Times: 1}, "225522"},
		"one path":           {Fault{Path: links + "/" + con2}, "252525"},
	} {
		tenant := sample(Config{})
		c := inMemory(t, tenant)
		tenant.Inject(test.fault)
		var got strings.Builder
		for i := range 6 {
			resp, _ := c.do("DELETE", links+"/"+[]string{con1, con2}[i%2], "")
			got.WriteString(strconv.Itoa(resp.StatusCode / 100))
		}
		if got.String() != test.want {
			t.Errorf("%s: %s, want %s", name, got.String(), test.want)
		}
	}
}

func TestProbabilityIsSeeded(t *testing.T) {
	run := func(seed uint64) (pattern string) {
		tenant := sample(Config{Seed: seed})
		tenant.Inject(Fault{Probability: 0.25})
		c := inMemory(t, tenant)
		for range 400 {
			resp, _ := c.do("GET", links, "")
			pattern += strconv.Itoa(resp.StatusCode / 100)
		}
		return pattern
	}
	one := run(1)
	if n := strings.Count(one, "5"); n < 60 || n > 140 {
		t.Errorf("%d of 400 triggered at 25 %%", n)
	}
	if one != run(1) || one == run(2) {
		t.Error("the seed alone must decide")
	}
}

func TestFaultsApplyInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := sample(Config{})
		c := inMemory(t, tenant)
		tenant.Inject(Fault{Kind: Slow, Delay: time.Second})
		tenant.Inject(Fault{Kind: Status, Code: 503})
		begin := time.Now()
		c.want("GET", links, "", 503, "Service Unavailable")
		if time.Since(begin) != time.Second {
			t.Errorf("took %v", time.Since(begin))
		}
	})
}

func TestFaultAtTokenEndpoint(t *testing.T) {
	tenant := sample(Config{})
	tenant.Inject(Fault{Path: "/oauth/token", Code: 429, ErrorCode: "access_denied"})
	status, body := requestToken(inMemory(t, tenant), "application/json", tokenBody("x", audience))
	if status != 429 || body["error"] != "access_denied" || body["error_description"] != "Too Many Requests" {
		t.Errorf("%d %v", status, body)
	}
}

func TestHeaderFaults(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(int, http.Header)
		want string // of a success and a refusal: limit/remaining/reset/Retry-After/Date, times less the start
	}{
		"none":     {func(int, http.Header) {}, "1/0/1//0 1/0/1//0"},
		"dropped":  {DropRateLimit, "////0 ////0"},
		"zero":     {RemainingZero, "1/0/1//0 1/0/1//0"},
		"negative": {RemainingNegative, "1/-1/1//0 1/-1/1//0"},
		"limit":    {RemainingLimit, "1/1/1//0 1/1/1//0"},
		"left":     {ResetSecondsLeft, "1/0/left//0 1/0/left//0"},
		"millis":   {ResetMillis, "1/0/ms//0 1/0/ms//0"},
		"retry":    {RetryAfter(7 * time.Second), "1/0/1//0 1/0/1/7/0"},
		"skew":     {Skew(-time.Minute), "1/0/-59//-60 1/0/-59//-60"},
	} {
		synctest.Test(t, func(t *testing.T) {
			tenant := sample(Config{Plan: plans.Plan{Global: plans.PerSecond(1, 1)}})
			tenant.Inject(Fault{Kind: Headers, Edit: test.edit})
			c := inMemory(t, tenant)
			ok, _ := c.do("GET", links, "")
			refused, _ := c.do("GET", links, "")
			if got := showHeaders(ok.Header) + " " + showHeaders(refused.Header); got != test.want {
				t.Errorf("%s: %s, want %s", name, got, test.want)
			}
		})
	}
}

func showHeaders(h http.Header) string {
	now := time.Now().Unix()
	reset := h.Get(resetHeader)
	switch n, err := strconv.ParseInt(reset, 10, 64); {
	case err != nil:
	case n == 1:
		reset = "left"
	case n == (now+1)*1000:
		reset = "ms"
	default:
		reset = strconv.FormatInt(n-now, 10)
	}
	date, _ := http.ParseTime(h.Get("Date"))
	return strings.Join([]string{h.Get(limitHeader), h.Get(remainingHeader), reset, h.Get("Retry-After"),
		strconv.FormatInt(date.Unix()-now, 10)}, "/")
}
