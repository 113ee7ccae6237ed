package batch

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

// Each kind of bad answer that is worth repeating, once on each row's write
// and once on each organization's read: nothing is lost by it.
func TestFaultsOnceOnEveryRow(t *testing.T) {
	faults := map[string]simulator.Fault{
		"408":                {Kind: simulator.Status, Code: 408},
		"429 at edge":        {Kind: simulator.Status, Code: 429},
		"500":                {Kind: simulator.Status, Code: 500},
		"502 behind limits":  {Kind: simulator.Status, Code: 502, Stage: simulator.AtHandler},
		"503 after effect":   {Kind: simulator.Status, Code: 503, Stage: simulator.AfterEffect},
		"524":                {Kind: simulator.Status, Code: 524},
		"html":               {Kind: simulator.Page},
		"reset before":       {Kind: simulator.Reset, Stage: simulator.AtHandler},
		"reset after":        {Kind: simulator.Reset, Stage: simulator.AfterEffect},
		"hang before":        {Kind: simulator.Hang, Stage: simulator.AtHandler},
		"hang after":         {Kind: simulator.Hang, Stage: simulator.AfterEffect},
		"truncated":          {Kind: simulator.Truncate},
		"200 html":           {Kind: simulator.Status, Code: 200, Body: "<html>maintenance</html>", ContentType: "text/html", Stage: simulator.AtHandler},
		"200 null":           {Kind: simulator.Status, Code: 200, Body: "null", Stage: simulator.AtHandler},
		"200 other object":   {Kind: simulator.Status, Code: 200, Body: `{"ok":true}`, Stage: simulator.AtHandler},
		"202":                {Kind: simulator.Status, Code: 202, Stage: simulator.AtHandler},
		"token revoked":      {Kind: simulator.Revoke},
		"token expired":      {Kind: simulator.Expire},
		"other 403":          {Kind: simulator.Status, Code: 403, ErrorCode: "access_denied"},
		"broken header 400":  {Kind: simulator.Status, Code: 400, ErrorCode: "Bearer"},
		"headers missing":    {Kind: simulator.Headers, Edit: simulator.DropRateLimit},
		"remaining negative": {Kind: simulator.Headers, Edit: simulator.RemainingNegative},
	}
	for name, fault := range faults {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			t.Run(name+" on "+method, func(t *testing.T) {
				inBubble(t, simulator.Config{Plan: limits(t, "private-500")}, func(t *testing.T, r *rig) {
					rows := pairs(10, 3)
					r.tenant.SeedPairs(rows)
					if fault.Kind == simulator.Revoke {
						r.settings.Workers = 1 // else one row's call revokes what another has just renewed
					}
					struck := r.tenant.Inject(once(on(method, fault)))
					result := r.run(rows)
					if result.ExitCode != journal.ExitOK {
						t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
					}
					r.expect(rows, "disabled*30")
					if struck() < 10 {
						t.Errorf("the fault struck %d times only", struck())
					}
					for _, p := range rows {
						if r.enabled(p) {
							t.Errorf("%v is still enabled", p)
						}
					}
				})
			})
		}
	}
}

