package reports

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

// sampleRun is a made-up run: a constant rate of rows, two for each organization,
// and a sample every 15 seconds.
type sampleRun struct {
	name    string
	rows    int
	reached int // rows with an outcome; 0: all
	outcome func(i int) (outcome journal.Outcome, message string)
	change  func(*journal.Header)
	pause   time.Duration // between two invocations, after half of the rows
	end     *journal.End  // nil: killed
	login   func(line int) string
}

const (
	lastOne      = "this is the organization's last enabled connection: its members could not log in"
	onlyHidden   = "only connections that are hidden from the login page are left in the organization"
	brokenBody   = `status 400 Bad Request: code "invalid_body": "Payload validation error"`
	sampleRefill = 16.0
)

func sampleRuns() []sampleRun {
	finished := func(code int) *journal.End { return &journal.End{ExitCode: code} }
	return []sampleRun{
		{name: "empty", end: finished(0), outcome: always(journal.Disabled)},
		{name: "all-well", rows: 400, end: finished(0), outcome: always(journal.Disabled)},
		{name: "many-failed", rows: 500, end: finished(1), outcome: func(i int) (journal.Outcome, string) {
			switch {
			case i%10 == 0:
				return journal.Failed, brokenBody
			case i%10 == 1:
				return journal.NotFound, "the tenant has no such organization"
			case i%10 == 2:
				return journal.Failed, `status 409 Conflict: code "conflict": "The resource is being changed"`
			case i%10 == 4:
				return journal.Unknown, "status 502 Bad Gateway"
			case i%50 == 5:
				return journal.Blocked, lastOne
			}
			return journal.Disabled, ""
		}},
		{name: "dry-run", rows: 300, end: finished(1), outcome: func(i int) (journal.Outcome, string) {
			switch {
			case i%12 == 3:
				return journal.Blocked, lastOne
			case i%12 == 5:
				return journal.WouldDisable, onlyHidden
			case i%7 == 0:
				return journal.AlreadyDisabled, ""
			}
			return journal.WouldDisable, ""
		}, change: func(r *journal.Header) { r.Settings.DryRun = true; r.Note = "CHG-4711" }, login: func(line int) string {
			if line%5 > 0 {
				return "none"
			}
			return start.Add(-time.Duration(line*line) * 7 * time.Minute).Format(time.RFC3339)
		}},
		{name: "restore", rows: 120, end: finished(0), outcome: func(i int) (journal.Outcome, string) {
			if i%9 == 0 {
				return journal.AlreadyEnabled, ""
			}
			return journal.Restored, ""
		}, change: func(r *journal.Header) { r.Command = journal.CommandRestore }},
		{name: "no-check", rows: 120, end: finished(0), outcome: always(journal.Disabled),
			change: func(r *journal.Header) { r.Settings.NoCheck = true; r.Note = "INC-17: leaked connection" }},
		{name: "resumed", rows: 900, end: finished(0), pause: 3*time.Hour + 20*time.Minute, outcome: always(journal.Disabled)},
		{name: "killed", rows: 700, reached: 450, outcome: always(journal.Disabled)},
		{name: "large", rows: 10_000, end: finished(1), outcome: func(i int) (journal.Outcome, string) {
			switch {
			case i%20 == 3:
				return journal.Failed, brokenBody
			case i%9 == 1:
				return journal.AlreadyDisabled, ""
			}
			return journal.Disabled, ""
		}},
	}
}

func always(outcome journal.Outcome) func(int) (journal.Outcome, string) {
	return func(int) (journal.Outcome, string) { return outcome, "" }
}

