package batch

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
)

// A checked run takes as long as the slower of its reads and its writes, not as
// both together, and after a tenth of the rows says how long that will be.
func TestPace(t *testing.T) {
	reads := func(n float64) time.Duration { return seconds((n - 10) * 60 / 100) }
	writes := func(n float64) time.Duration { return seconds((n - 5) * 60 / 150) }
	for name, c := range map[string]struct {
		orgs, perOrg, everyNth int // row is enabled
		ideal                  time.Duration
		holdup                 Holdup
	}{
		"one row an organization":   {600, 1, 1, reads(600), HeldByReads},
		"ten rows an organization":  {60, 10, 1, writes(600), HeldByWrites},
		"most are disabled already": {600, 10, 10, reads(600), HeldByReads},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := paced(t)
				rows := pairs(c.orgs, c.perOrg)
				for i, p := range rows {
					if i%c.perOrg == 0 {
						r.tenant.AddOrganization(p.OrganizationID, p.OrganizationID)
					}
					if i%c.everyNth == 0 {
						r.tenant.Enable(p.OrganizationID, simulator.EnabledConnection{ConnectionID: p.ConnectionID})
					}
				}
				began := time.Now()
				r.during = func(run *Run) { foreseen(t, run, began.Add(c.ideal), c.holdup) }
				r.run(rows)
				took := time.Since(began)
				t.Logf("%v, %.3f of the ideal", took, took.Seconds()/c.ideal.Seconds())
				if took > c.ideal*102/100 {
					t.Errorf("took %v, want at most 1.02 of %v", took, c.ideal)
				}
				if n := r.limited(); n > 0 {
					t.Errorf("%d calls were answered by 429", n)
				}
			})
		})
	}
}

// A permit that is given back is no call: with one worker, most permits are too old when
// their turn comes.
func TestPermitsGivenBackAreNotMeasured(t *testing.T) {
	inBubble(t, simulator.Config{Latency: time.Second}, func(t *testing.T, r *rig) {
		rows := pairs(40, 1)
		r.tenant.SeedPairs(rows)
		r.settings.NoCheck, r.settings.Workers = true, 1
		run := r.newRun(rows)
		run.Do(r.stop)
		if sent := run.writes.measured().Sent; sent != 40 {
			t.Errorf("%d writes were measured, want 40", sent)
		}
	})
}

// foreseen checks the progress from a tenth of the rows on to nine tenths.
func foreseen(t *testing.T, run *Run, end time.Time, holdup Holdup) {
	for range time.Tick(10 * time.Second) {
		p := run.Progress()
		if p.Done > p.Rows*9/10 {
			return
		}
		if p.Done < p.Rows/10 {
			continue
		}
		left := time.Until(end)
		t.Logf("%d rows: %v left, ETA %v (%.3f)", p.Done, left, p.ETA, p.ETA.Seconds()/left.Seconds())
		if off := (p.ETA - left).Abs(); off > left/20 && off > 2*time.Second {
			t.Errorf("after %d rows the ETA is %v, it took %v", p.Done, p.ETA, left)
		}
		if p.Holdup != holdup {
			t.Errorf("after %d rows %s hold the run back, want %s", p.Done, p.Holdup, holdup)
		}
	}
}

func TestHoldup(t *testing.T) {
	for name, c := range map[string]struct {
		set    func(*rig)
		holdup Holdup
	}{
		"the limit on writes": {func(*rig) {}, HeldByWrites},
		"--max-rps":           {func(r *rig) { r.settings.MaxRPS = 1 }, HeldByMaxRPS},
		"an outage":           {func(r *rig) { r.tenant.Inject(on("DELETE", simulator.Fault{Skip: 10})) }, HeldByOutage},
		"slow answers": {func(r *rig) {
			r.tenant.SetPlan(plans.Plan{})
			r.tenant.Inject(simulator.Fault{Kind: simulator.Slow, Delay: 20 * time.Second})
		}, HeldByAnswers},
		"another user": {func(r *rig) {
			go func() {
				for range 100 {
					time.Sleep(600 * time.Millisecond)
					r.tenant.Take(plans.OrganizationConnectionsWrite)
				}
			}()
		}, HeldByOthers},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := paced(t)
				rows := pairs(10, 10)
				r.tenant.SeedPairs(rows)
				c.set(r)
				r.during = func(run *Run) {
					time.Sleep(29300 * time.Millisecond)
					p := run.Progress()
					if p.Holdup != c.holdup {
						t.Errorf("%q holds the run back, want %q", p.Holdup, c.holdup)
					}
					if p.Holdup == HeldByOutage && p.ETA != 0 {
						t.Errorf("in an outage the run expects to take %s more", p.ETA)
					}
				}
				r.run(rows)
			})
		})
	}
}

// While the run waits for the end of a pause that a 429 asks for, its progress says
// until when. The ETA, where it is known, is not before that.
func TestProgressTellsPause(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		skip   int
		known  bool // an ETA
	}{
		"at the first call":  {http.MethodGet, 0, false},
		"at a read":          {http.MethodGet, 50, true},
		"at the first write": {http.MethodDelete, 0, false},
		"at a write":         {http.MethodDelete, 50, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := paced(t)
				rows := pairs(100, 1)
				r.tenant.SeedPairs(rows)
				limited := on(c.method, status(http.StatusTooManyRequests))
				limited.Skip, limited.Times = c.skip, 1
				r.tenant.Inject(limited)
				var once sync.Once
				ends := make(chan time.Time, 1)
				r.tenant.Inject(simulator.Fault{Kind: simulator.Headers, Path: "/api/v2/", Edit: func(status int, h http.Header) {
					if status == http.StatusTooManyRequests {
						once.Do(func() {
							h.Set("Retry-After", "120")
							ends <- time.Now().Add(2 * time.Minute)
						})
					}
				}})
				r.during = func(run *Run) {
					until := <-ends
					time.Sleep(10 * time.Second)
					p := run.Progress()
					if p.Holdup != HeldByPause || p.PausedUntil.Sub(until).Abs() > time.Second {
						t.Errorf("%q until %v, want %q until %v", p.Holdup, p.PausedUntil, HeldByPause, until)
					}
					if (p.ETA > 0 || c.known) && p.ETA < time.Until(until) {
						t.Errorf("ETA %v, %v before the end of the pause", p.ETA, time.Until(until))
					}
					time.Sleep(time.Until(until) + 5*time.Second)
					if p := run.Progress(); !p.PausedUntil.IsZero() || p.Holdup == HeldByPause {
						t.Errorf("%q after the pause, until %v", p.Holdup, p.PausedUntil)
					}
				}
				r.run(rows)
			})
		})
	}
}

// paced is a rig on the limits of an Enterprise tenant: 10 reads and 100 a
// minute, 5 writes and 150 a minute.
func paced(t *testing.T) *rig {
	plan, _ := plans.ByName("enterprise")
	r := newRig(t, simulator.Config{Plan: plan, Latency: 90 * time.Millisecond})
	r.settings.AllowLockout = true
	return r
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