// What stops the run: every later row would end alike.
func TestRefusedCredentialsStopTheRun(t *testing.T) {
	cases := map[string]struct {
		fault simulator.Fault
		want  journal.Outcome
	}{
		"401":             {simulator.Fault{Kind: simulator.Expire}, "Expired token"},
		"403 scope":       {simulator.Fault{Kind: simulator.Status, Code: 403, ErrorCode: "insufficient_scope", Body: `{"statusCode":403,"error":"Forbidden","message":"Insufficient scope, expected any of: delete:organization_connections","errorCode":"insufficient_scope"}`}, "delete:organization_connections"},
		"403 other":       {simulator.Fault{Kind: simulator.Status, Code: 403}, "403"},
		"400 with Bearer": {simulator.Fault{Kind: simulator.Status, Code: 400, ErrorCode: "Bearer"}, "400"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
				rows := pairs(40, 2)
				r.tenant.SeedPairs(rows)
				c.fault.Skip = 5
				r.tenant.Inject(on(http.MethodDelete, c.fault))
				result := r.run(rows)
				if result.ExitCode != journal.ExitCredentials || !strings.Contains(result.Reason(), string(c.want)) {
					t.Errorf("exit %d: %q, want 3 with %q", result.ExitCode, result.Reason(), c.want)
				}
				if deletes := r.count(http.MethodDelete); deletes > 25 { // ten rows are sent twice, the second time with a new token
					t.Errorf("%d deletes were sent", deletes)
				}
				for i, p := range rows {
					if o := r.outcome(i).Outcome; (o == journal.Disabled) == r.enabled(p) {
						t.Errorf("row %d is %s, enabled %t", i, o, r.enabled(p))
					}
				}
			})
		})
	}
}

// The refusal is the first reason to stop, also where its row is one failure too many.
func TestRefusedCredentialsComeBeforeMaxFailures(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(on(http.MethodDelete, status(401)))
		r.settings.MaxFailures = journal.Threshold{Rows: 1}
		if result := r.run(rows); result.ExitCode != journal.ExitCredentials {
			t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
		}
	})
}

// What comes between two refusals of tokens says nothing of the tokens.
func TestRefusedCredentialsAmidOtherAnswers(t *testing.T) {
	for _, other := range []int{429, 503} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(1, 1)
			r.tenant.SeedPairs(rows)
			for i, code := range []int{401, other, 401, other, 401, other} {
				r.tenant.Inject(on(http.MethodDelete, simulator.Fault{Kind: simulator.Status, Code: code, Skip: i, Times: 1}))
			}
			result := r.run(rows)
			if deletes := r.count(http.MethodDelete); result.ExitCode != journal.ExitCredentials || deletes != 3 {
				t.Errorf("401 and %d in turn: exit %d after %d calls", other, result.ExitCode, deletes)
			}
		})
	}
}

func TestFixedTokenIsNotRenewed(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		r.credentials = apiclient.Credentials{Token: "a.b.c"}
		result := r.run(rows)
		if result.ExitCode != journal.ExitCredentials {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		if tokens := r.tenant.Count(http.MethodPost, "/oauth/token"); tokens != 0 {
			t.Errorf("%d tokens were asked for", tokens)
		}
	})
}

// A 400 is about one row, and about nothing else.
func TestRefusedRow(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(4, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[2], status(400)))
		if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled*2", "failed", "disabled")
		o := r.outcome(2)
		if o.Call.Status != 400 || o.Call.Attempts != 1 || o.Message == "" {
			t.Errorf("outcome %+v, call %+v", o, o.Call)
		}
	})
}

// After an answer that was lost, a refusal does not tell what happened before.
func TestRefusedAfterLostAnswer(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(2, 1)
		r.tenant.SeedPairs(rows)
		lost := onRow(rows[0], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AtHandler, Times: 1})
		refused := onRow(rows[0], status(400))
		refused.Skip = 1
		r.tenant.Inject(lost)
		r.tenant.Inject(refused)
		r.run(rows)
		r.expect(rows, "unknown", "disabled")
	})
}

// Nor does a later attempt that certainly did not leave.
func TestUnsentAfterLostAnswer(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(2, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[0], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AfterEffect, Times: 1}))
		refused := onRow(rows[0], status(400))
		refused.Skip = 1
		r.tenant.Inject(refused)
		attempts := 0
		match := onRow(rows[0], simulator.Fault{}).Match
		r.unsent = func(req *http.Request) error {
			if !match(req) {
				return nil
			}
			if attempts++; attempts != 2 {
				return nil
			}
			return &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
		r.run(rows)
		r.expect(rows, "unknown", "disabled")
		if r.enabled(rows[0]) || attempts != 3 {
			t.Errorf("%d attempts, enabled %t", attempts, r.enabled(rows[0]))
		}
	})
}

