package batch

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

func TestMaxFailures(t *testing.T) {
	cases := []struct {
		bound    string
		bad      int // rows that are refused, the first ones
		exit     int
		decided  int // at most
		describe string
	}{
		{"3", 10, journal.ExitStopped, 40, "rows"},
		{"50%", 99, journal.ExitStopped, 160, "percent, once 100 rows are decided"},
		{"50%", 40, journal.ExitFailedRows, 200, "a smaller share goes on"},
		{"0", 200, journal.ExitFailedRows, 200, "never"},
	}
	for _, c := range cases {
		t.Run(c.describe, func(t *testing.T) {
			inBubble(t, simulator.Config{Plan: limits(t, "private-500")}, func(t *testing.T, r *rig) {
				rows := pairs(200, 1)
				r.tenant.SeedPairs(rows)
				refused := on(http.MethodDelete, status(400))
				refused.Times = c.bad
				r.tenant.Inject(refused)
				if err := r.settings.MaxFailures.UnmarshalText([]byte(c.bound)); err != nil {
					t.Fatal(err)
				}
				result := r.run(rows)
				if result.ExitCode != c.exit {
					t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
				}
				decided := 0
				for _, o := range r.outcomes(rows) {
					if o != journal.NotAttempted {
						decided++
					}
				}
				if decided > c.decided {
					t.Errorf("%d rows were decided before it stopped", decided)
				}
			})
		})
	}
}

// Rows that --missing-ok lets pass are no failures: not for --max-failures, which
// would end the run every night, nor for the progress, nor for the log.
func TestMissingRowsAreNoFailures(t *testing.T) {
	for _, ok := range []bool{true, false} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(20, 1)
			r.tenant.SeedPairs(rows[:1])
			r.settings.MissingOK, r.settings.Workers = ok, 1
			if err := r.settings.MaxFailures.UnmarshalText([]byte("3")); err != nil {
				t.Fatal(err)
			}
			core, logged := observer.New(zap.WarnLevel)
			r.log = zap.New(core)
			run := r.newRun(rows)
			want, failed := journal.ExitOK, 0
			if !ok {
				want, failed = journal.ExitStopped, 3
			}
			if result := run.Do(r.stop); result.ExitCode != want {
				t.Errorf("--missing-ok=%t: exit %d: %v", ok, result.ExitCode, result.Stop)
			}
			if n := run.Progress().Failed; n < failed || ok && n > 0 {
				t.Errorf("--missing-ok=%t: the progress says %d failed", ok, n)
			}
			if n := logged.FilterMessage("row").Len(); n < failed || ok && n > 0 {
				t.Errorf("--missing-ok=%t: %d warnings", ok, n)
			}
		})
	}
}

// The progress counts a row as done once it was reached, and a missing organization as
// the exit code does: as failed, unless --missing-ok is given and some organization exists.
func TestProgressCountsAsTheExitCodeDoes(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		r.settings.MissingOK = true
		run := r.newRun(pairs(4, 1))
		run.books.now.add(journal.NotFound)
		run.books.now.add(journal.NotAttempted)
		if p := run.Progress(); p.Done != 1 || p.Failed != 1 {
			t.Errorf("%d done, %d failed, want 1 and 1", p.Done, p.Failed)
		}
		run.books.found.Store(true)
		if p := run.Progress(); p.Failed != 0 {
			t.Errorf("%d failed, want 0: an organization exists", p.Failed)
		}
		run.books.noConnection.Store(1)
		if p := run.Progress(); p.Failed != 1 {
			t.Errorf("%d failed, want 1: a connection that does not exist is never ok", p.Failed)
		}
	})
}

// Who looks on is told of each row that failed, and the log then has no warnings.
func TestFailedRowsAreTold(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(4, 1)
		r.tenant.SeedPairs(rows[:1])
		core, logged := observer.New(zap.WarnLevel)
		r.log = zap.New(core)
		run := r.newRun(rows)
		var told atomic.Int64
		run.Failed = func(o journal.RowOutcome) {
			if o.Outcome == journal.NotFound {
				told.Add(1)
			}
		}
		run.Do(r.stop)
		if n := told.Load(); n != 3 || logged.Len() > 0 {
			t.Errorf("told of %d rows, want 3; %d warnings", n, logged.Len())
		}
	})
}

