package batch

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

// A tenant that is out from the first call on is noticed within about a minute,
// or the answers that have begun by then, and costs no row.
func TestOutageFromTheStart(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"503":           status(503),
		"no answer":     {Kind: simulator.Hang},
		"reset at once": {Kind: simulator.Reset},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
				rows := pairs(20, 2)
				r.tenant.SeedPairs(rows)
				r.tenant.Inject(on("", fault))
				start := time.Now()
				if result := r.run(rows); result.ExitCode != journal.ExitStopped {
					t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
				}
				if took := time.Since(start); took < time.Minute || took > 2*time.Minute {
					t.Errorf("the run took %s", took)
				}
				for _, o := range r.outcomes(rows) {
					if o != journal.NotAttempted {
						t.Errorf("a row is %s", o)
					}
				}
			})
		})
	}
}

// One organization that cannot be read, be it the first, is no outage.
func TestFirstRowBadIsNoOutage(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		bad := status(503)
		bad.Path = "/api/v2/organizations/" + orgID(0)
		r.tenant.Inject(bad)
		r.run(rows)
		r.expect(rows, "failed", "disabled*2")
	})
}

func TestOutage(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(40, 2)
		r.tenant.SeedPairs(rows)
		out := on(http.MethodDelete, status(503))
		out.Skip = 20
		r.tenant.Inject(out)
		start := time.Now()
		result := r.run(rows)
		if result.ExitCode != journal.ExitStopped {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		// 20 rows take 7 s; then a minute without a good answer.
		if took := time.Since(start); took < time.Minute || took > 80*time.Second {
			t.Errorf("the run took %s", took)
		}
		counts := map[journal.Outcome]int{}
		for _, o := range r.outcomes(rows) {
			counts[o]++
		}
		if counts[journal.Disabled] != 20 || counts[journal.Failed] != 0 || counts[journal.NotAttempted] == 0 || counts[journal.Unknown] == 0 {
			t.Errorf("outcomes %v", counts)
		}
	})
}

func TestOutageThatEndsCostsNothing(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(20, 2)
		r.tenant.SeedPairs(rows)
		time.AfterFunc(5*time.Second, func() { r.tenant.Inject(on("", status(503))) })
		time.AfterFunc(50*time.Second, r.tenant.ClearFaults)
		if result := r.run(rows); result.ExitCode != journal.ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled*40")
		if calls := r.count(""); calls > 200 {
			t.Errorf("%d calls: an outage is probed, not hammered", calls)
		}
	})
}

// A host name that is not found is a typing error only where nothing has answered
// yet. Later it is an outage like any other, which may end. Exit code 2 would say
// that nothing was sent.
func TestUnknownHost(t *testing.T) {
	for name, c := range map[string]struct {
		from, to time.Duration
		exit     int
		took     time.Duration // at most
	}{
		"from the start":              {0, time.Hour, journal.ExitRefused, time.Second},
		"in mid-run":                  {5 * time.Second, time.Hour, journal.ExitStopped, 70 * time.Second},
		"after answers of status 503": {2 * time.Second, time.Hour, journal.ExitStopped, 70 * time.Second},
		"for half a minute, mid-run":  {5 * time.Second, 35 * time.Second, journal.ExitOK, 70 * time.Second},
		"for a single call, mid-run ": {5 * time.Second, 5100 * time.Millisecond, journal.ExitOK, 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
				rows := pairs(20, 2)
				r.tenant.SeedPairs(rows)
				if strings.Contains(name, "503") {
					r.tenant.Inject(on("", status(503)))
				}
				start := time.Now()
				r.unsent = func(*http.Request) error {
					if at := time.Since(start); at < c.from || at > c.to {
						return nil
					}
					return &net.DNSError{Err: "no such host", Name: "tenant.example", IsNotFound: true}
				}
				if result := r.run(rows); result.ExitCode != c.exit {
					t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
				}
				if took := time.Since(start); took > c.took {
					t.Errorf("the run took %s", took)
				}
				for i, p := range rows {
					if o := r.outcome(i).Outcome; o != journal.Disabled && o != journal.NotAttempted || (o == journal.Disabled) == r.enabled(p) {
						t.Errorf("row %d is %s, enabled %t", i, o, r.enabled(p))
					}
				}
			})
		})
	}
}