// A call that may have taken effect is repeated even when its check has grown old:
// else the next check finds the row already disabled, and restore forgets it.
func TestLostAnswerOutlivesItsCheck(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[0], simulator.Fault{Kind: simulator.Reset, Stage: simulator.AfterEffect, Times: 1}))
		refused := onRow(rows[0], status(429))
		refused.Skip = 1
		r.tenant.Inject(refused)
		time.AfterFunc(checkAge+time.Minute, r.tenant.ClearFaults)
		r.run(rows)
		r.expect(rows, "disabled")
	})
}

// A call is not repeated on the strength of an old check either: the guard and the settings
// are those of a new one.
func TestLostCallIsCheckedAgain(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[0], simulator.Fault{Kind: simulator.Reset, Times: 1}))
		refused := onRow(rows[0], status(429))
		refused.Skip = 1
		r.tenant.Inject(refused)
		time.AfterFunc(checkAge-time.Minute, func() { r.tenant.Disable(orgID(0), simulator.SpareConnection) })
		time.AfterFunc(checkAge+20*time.Minute, r.tenant.ClearFaults)
		r.run(rows)
		r.expect(rows, "blocked")
		if !r.enabled(rows[0]) {
			t.Error("the last connection is gone")
		}
	})
}

// A row that is checked again between its attempts has no more of them than another one.
func TestSlowLostCallsAreGivenUp(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 1)
		r.tenant.SeedPairs(rows)
		r.settings.Timeout = journal.Duration(100 * time.Second)
		r.tenant.Inject(simulator.Fault{Kind: simulator.Slow, Method: http.MethodDelete, Delay: 200 * time.Second})
		r.run(rows)
		r.expect(rows, "unknown")
		if n := r.count(http.MethodDelete); n > maxFaults || r.outcome(0).Call.Attempts != n {
			t.Errorf("%d calls, %d of them in the results", n, r.outcome(0).Call.Attempts)
		}
	})
}

// The time that a server asks for with Retry-After is kept, by the call that it
// answers (any status) and by all others (429).
func TestRetryAfterIsKept(t *testing.T) {
	for _, c := range []struct {
		code  int
		asked string
		kept  time.Duration
	}{
		{429, "25", 25 * time.Second},
		{503, "25", 25 * time.Second},
		{503, "3600", backoffCap}, // one bad answer must not hold a row for an hour
	} {
		inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
			rows := pairs(1, 1)
			r.tenant.SeedPairs(rows)
			refused := on(http.MethodDelete, status(c.code))
			refused.Times = 1
			r.tenant.Inject(refused)
			r.tenant.Inject(on(http.MethodDelete, simulator.Fault{Kind: simulator.Headers, Times: 1, Edit: func(_ int, h http.Header) {
				h.Set("Retry-After", c.asked)
			}}))
			r.run(rows)
			r.expect(rows, "disabled")
			deletes := r.calls(http.MethodDelete)
			if len(deletes) != 2 {
				t.Fatalf("%d, Retry-After %s: %d deletes", c.code, c.asked, len(deletes))
			}
			if pause := deletes[1].Time.Sub(deletes[0].Time); pause < c.kept || pause > c.kept+5*time.Second {
				t.Errorf("%d, Retry-After %s: repeated after %s", c.code, c.asked, pause)
			}
		})
	}
}

func TestGivesUpAfterFiveAttempts(t *testing.T) {
	t.Run("write", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(60, 1)
			r.tenant.SeedPairs(rows)
			r.tenant.Inject(onRow(rows[1], status(503)))
			if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			r.expect(rows, "disabled", "unknown", "disabled*58")
			if o := r.outcome(1); o.Call.Attempts != 5 || o.Call.Status != 503 {
				t.Errorf("call %+v", o.Call)
			}
		})
	})
	t.Run("read", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(30, 2)
			r.tenant.SeedPairs(rows)
			r.tenant.Inject(simulator.Fault{Kind: simulator.Page, Method: http.MethodGet, Path: "/api/v2/organizations/" + orgID(1)})
			if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			r.expect(rows, "disabled*2", "failed*2", "disabled*56")
			if deletes := r.tenant.Count(http.MethodDelete, "/api/v2/organizations/"+orgID(1)); deletes != 0 {
				t.Errorf("%d deletes on the strength of a failed read", deletes)
			}
		})
	})
}