func TestMaxChanges(t *testing.T) {
	setup := func(r *rig) []simulator.Pair {
		rows := pairs(20, 2)
		r.tenant.SeedPairs(rows)
		for _, p := range rows[:30] {
			r.tenant.Disable(p.OrganizationID, p.ConnectionID)
		}
		return rows
	}
	t.Run("kept", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := setup(r)
			r.settings.MaxChanges = 10
			if result := r.run(rows); result.ExitCode != journal.ExitOK {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			r.expect(rows, "already_disabled*30", "disabled*10")
		})
	})
	t.Run("passed", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := setup(r)
			r.settings.MaxChanges = 9
			if result := r.run(rows); result.ExitCode != journal.ExitStopped {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			if deletes := r.count(http.MethodDelete); deletes != 0 {
				t.Errorf("%d deletes", deletes)
			}
			r.expect(rows, "already_disabled*30", "not_attempted*10")
		})
	})
	t.Run("dry run says so", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := setup(r)
			r.settings.MaxChanges, r.settings.DryRun = 9, true
			result := r.run(rows)
			if result.ExitCode != journal.ExitOK || !strings.Contains(result.Reason(), "--max-changes 9") {
				t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
			}
			r.expect(rows, "already_disabled*30", "would_disable*10")
		})
	})
	t.Run("is looked at again before the first write", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.settings.MaxChanges = 9
			run := r.newRun(setup(r))
			run.books.changes.Store(10) // by a check that ended at this instant
			run.queue.close()
			if err := run.writeAll(); err == nil {
				t.Error("the writes begin")
			}
		})
	})
	t.Run("without check every pair counts", func(t *testing.T) {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := setup(r)
			r.settings.MaxChanges, r.settings.NoCheck = 39, true
			if result := r.run(rows); result.ExitCode != journal.ExitStopped {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			if calls := r.count(""); calls != 0 {
				t.Errorf("%d calls", calls)
			}
		})
	})
}

func TestStopsDrain(t *testing.T) {
	for _, workers := range []int{128, 2} {
		stopsDrain(t, workers)
	}
}

func stopsDrain(t *testing.T, workers int) {
	plan := limits(t, "enterprise")
	if workers == 2 { // so that rows wait for a call to end, not for the bucket
		plan = limits(t, "unlimited")
	}
	inBubble(t, simulator.Config{Plan: plan, Latency: 2 * time.Second}, func(t *testing.T, r *rig) {
		rows := pairs(40, 2)
		r.tenant.SeedPairs(rows)
		r.settings.Workers = workers
		const after = 9123 * time.Millisecond // an instant at which nothing else happens
		start := time.Now()
		r.unsent = func(req *http.Request) error {
			if time.Since(start) >= after {
				t.Errorf("%s %s is sent after the stop", req.Method, req.URL.Path)
			}
			return nil
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(after, func() { cancel(&Stop{Code: journal.ExitTerminated, Reason: "terminated"}) })
		r.stop = ctx
		if result := r.run(rows); result.ExitCode != journal.ExitTerminated {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		for i, p := range rows {
			if o := r.outcome(i).Outcome; o == journal.Unknown || (o == journal.Disabled) == r.enabled(p) {
				t.Errorf("row %d is %s, enabled %t", i, o, r.enabled(p))
			}
		}
	})
}

// After a few rows, nobody knows whether the list is of another tenant. Whoever interrupts
// the run is told how to go on.
func TestInterruptedRunDoesNotAskForTheTenant(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		r.settings.MaxRPS = 1
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(3*time.Second, func() { cancel(&Stop{Code: journal.ExitInterrupted, Reason: "interrupted"}) })
		r.stop = ctx
		if result := r.run(pairs(40, 1)); result.Reason() != "interrupted" || r.count(http.MethodGet) == 0 {
			t.Errorf("%q after %d reads", result.Reason(), r.count(http.MethodGet))
		}
	})
}

// A stop while intents are on their way to the disk leaves no row unknown: their calls
// are not sent, and that is recorded.
func TestStopWhileIntentsAreSynced(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "unlimited")}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		r.records.sync = 5 * time.Second
		r.settings.MaxDuration = journal.Duration(3 * time.Second)
		if result := r.run(rows); result.ExitCode != journal.ExitStopped {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "not_attempted*3")
		if deletes := r.count(http.MethodDelete); deletes != 0 {
			t.Errorf("%d deletes after the stop", deletes)
		}
	})
}