// Bad answers for one row alone are no outage, however many there are.
func TestOneBadRowIsNoOutage(t *testing.T) {
	b := newBreaker(func(bool) { t.Error("an outage") }, func(*apiclient.Error) {})
	call := &reply{resp: &apiclient.Response{Status: 503, Tried: true}}
	for range 3 * outageAnswers {
		if b.fault(call, &apiclient.Error{Class: apiclient.Transient}) {
			t.Fatal("an outage of one row")
		}
	}
}

// Good answers between bad ones are no outage, however many bad ones there are.
func TestGoodAnswersBreakAStreak(t *testing.T) {
	b := newBreaker(func(bool) { t.Error("an outage") }, func(*apiclient.Error) {})
	b.good()
	for range 3 {
		for range outageAnswers - 1 {
			b.fault(&reply{resp: &apiclient.Response{Tried: true}}, &apiclient.Error{Class: apiclient.Transient})
		}
		b.good()
	}
}

// One token request that failed is one bad answer, also where twenty calls waited for it.
func TestFailedTokenRequestIsOneBadAnswer(t *testing.T) {
	b := newBreaker(func(bool) { t.Error("an outage") }, func(*apiclient.Error) {})
	b.good()
	failure := &apiclient.Error{Class: apiclient.Transient, Status: 503}
	for range 2 * outageAnswers {
		b.fault(&reply{resp: &apiclient.Response{}}, failure)
	}
}

// A call that got no token was no attempt: no row is given up while the token endpoint
// is out.
func TestTokenEndpointOutCostsNoRow(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited"), TokenLifetime: 14 * time.Second}, func(t *testing.T, r *rig) {
		rows := pairs(20, 1)
		r.tenant.SeedPairs(rows)
		r.settings.Workers, r.settings.MaxRPS = 1, 2
		r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 503, Path: "/oauth/token", Skip: 1})
		time.AfterFunc(50*time.Second, r.tenant.ClearFaults)
		if result := r.run(rows); result.ExitCode != journal.ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled*20")
	})
}

// The minute of an outage counts from its first bad answer, and ends with it.
func TestMinuteOfAnOutage(t *testing.T) {
	for _, over := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			var gaveUp time.Duration
			b := newBreaker(func(bool) {}, func(*apiclient.Error) { gaveUp = time.Since(start) })
			bad := func() bool {
				return b.fault(&reply{resp: &apiclient.Response{Tried: true}}, &apiclient.Error{Class: apiclient.Transient})
			}
			b.good()
			for n := range outageAnswers {
				if open := bad(); open != (n == outageAnswers-1) {
					t.Errorf("after %d bad answers: open %t", n+1, open)
				}
				time.Sleep(5 * time.Second)
			}
			if over {
				b.good()
			}
			bad()
			time.Sleep(3 * outageTime)
			synctest.Wait()
			if want := outageTime; over && gaveUp != 0 || !over && gaveUp != want {
				t.Errorf("gave up after %s; the outage was over: %t", gaveUp, over)
			}
			b.close()
		})
	}
}

// A tenant that says 429 is there: the run waits.
func TestOutageThatEndsIn429s(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(20, 2)
		r.tenant.SeedPairs(rows)
		time.AfterFunc(5*time.Second, func() { r.tenant.Inject(on("", status(503))) })
		time.AfterFunc(20*time.Second, func() {
			r.tenant.ClearFaults()
			r.tenant.Inject(on("", status(429)))
		})
		time.AfterFunc(3*time.Minute, r.tenant.ClearFaults)
		if result := r.run(rows); result.ExitCode != journal.ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "disabled*40")
	})
}