// 429s are no attempts, however many there are, and fail nobody.
func TestRateLimitedIsNotAnAttempt(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(10, 2)
		r.tenant.SeedPairs(rows)
		limited := on(http.MethodDelete, status(429))
		limited.Times = 12
		r.tenant.Inject(limited)
		if result := r.run(rows); result.ExitCode != journal.ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled*20")
		for i := range rows {
			if attempts := r.outcome(i).Call.Attempts; attempts != 1 {
				t.Errorf("row %d: %d attempts", i, attempts)
			}
		}
	})
}

// The refusal of one organization is that organization's rows', and no reason to
// stop.
func TestForbiddenOrganization(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
		rows := pairs(300, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 403, ErrorCode: "access_denied", Path: "/api/v2/organizations/" + orgID(19)})
		if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled*19", "failed", "disabled*280")
	})
}

// Refusals of several organizations do not add up: between them come good answers.
func TestForbiddenOrganizations(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(300, 1)
		r.tenant.SeedPairs(rows)
		for n := 5; n < 300; n += 10 {
			r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 403, ErrorCode: "access_denied", Path: "/api/v2/organizations/" + orgID(n)})
		}
		if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		counts := map[journal.Outcome]int{}
		for _, o := range r.outcomes(rows) {
			counts[o]++
		}
		if counts[journal.Failed] != 30 || counts[journal.Disabled] != 270 {
			t.Errorf("outcomes %v", counts)
		}
	})
}

// With many calls in flight and no limit, refusals come in one bunch. They are about
// their organizations all the same: good answers are on their way.
func TestForbiddenOrganizationsInABunch(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
		rows := pairs(1000, 1)
		r.tenant.SeedPairs(rows)
		for n := 200; n < 230; n++ {
			r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 403, ErrorCode: "access_denied", Path: "/api/v2/organizations/" + orgID(n)})
		}
		if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
	})
}

// An answer of status 4xx without headers says nothing of the bucket, one that was
// lost may have cost a token, and a call that never left says nothing at all.
func TestObserve(t *testing.T) {
	headers := &apiclient.RateLimit{Limit: 10, Remaining: 3, Reset: 100}
	failure := &apiclient.Error{Sent: true}
	for name, c := range map[string]struct {
		resp apiclient.Response
		err  error
		kind throttle.Kind
		left bool
	}{
		"done":                     {apiclient.Response{Status: 204, RateLimit: headers}, nil, throttle.Taken, true},
		"done, without headers":    {apiclient.Response{Status: 204}, nil, throttle.Taken, true},
		"400 of the API":           {apiclient.Response{Status: 400, RateLimit: headers}, failure, throttle.Taken, true},
		"400 without headers":      {apiclient.Response{Status: 400}, failure, throttle.Silent, true},
		"429":                      {apiclient.Response{Status: 429, RateLimit: headers}, failure, throttle.Limited, true},
		"429 without headers":      {apiclient.Response{Status: 429}, failure, throttle.Limited, true},
		"503 of the API":           {apiclient.Response{Status: 503, RateLimit: headers}, failure, throttle.Taken, true},
		"503 of a gateway":         {apiclient.Response{Status: 503}, failure, throttle.Lost, true},
		"no answer":                {apiclient.Response{}, failure, throttle.Lost, true},
		"no connection":            {apiclient.Response{}, &apiclient.Error{}, 0, false},
		"no token, with an answer": {apiclient.Response{}, &apiclient.Error{Status: 503}, 0, false},
	} {
		o, left := observe(&c.resp, c.err)
		if left != c.left || left && (o.Kind != c.kind || o.Headers != (c.resp.RateLimit != nil)) {
			t.Errorf("%s: %+v, left %t", name, o, left)
		}
	}
}