// Nor does a run that stops for a fault: it says nothing of the list.
func TestFaultDoesNotAskForTheTenant(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		run := r.newRun(pairs(2, 1))
		run.Do(r.stop)
		for _, stop := range []*Stop{journalFailed(errors.New("disk full")), outOfReach(&apiclient.Error{Class: apiclient.Transient})} {
			if reason := run.result(stop).Reason(); reason != stop.Reason {
				t.Error(reason)
			}
		}
	})
}

func TestMaxDuration(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(40, 2)
		r.tenant.SeedPairs(rows)
		r.settings.MaxDuration = journal.Duration(10 * time.Second)
		start := time.Now()
		if result := r.run(rows); result.ExitCode != journal.ExitStopped || !strings.Contains(result.Reason(), "--max-duration") {
			t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
		}
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("the run took %s", took)
		}
	})
}

// Reads that wait until the writes come after them do not hold up a stop.
func TestStopWhileReadsWait(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "self-service")}, func(t *testing.T, r *rig) {
		rows := pairs(6, 50)
		r.tenant.SeedPairs(rows)
		r.settings.Workers, r.settings.MaxDuration = 1, journal.Duration(time.Minute)
		start := time.Now()
		if result := r.run(rows); result.ExitCode != journal.ExitStopped {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		if took := time.Since(start); took > 61*time.Second {
			t.Errorf("the run took %s", took)
		}
	})
}

// A call that waits to be repeated does not hold up a stop.
func TestStopEndsBackoff(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(2, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[1], status(503)))
		r.tenant.Inject(onRow(rows[1], simulator.Fault{Kind: simulator.Headers, Edit: func(_ int, h http.Header) { h.Set("Retry-After", "25") }}))
		r.settings.MaxDuration = journal.Duration(5 * time.Second)
		start := time.Now()
		r.run(rows)
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("the run took %s", took)
		}
		r.expect(rows, "disabled", "unknown")
	})
}

// A call that hangs while the run stops gets ten seconds, and is then cut off:
// nobody knows what it did.
func TestDrainIsBounded(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(onRow(rows[1], simulator.Fault{Kind: simulator.Hang, Stage: simulator.AfterEffect}))
		r.settings.MaxDuration = journal.Duration(2 * time.Second)
		start := time.Now()
		r.run(rows)
		if took := time.Since(start); took < 12*time.Second || took > 13*time.Second {
			t.Errorf("the run took %s", took)
		}
		r.expect(rows, "disabled", "unknown", "disabled")
	})
}

// Nothing is sent that is not recorded.
func TestJournalThatFailsStopsTheRun(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
		rows := pairs(40, 1)
		r.tenant.SeedPairs(rows)
		sent := -1
		time.AfterFunc(5*time.Second, func() {
			r.records.mu.Lock()
			defer r.records.mu.Unlock()
			r.records.fail = errors.New("no space left on device")
			sent = r.count(http.MethodDelete)
		})
		result := r.run(rows)
		if result.ExitCode != journal.ExitStopped || !strings.Contains(result.Reason(), "no space left") {
			t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
		}
		if deletes := r.count(http.MethodDelete); deletes > sent+1 {
			t.Errorf("%d deletes after the journal had failed", deletes-sent)
		}
	})
}

// A panic in a worker is a stop with its own code, not the end of the process.
func TestPanicIsAnInternalError(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(5, 1)
		r.tenant.SeedPairs(rows)
		onRow := onRow(rows[2], simulator.Fault{})
		match := onRow.Match
		onRow.Match = func(req *http.Request) bool {
			if match(req) {
				panic("a bug")
			}
			return false
		}
		onRow.Kind, onRow.Probability = simulator.Slow, 1
		r.tenant.Inject(onRow)
		if result := r.run(rows); result.ExitCode != journal.ExitInternal || !strings.Contains(result.Reason(), "a bug") {
			t.Errorf("exit %d: %q", result.ExitCode, result.Reason())
		}
	})
}

// An error that nobody expects is no Ctrl-C: a cron job reports it.
func TestStopOfUnknownError(t *testing.T) {
	for err, want := range map[error]int{
		errors.New("unexpected"):                     journal.ExitInternal,
		context.Canceled:                             journal.ExitInterrupted,
		&Stop{Code: journal.ExitTerminated}:          journal.ExitTerminated,
		&apiclient.Error{Class: apiclient.Transient}: journal.ExitStopped,
	} {
		if got := asStop(err).Code; got != want {
			t.Errorf("%v: exit code %d, want %d", err, got, want)
		}
	}
}
