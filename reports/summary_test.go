package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgconn/orgconn/batch/journal"
)

func TestExpected(t *testing.T) {
	enterprise := Rate{Burst: 10, RefillPerS: 1.7} // measured, of 100 a minute
	for name, c := range map[string]struct {
		rates                 Rates
		organizations, writes int
		want                  time.Duration
	}{
		"nothing was measured":          {Rates{}, 100, 100, 0},
		"published limit on writes":     {Rates{Reads: enterprise}, 60, 605, 240 * time.Second},
		"reads take longer":             {Rates{Reads: enterprise}, 349, 349, 200 * time.Second},
		"measured limit on writes":      {Rates{Reads: enterprise, Writes: Rate{Burst: 5, RefillPerS: 5}}, 60, 605, 120 * time.Second},
		"no plan has this limit":        {Rates{Reads: Rate{Burst: 10, RefillPerS: 5}}, 60, 605, 0},
		"no plan has this burst":        {Rates{Reads: Rate{Burst: 11, RefillPerS: 1.7}}, 60, 605, 0},
		"less than the bucket holds":    {Rates{Reads: enterprise}, 2, 2, time.Second},
		"without a check, only writes":  {Rates{Writes: Rate{Burst: 5, RefillPerS: 2.5}}, 0, 55, 20 * time.Second},
		"hours":                         {Rates{Reads: enterprise}, 100, 150 * 600, 10*time.Hour - 2*time.Second},
		"self-service has fewer writes": {Rates{Reads: Rate{Burst: 5, RefillPerS: 0.83}}, 10, 55, 120 * time.Second},
		// A run after a dry run reads only organizations that it writes to.
		"more organizations than writes": {Rates{Reads: enterprise}, 600, 2, time.Second},
		"nothing to write":               {Rates{Reads: enterprise}, 600, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.rates.Expected(c.organizations, c.writes, 0); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// withFlags is the header of a further invocation.
func withFlags(change func(*journal.Settings)) journal.Record {
	rec := runRecord()
	rec.Header.Settings.DryRun = true
	change(&rec.Header.Settings)
	return rec
}

// What an earlier invocation was allowed, its rows still need. What the next one does about
// unknown rows is up to the first one's flags, which resume takes.
func TestFlagsOfEarlierInvocations(t *testing.T) {
	as := func(change func(*journal.Settings)) journal.Record { return after(2, withFlags(change)) }
	none := func(*journal.Settings) {}
	end := after(9, journal.Record{End: &journal.End{}})
	dir := writeRun(t, "org_id,connection_id\n"+orgA+","+con1+"\n", withFlags(none),
		after(1, outcome(2, journal.Blocked)), end,
		as(func(s *journal.Settings) { s.AllowLockout = true }), after(3, outcome(2, journal.WouldDisable)), end,
		as(func(s *journal.Settings) { s.AllowDefaults = true }), end, as(none), end)
	s, err := Make(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Proposed("results.csv"), "orgconn disable --allow-lockout --allow-defaults results.csv"; got != want {
		t.Errorf("it proposes %q, want %q", got, want)
	}
	once := func(s *journal.Settings) { s.DryRun, s.NoCheck = false, true }
	dir = writeRun(t, "org_id,connection_id\n"+orgA+","+con1+"\n", runRecord(),
		end, as(once), after(3, outcome(2, journal.Unknown)), end)
	if s, err = Make(context.Background(), dir, nil); err != nil || s.NoCheck {
		t.Errorf("the next invocation makes no check: %t, %v", s.NoCheck, err)
	}
}

// Last logins are read in a bucket of their own, which may be the slowest.
func TestExpectedWithLastLogins(t *testing.T) {
	dryRun := Summary{
		Outcomes: map[journal.Outcome]int{journal.WouldDisable: 100}, Input: Input{Organizations: 10},
		Rate: Rates{Reads: Rate{Burst: 10, RefillPerS: 1.7}, Logs: Rate{Burst: 10, RefillPerS: 0.5}},
	}
	if got := dryRun.Expected(); got > time.Minute {
		t.Errorf("without --unused-for, a run does not read the log, but takes %s", got)
	}
	dryRun.Repeated = []string{"--unused-for 30d"}
	if got := dryRun.Expected(); got != 180*time.Second {
		t.Errorf("got %s", got)
	}
}

// A connection that no organization has is most likely a typing error. The summary
// names those with the most rows.
func TestNeverSeen(t *testing.T) {
	const connections = 450
	var input strings.Builder
	input.WriteString("org_id,connection_id\n")
	line := 1
	var records []journal.Record
	for c := range connections {
		rows := 1
		if c == 440 {
			rows = 3
		}
		for r := range rows {
			line++
			fmt.Fprintf(&input, "org_%016d,con_%016d\n", r, c)
			records = append(records, after(line, outcome(line, journal.AlreadyDisabled)))
		}
	}
	records = append(records, after(line, journal.Record{Seen: &journal.Seen{Connections: []string{fmt.Sprintf("con_%016d", 0)}}}))
	killed, err := Make(context.Background(), writeRun(t, input.String(), runRecord(), records...), nil)
	if err != nil {
		t.Fatal(err)
	}
	if killed.NeverSeenTotal != 0 || len(killed.NeverSeenConnections) != 0 {
		t.Errorf("a run that has not read all has %d", killed.NeverSeenTotal)
	}
	records = append(records, after(line, journal.Record{End: &journal.End{}}))
	slice := runRecord()
	slice.Header.Settings.Limit = line - 2
	limited, err := Make(context.Background(), writeRun(t, input.String(), slice, records...), nil)
	if err != nil {
		t.Fatal(err)
	}
	if limited.NeverSeenTotal != 0 {
		t.Errorf("a slice, which has not read all, has %d", limited.NeverSeenTotal)
	}
	s, err := Make(context.Background(), writeRun(t, input.String(), runRecord(), records...), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{fmt.Sprintf("con_%016d", 440)}
	for c := 1; c < 100; c++ {
		want = append(want, fmt.Sprintf("con_%016d", c))
	}
	if diff := cmp.Diff(want, s.NeverSeenConnections); diff != "" || s.NeverSeenTotal != connections-1 {
		t.Errorf("%d never seen, want %d (-want +got):\n%s", s.NeverSeenTotal, connections-1, diff)
	}
}

// The summary counts what cannot be undone as it was: rows without a check, also those
// whose end is not known, and settings that no call gives back.
func TestSummaryCountsWhatIsNotKept(t *testing.T) {
	input := "org_id,connection_id\n" + orgA + "," + con1 + "\n" + orgA + "," + con2 + "\n" + orgA + "," + con3 + "\n" + orgB + "," + con1 + "\n"
	odd := &journal.Snapshot{Unknown: map[string]json.RawMessage{"role": json.RawMessage(`"x"`)}}
	blocked := outcome(5, journal.Blocked) // nothing is lost
	blocked.Outcome.Snapshot = odd
	s, err := Make(context.Background(), writeRun(t, input, runRecord(),
		after(1, intent(2, nil)), after(2, outcome(2, journal.Disabled)),
		after(3, intent(3, nil)), after(4, outcome(3, journal.Unknown)),
		after(5, intent(4, odd)), after(6, outcome(4, journal.Disabled)), after(7, blocked),
		after(8, journal.Record{End: &journal.End{Final: journal.Sample{Logs: journal.Bucket{Burst: 5, Refill: 2}}}})), nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Unsaved != 2 || s.UnknownSettings != 1 {
		t.Errorf("%d rows without a snapshot, %d with unknown settings", s.Unsaved, s.UnknownSettings)
	}
	if s.Rate.Logs.Burst != 5 || s.Rate.Logs.RefillPerS != 2 {
		t.Errorf("the tenant's log: %+v", s.Rate.Logs)
	}
}

// A connection that the tenant does not have was never seen. If the others were found
// switched off only, nothing is said of those that were not found.
func TestNeverSeenByOutcome(t *testing.T) {
	input := "org_id,connection_id\n" + orgA + "," + con1 + "\n" + orgA + "," + con2 + "\n"
	off := outcome(2, journal.AlreadyDisabled)
	off.Outcome.Snapshot = connection("acme")
	missing := outcome(3, journal.NotFound)
	missing.Outcome.NoConnection = true
	for want, rows := range map[string][]journal.Record{
		con2: {after(1, intent(2, connection("acme"))), after(2, outcome(2, journal.Disabled)), after(3, missing)},
		"":   {after(1, off), after(2, outcome(3, journal.AlreadyDisabled))},
	} {
		s, err := Make(context.Background(), writeRun(t, input, runRecord(), append(rows, after(4, journal.Record{End: &journal.End{}}))...), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.NeverSeenConnections, " "); got != want {
			t.Errorf("never seen: %q, want %q", got, want)
		}
	}
}

// If all that was seen was switched off, the list was done before. The connections that
// are not there may have been removed then.
func TestNeverSeenAmongLinksThatAreOff(t *testing.T) {
	for _, on := range []bool{false, true} {
		u := newUnseen(slices.Values([]string{"a", "b"}))
		u.missed("b")
		if u.onlyOff() {
			t.Error("nothing was seen")
		}
		u.saw("a", on)
		u.saw("a", false)
		if u.onlyOff() == on {
			t.Errorf("on=%t: %t", on, u.onlyOff())
		}
	}
}