// A row that waits because of 429s when the run stops was not attempted: it did not
// fail.
func TestStopAmid429s(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(on(http.MethodDelete, status(429)))
		r.settings.MaxDuration = journal.Duration(20 * time.Second)
		if result := r.run(rows); result.ExitCode != journal.ExitStopped {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "not_attempted*3")
	})
}

// Calls that are repeated after faults are counted as such.
func TestRetriesAreCounted(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(10, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(once(on(http.MethodDelete, status(503))))
		run := r.newRun(rows)
		run.Lookups = journal.Calls{Reads: 7, Retries: 1} // for names, before
		run.Do(r.stop)
		if calls := run.Sample().Calls; calls != (journal.Calls{Reads: 17, Writes: 20, Retries: 11}) {
			t.Errorf("%+v", calls)
		}
	})
}

// Where everything is refused, from the first call on or from some call on, it is
// the credentials. A page is from something in between.
func TestForbiddenCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		fault simulator.Fault
		skip  int
		hint  string
	}{
		"from the first call on": {simulator.Fault{Kind: simulator.Status, Code: 403}, 0, "check the credentials"},
		"in mid-run":             {simulator.Fault{Kind: simulator.Status, Code: 403}, 50, "check the credentials"},
		"by a firewall":          {simulator.Fault{Kind: simulator.Page, Code: 403}, 0, "firewall"},
	} {
		inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
			rows := pairs(300, 1)
			r.tenant.SeedPairs(rows)
			c.fault.Skip = c.skip
			r.tenant.Inject(on("", c.fault))
			result := r.run(rows)
			if result.ExitCode != journal.ExitCredentials || result.Stop == nil || !strings.Contains(result.Stop.Hint, c.hint) {
				t.Errorf("%s: exit %d: %+v", name, result.ExitCode, result.Stop)
			}
			if calls := r.count(""); calls > c.skip+600 { // each call that is in flight is sent twice
				t.Errorf("%s: %d calls", name, calls)
			}
		})
	}
}

// A proxy that refuses the password stops the run at once, as it locks out who tries
// a wrong one often. No row is failed by it.
func TestProxyRefuses(t *testing.T) {
	for name, c := range map[string]struct{ skip, exit int }{
		"from the first call on": {0, journal.ExitRefused},
		"in mid-run":             {50, journal.ExitStopped},
	} {
		inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
			rows := pairs(300, 1)
			r.tenant.SeedPairs(rows)
			r.settings.Workers = 4
			proxy := on("", status(407))
			proxy.Skip = c.skip
			r.tenant.Inject(proxy)
			result := r.run(rows)
			if result.ExitCode != c.exit || result.Stop == nil || !strings.Contains(result.Stop.Hint, "HTTPS_PROXY") {
				t.Errorf("%s: exit %d: %+v", name, result.ExitCode, result.Stop)
			}
			if calls := r.count(""); calls > c.skip+r.settings.Workers {
				t.Errorf("%s: %d calls", name, calls)
			}
			for i, o := range r.outcomes(rows) {
				if o != journal.Disabled && o != journal.NotAttempted {
					t.Errorf("%s: row %d is %s", name, i, o)
				}
			}
		})
	}
}