// A token request that fails once, when the token has to be renewed in mid-run, is
// one bad answer, however many calls wait for it: the run goes on.
func TestFailedTokenRenewalIsNoOutage(t *testing.T) {
	for _, code := range []int{503, 429} {
		inBubble(t, simulator.Config{Plan: limits(t, "unlimited"), TokenLifetime: 14 * time.Second, Latency: 100 * time.Millisecond}, func(t *testing.T, r *rig) {
			rows := pairs(1500, 1)
			r.tenant.SeedPairs(rows)
			r.settings.MaxRPS = 200
			r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: code, Path: "/oauth/token", Skip: 1, Times: 1})
			var outage atomic.Bool
			ended := make(chan struct{})
			r.during = func(run *Run) {
				for {
					select {
					case <-ended:
						return
					case <-time.After(10 * time.Millisecond):
						outage.Store(outage.Load() || run.breaker.open())
					}
				}
			}
			defer close(ended)
			if result := r.run(rows); result.ExitCode != journal.ExitOK || outage.Load() {
				t.Errorf("status %d: exit %d, outage %t: %v", code, result.ExitCode, outage.Load(), result.Stop)
			}
		})
	}
}

// A token endpoint that is out stops the run after a minute, not at once, and the
// reason says what its last answer was.
func TestTokenEndpointOut(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited"), TokenLifetime: 14 * time.Second, Latency: 100 * time.Millisecond}, func(t *testing.T, r *rig) {
		rows := pairs(4000, 1)
		r.tenant.SeedPairs(rows)
		r.settings.MaxRPS = 200
		r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 503, Path: "/oauth/token", Skip: 1})
		start := time.Now()
		result := r.run(rows)
		if result.ExitCode != journal.ExitStopped || !strings.Contains(result.Reason(), "get access token: status 503") {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		if took := time.Since(start); took < time.Minute || took > 80*time.Second {
			t.Errorf("the run took %s", took)
		}
		for _, o := range r.outcomes(rows) {
			if o != journal.Disabled && o != journal.NotAttempted {
				t.Fatalf("a row is %s, though no call was sent for it", o)
			}
		}
	})
}

// A call that is sent again after a 429 was not repeated for a fault.
func TestRepeatsAfter429AreNoRetries(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "free")}, func(t *testing.T, r *rig) {
		rows := pairs(30, 1)
		r.tenant.SeedPairs(rows)
		var run *Run
		r.during = func(r *Run) { run = r }
		r.run(rows)
		r.beside.Wait()
		calls := run.Sample().Calls
		if calls.RateLimited == 0 || calls.Retries != 0 || calls.RateLimited != r.limited() {
			t.Errorf("%+v, and the tenant answered %d 429s", calls, r.limited())
		}
	})
}

// When an outage is over, the calls that waited to try the tenant go at once, and
// not one a second.
func TestEndOfOutageLetsAllGo(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited"), Latency: time.Second}, func(t *testing.T, r *rig) {
		rows := pairs(2000, 1)
		r.tenant.SeedPairs(rows)
		r.settings.NoCheck = true // so that more rows wait for a call than may be in flight
		time.AfterFunc(2*time.Second, func() { r.tenant.Inject(on("", status(503))) })
		time.AfterFunc(4*time.Second, r.tenant.ClearFaults)
		start := time.Now()
		if result := r.run(rows); result.ExitCode != journal.ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		if took := time.Since(start); took > 60*time.Second { // 128 calls a second, and the outage
			t.Errorf("the run took %s", took)
		}
	})
}

// A token endpoint that is out stops the run also where a single call waits for it.
func TestTokenEndpointOutForOneCall(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 503, Path: "/oauth/token"})
		if result := r.run(rows); result.ExitCode != journal.ExitStopped {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
	})
}
