package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

func TestUndo(t *testing.T) {
	for want, s := range map[string]Summary{
		"":                                   {Command: "disable", DryRun: true, Outcomes: map[journal.Outcome]int{journal.WouldDisable: 2}},
		"orgconn restore d":                  {Command: "disable", Outcomes: map[journal.Outcome]int{journal.Disabled: 2}},
		"orgconn restore 'a b'":              {Command: "disable", Outcomes: map[journal.Outcome]int{journal.Unknown: 1, journal.Disabled: 1}, Unsaved: 1},
		"orgconn restore --allow-defaults d": {Command: "disable", Outcomes: map[journal.Outcome]int{journal.Disabled: 2}, Unsaved: 2},
	} {
		dir := "d"
		if strings.Contains(want, "a b") {
			dir = "a b"
		}
		if got := s.Undo(dir); got != want {
			t.Errorf("undo %q, want %q", got, want)
		}
	}
	for _, s := range []Summary{
		{Command: "disable", Outcomes: map[journal.Outcome]int{journal.AlreadyDisabled: 2, journal.Failed: 1}},
		{Command: "restore", Outcomes: map[journal.Outcome]int{journal.Restored: 2}},
	} {
		if got := s.Undo("d"); got != "" {
			t.Errorf("%s with %v is undone by %q", s.Command, s.Outcomes, got)
		}
	}
}

// Those who ran and resumed a run are named once each.
func TestPageSaysWhoRanIt(t *testing.T) {
	header := func(user string) journal.Record {
		rec := runRecord()
		rec.Header.By = &journal.By{ClientID: "AbCd", User: user, Host: "worker-1"}
		return rec
	}
	page, _ := pageOf(t, "org_id,connection_id\n", header("eve"), after(9, header("eve")), after(20, header("<bob>")), after(30, runRecord()))
	want := "Run byeve on worker-1, client AbCd, orgconn v1.2.3; then &lt;bob&gt; on worker-1, client AbCd, orgconn v1.2.3; then orgconn v1.2.3"
	if !strings.Contains(text(page), want) {
		t.Errorf("it does not say %q:\n%s", want, text(page))
	}
}

// If no organization of the list exists, the tenant or the list is wrong. Then nothing
// says to resume the run, or that --missing-ok helps.
func TestPageOfTheWrongTenant(t *testing.T) {
	dry := runRecord()
	dry.Header.Settings.DryRun = true
	for name, c := range map[string]struct {
		first journal.Record
		end   journal.End
	}{
		"finished": {runRecord(), journal.End{ExitCode: 1, Reason: "no organization of the list exists: " + journal.RightTenant}},
		"stopped":  {dry, journal.End{ExitCode: 5, Reason: "--max-failures 50%: too many rows failed, as no organization so far exists: " + journal.RightTenant}},
	} {
		page, _ := pageOf(t, "org_id,connection_id\n"+orgA+","+con1+"\n"+orgB+","+con1+"\n", c.first,
			after(1, outcome(2, journal.NotFound)), after(9, journal.Record{End: &c.end}))
		said := text(page)
		for _, want := range []string{"▲ The wrong tenant, or the wrong list", journal.RightTenant, "No organization of the list was found in acme.eu.auth0.com."} {
			if !strings.Contains(said, want) {
				t.Errorf("%s: it does not say %q:\n%s", name, want, said)
			}
		}
		for _, bad := range []string{"orgconn resume", "Resume it", "--missing-ok"} {
			if strings.Contains(said, bad) {
				t.Errorf("%s: it says %q", name, bad)
			}
		}
	}
}

// The page says nothing that was not measured well.
func TestSpeedOfShortRuns(t *testing.T) {
	rate := Rate{Burst: 10, RefillPerS: 1.7, OthersPerS: 0.2, IdealS: 15, ActualS: 17.7}
	for name, c := range map[string]struct {
		rate Rate
		want string
	}{
		"short": {rate, "40 writes in 17.7 s, 2.26 per second. The bucket holds 10 tokens and refills at 1.7 per second."},
		"long": {Rate{Burst: 10, RefillPerS: 1.7, OthersPerS: 0.2, IdealS: 150, ActualS: 177},
			"other clients took 0.2 per second. From a full bucket, without other clients and with the headroom left, they take at least 2 min 30 s: this run took 18 % longer."},
		"hardly any others": {Rate{Burst: 10, RefillPerS: 1.7, OthersPerS: 0.02, ActualS: 177}, "refills at 1.7 per second. A full bucket holds enough tokens for so few calls."},
		"no limit measured": {Rate{ActualS: 1}, "The refill rate of the bucket was not measured."},
	} {
		chart := callChart{name: "writes", calls: 40, rate: c.rate, finished: true}
		if got := chart.caption(); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for seconds, want := range map[float64]int{9: 0, 11: 1} {
		v := &pageView{Summary: &Summary{DurationS: seconds, Calls: journal.Calls{Reads: 1}}}
		if got := len(v.figures(&index{timeline: timeline{stepWidth: time.Second}})); got != want {
			t.Errorf("%d charts after %g s, want %d", got, seconds, want)
		}
	}
}