// Whatever ends a job, its exit code and its hint go by the cause.
func TestHintsGoByTheCause(t *testing.T) {
	for _, c := range []struct {
		failure apiclient.Error
		exit    int
		hint    string
	}{
		{apiclient.Error{Class: apiclient.Unreachable, Cause: apiclient.UnknownHost}, journal.ExitRefused, "AUTH0_DOMAIN"},
		{apiclient.Error{Class: apiclient.Unreachable, Cause: apiclient.UntrustedIssuer}, journal.ExitRefused, "CA certificates"},
		{apiclient.Error{Class: apiclient.Unreachable, Cause: apiclient.MissingTrustFile}, journal.ExitRefused, "SSL_CERT_FILE names a file"},
		{apiclient.Error{Class: apiclient.Unreachable, Cause: apiclient.OtherHostsCertificate}, journal.ExitRefused, "AUTH0_DOMAIN"},
		{apiclient.Error{Class: apiclient.Unreachable, Cause: apiclient.ExpiredCertificate}, journal.ExitRefused, "clock"},
		{apiclient.Error{Class: apiclient.Unreachable, Cause: apiclient.ProxyForbids}, journal.ExitRefused, "run the proxy"},
		{apiclient.Error{Class: apiclient.ProxyRefused, Cause: apiclient.ProxyPassword}, journal.ExitRefused, "password in HTTPS_PROXY"},
		{apiclient.Error{Class: apiclient.Transient, Cause: apiclient.ProxyFault}, journal.ExitStopped, "run the proxy"},
		{apiclient.Error{Class: apiclient.Transient, Cause: apiclient.ProxyOut}, journal.ExitStopped, "HTTPS_PROXY"},
		{apiclient.Error{Class: apiclient.Transient}, journal.ExitStopped, "try again"},
		{apiclient.Error{Class: apiclient.Unauthorized}, journal.ExitCredentials, "check the credentials"},
		{apiclient.Error{Class: apiclient.Unauthorized, Cause: apiclient.WrongAudience}, journal.ExitCredentials, "AUTH0_AUDIENCE"},
		{apiclient.Error{Class: apiclient.Unauthorized, Cause: apiclient.WrongClient}, journal.ExitCredentials, "AUTH0_CLIENT_ID"},
		{apiclient.Error{Class: apiclient.Unauthorized, Cause: apiclient.NoTenant, Page: true}, journal.ExitCredentials, "as an Auth0 tenant"},
		{apiclient.Error{Class: apiclient.Unauthorized, Cause: apiclient.WrongClock, ClockBehind: 150 * time.Second}, journal.ExitCredentials, "2m30s behind"},
		{apiclient.Error{Class: apiclient.Unauthorized, Cause: apiclient.WrongClock, ClockBehind: -10 * time.Minute}, journal.ExitCredentials, "10m0s ahead"},
		{apiclient.Error{Class: apiclient.Unauthorized, Page: true}, journal.ExitCredentials, "firewall"},
		{apiclient.Error{Class: apiclient.InsufficientScope, Scope: "a:b"}, journal.ExitCredentials, "grant a:b"},
	} {
		stop := StopOf(&c.failure)
		if stop.Code != c.exit || !strings.Contains(stop.Hint, c.hint) {
			t.Errorf("%+v: exit %d, hint %q", c.failure, stop.Code, stop.Hint)
		}
	}
}

// A call may wait for a new token for as long as --timeout. Its check may grow too old
// meanwhile, so it is repeated before the call is sent.
func TestCheckGrowsOldWhileATokenIsWaitedFor(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 1)
		r.tenant.SeedPairs(rows)
		r.settings.AllowLockout, r.settings.Timeout = true, journal.Duration(10*time.Minute)
		r.tenant.Inject(once(on("DELETE", simulator.Fault{Kind: simulator.Expire})))
		r.tenant.Inject(simulator.Fault{Kind: simulator.Slow, Delay: 6 * time.Minute, Path: "/oauth/token", Skip: 1})
		r.run(rows)
		r.expect(rows, "disabled")
		reads, writes := r.calls("GET"), r.calls("DELETE")
		if len(writes) != 2 || writes[0].Status != http.StatusUnauthorized {
			t.Fatalf("%+v", writes)
		}
		if age := writes[1].Time.Sub(reads[len(reads)-1].Time); age > checkAge {
			t.Errorf("sent %s after the check", age)
		}
	})
}