// make writes a run directory and makes its reports.
func (s sampleRun) make(t testing.TB) (dir string) {
	t.Helper()
	var input strings.Builder
	first := runRecord()
	first.Header.By = &journal.By{ClientID: "Zb1kq0Yx7dJ3", User: "ops", Host: "worker-1"}
	if s.change != nil {
		s.change(first.Header)
	}
	columns, cells := "", ""
	if first.Header.Command == journal.CommandRestore {
		columns, cells = ",outcome,command,tenant,assign_membership_on_login,show_as_button,is_signup_enabled", ",disabled,disable,acme.eu.auth0.com,,yes,"
	}
	fmt.Fprintf(&input, "org_id,connection_id,customer%s\n", columns)
	for i := range s.rows {
		customer := fmt.Sprint("customer ", i)
		if i == 7 {
			customer = "İstanbul" // grows by a letter in lower case
		}
		fmt.Fprintf(&input, "org_%016d,con_%016d,%s%s\n", i/2, i%70, customer, cells)
	}
	dir = writeRun(t, input.String(), first, s.records(first)...)
	if _, err := Make(context.Background(), dir, nil); err != nil {
		t.Fatal(err)
	}
	if s.login != nil {
		makePage(t, dir, s.login)
	}
	return dir
}

func (s sampleRun) records(first journal.Record) (records []journal.Record) {
	add := func(at time.Duration, rec journal.Record) {
		rec.At = start.Add(at)
		records = append(records, rec)
	}
	reached := s.reached
	if reached == 0 {
		reached = s.rows
	}
	dry, unchecked := first.Header.Settings.DryRun, first.Header.Settings.NoCheck
	const atOnce = 37 // calls that the full bucket allows at the start
	var now, sampled, pause time.Duration
	began := 0
	for i := range reached {
		now = 400*time.Millisecond + pause + time.Duration(float64(max(0, i-atOnce))/sampleRefill*float64(time.Second))
		if s.pause > 0 && i == reached/2 {
			add(now, journal.Record{End: &journal.End{ExitCode: 130, Reason: "interrupted", Final: s.sample(i-began, dry)}})
			pause, began = s.pause, i
			now += pause
			again := *first.Header
			add(now, journal.Record{Header: &again})
			sampled = now
		}
		for now-sampled > 15*time.Second {
			sampled += 15 * time.Second
			sample := s.sample(i-began, dry)
			add(sampled, journal.Record{Sample: &sample})
		}
		what, message := s.outcome(i)
		o := &journal.RowOutcome{Line: i + 2, Outcome: what, Message: message}
		if !unchecked {
			o.Snapshot = connection(fmt.Sprint("customer-", i%70))
		}
		if i%2 == 0 && !unchecked && what != journal.NotFound {
			waysIn := 3 + i%4
			if i%12 == 2 {
				waysIn = 2
			}
			add(now, journal.Record{Organization: &journal.Organization{ID: fmt.Sprintf("org_%016d", i/2), WaysIn: waysIn}})
		}
		if groupOf(what) != unchanged && !dry && what != journal.Blocked {
			add(now, intent(i+2, o.Snapshot))
			status := map[journal.Outcome]int{journal.Disabled: 204, journal.Restored: 201, journal.NotFound: 404, journal.Failed: 400, journal.Unknown: 502}[what]
			o.Call = &journal.Call{Status: status, Attempts: 1, DurationMS: 90, RequestID: fmt.Sprintf("%032d", i)}
		}
		add(now, journal.Record{Outcome: o})
	}
	if s.end != nil {
		end := *s.end
		end.Final = s.sample(reached-began, dry)
		add(now+100*time.Millisecond, journal.Record{End: &end})
	}
	return records
}

func (s sampleRun) sample(calls int, dry bool) journal.Sample {
	if calls == 0 {
		return journal.Sample{}
	}
	level := 13 + 20*math.Abs(math.Sin(float64(calls)/300))
	sample := journal.Sample{
		Reads: journal.Bucket{Burst: 100, Refill: 50, Remaining: 80 - level, ActiveS: float64(calls) / 20, Sent: calls / 2},
		Calls: journal.Calls{Reads: calls / 2, RateLimited: calls / 200},
	}
	if !dry {
		sample.Writes = journal.Bucket{Burst: 50, Refill: sampleRefill, Remaining: level, ActiveS: float64(max(calls-37, 0)) / sampleRefill, Sent: calls}
		sample.Calls.Writes = calls
	}
	return sample
}
