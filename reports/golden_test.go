package reports

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	orgA = "org_AAAAAAAAAAAAAAAA"
	orgB = "org_BBBBBBBBBBBBBBBB"
	orgC = "org_CCCCCCCCCCCCCCCC"
	con1 = "con_1111111111111111"
	con2 = "con_2222222222222222"
	con3 = "con_3333333333333333"
	con4 = "con_4444444444444444"
)

const resultsHeader = "line,org_id,connection_id,outcome,http_status,error_code,message,attempts,finished_at,duration_ms," +
	"request_id,connection_name,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant\n"

func outcome(line int, what journal.Outcome) journal.Record {
	return journal.Record{Outcome: &journal.RowOutcome{Line: line, Outcome: what}}
}

func called(line int, what journal.Outcome, call journal.Call) journal.Record {
	return journal.Record{Outcome: &journal.RowOutcome{Line: line, Outcome: what, Call: &call}}
}

func intent(line int, snapshot *journal.Snapshot) journal.Record {
	return journal.Record{Intent: &journal.Intent{Line: line, Snapshot: snapshot}}
}

func connection(name string) *journal.Snapshot {
	return &journal.Snapshot{Name: name, LinkSettings: apiclient.LinkSettings{AssignMembershipOnLogin: new(true), ShowAsButton: new(false)}}
}

func sample(reads, writes int) journal.Sample {
	return journal.Sample{
		Reads:  journal.Bucket{Burst: 100, Refill: 50, Remaining: 70, ActiveS: 1.25, Sent: reads},
		Writes: journal.Bucket{Burst: 50, Refill: 16, Others: 1.5, Remaining: 30, ActiveS: 4.5, Sent: writes},
		Calls:  journal.Calls{Reads: reads, Writes: writes, Retries: 2, RateLimited: 1},
	}
}

// goldenRun is a run whose expected results and summary are in testdata.
type goldenRun struct {
	name    string
	input   string
	change  func(*journal.Header)
	records []journal.Record
}

func goldenRuns() []goldenRun {
	return []goldenRun{{
		name: "names",
		input: "org_name,connection_name,org_id\n" +
			"acme,okta,\n" + // 2: disabled
			"-,okta," + orgA + "\n" + // 3: duplicate
			"globex,okta,\n" + // 4: not found
			"initech,okta,\n" + // 5: not reached
			"umbrella,okta,\n", // 6: not even looked up
		records: []journal.Record{
			after(50, journal.Record{Names: &journal.Names{Organizations: map[string]string{"acme": orgA, "globex": ""}}}),
			after(60, journal.Record{Names: &journal.Names{
				Organizations: map[string]string{"initech": orgB}, Connections: map[string]string{"okta": con1}}}),
			after(100, intent(2, &journal.Snapshot{Name: "okta-by-now"})),
			after(200, called(2, journal.Disabled, journal.Call{Status: 204, Attempts: 1, DurationMS: 90})),
		},
	}, {
		name: "every outcome",
		input: "org_id,connection_id,Customer,message\n" +
			orgA + "," + con1 + ",=1+1,from billing\n" + // 2: disabled
			orgA + "," + con2 + ",\"two\nlines\",\n" + // 3 and 4: already disabled, but seen in line 11
			"\n" +
			orgA + "," + con1 + ",again,\n" + // 6: duplicate
			"org_," + con1 + ",short,\n" + // 7: invalid
			orgB + "," + con1 + ",,\n" + // 8: blocked
			orgB + "," + con3 + ",,\n" + // 9: already disabled, but there
			orgC + "," + con1 + ",,\n" + // 10: not found
			orgB + "," + con2 + ",,\n" + // 11: failed
			orgB + "," + con4 + ",,\n" + // 12: unknown
			orgA + "," + con3 + ",,\n" + // 13: cut off
			orgA + "," + con4 + ",,\n" + // 14: not attempted, noted
			orgC + "," + con4 + ",,\n", // 15: not attempted
		records: []journal.Record{
			after(100, journal.Record{Seen: &journal.Seen{Connections: []string{con3, "con_notinthelist1234"}}}),
			after(110, outcome(3, journal.AlreadyDisabled)),
			after(120, intent(2, connection("-acme"))),
			after(130, journal.Record{Outcome: &journal.RowOutcome{Line: 8, Outcome: journal.Blocked,
				Message: "=it is the last one", Snapshot: connection("acme")}}),
			after(140, journal.Record{Outcome: &journal.RowOutcome{Line: 9, Outcome: journal.AlreadyDisabled,
				Message: "is_enabled is false", Snapshot: connection("beta")}}),
			after(150, called(10, journal.NotFound, journal.Call{Status: 404, ErrorCode: "inexistent_organization", Attempts: 1, DurationMS: 88})),
			after(1160, called(2, journal.Disabled, journal.Call{Status: 204, Attempts: 2, DurationMS: 93, RequestID: "abc123"})),
			after(1170, journal.Record{Sample: new(sample(3, 1))}),
			after(1180, intent(11, connection("gamma"))),
			after(1190, intent(12, &journal.Snapshot{Name: "delta", LinkSettings: apiclient.LinkSettings{IsSignupEnabled: new(true)}})),
			after(1200, intent(13, nil)),
			after(1210, called(11, journal.Failed, journal.Call{Status: 400, ErrorCode: "invalid_body", Attempts: 1, DurationMS: 70})),
			after(5220, called(12, journal.Unknown, journal.Call{Attempts: 5, DurationMS: 30000})),
			after(5230, outcome(14, journal.NotAttempted)),
			after(5500, journal.Record{End: &journal.End{ExitCode: 5, Reason: "--max-duration is over", Final: sample(4, 101)}}),
		},
	}, {
		name:  "killed",
		input: "org_id,connection_id\n" + orgA + "," + con1 + "\n" + orgA + "," + con2 + "\n",
		records: []journal.Record{
			after(50, intent(2, connection("acme"))),
			after(2000, journal.Record{Sample: new(sample(1, 1))}),
		},
	}, {
		name:   "dry run",
		input:  "org_id,connection_id\n" + orgA + "," + con1 + "\n" + orgA + "," + con2 + "\n",
		change: func(run *journal.Header) { run.Settings.DryRun = true; run.Note = "CHG-4711"; run.Input.Path = "-" },
		records: []journal.Record{
			after(50, journal.Record{Outcome: &journal.RowOutcome{Line: 2, Outcome: journal.WouldDisable, Snapshot: connection("acme")}}),
			after(51, outcome(3, journal.AlreadyDisabled)),
			after(90, journal.Record{End: &journal.End{Final: sample(1, 0)}}),
		},
	}, {
		name: "from a dry run",
		input: "line,org_id,connection_id,outcome,command,tenant,correlation_id\n" +
			"2," + orgA + "," + con1 + ",would_disable,disable --dry-run,acme.eu.auth0.com," + journal.CorrelationID("k3v9q2m7x4ta", 2, orgA, con1) + "\n" +
			"3," + orgA + "," + con2 + ",would_disable,disable --dry-run,acme.eu.auth0.com," + journal.CorrelationID("k3v9q2m7x4ta", 3, orgA, con2) + "\n" +
			"4," + orgA + "," + con3 + ",not_selected,disable --dry-run,acme.eu.auth0.com," + journal.CorrelationID("k3v9q2m7x4ta", 4, orgA, con3) + "\n" +
			"5," + orgA + "," + con4 + ",would_disable,disable --dry-run,acme.eu.auth0.com," + journal.CorrelationID("k3v9q2m7x4ta", 5, orgA, con4) + "\n",
		records: []journal.Record{
			after(50, intent(2, connection("acme"))),
			after(90, called(2, journal.Disabled, journal.Call{Status: 204, Attempts: 1})),
			after(91, outcome(3, journal.AlreadyDisabled)),
		},
	}, {
		name:   "no check and a limit",
		input:  "org_id,connection_id,connection_name\n" + orgA + "," + con1 + ",as given\n" + orgA + "," + con2 + ",\n",
		change: func(run *journal.Header) { run.Settings.NoCheck = true; run.Settings.Limit = 1 },
		records: []journal.Record{
			after(50, intent(2, nil)),
			after(90, called(2, journal.AlreadyDisabled, journal.Call{Status: 404, Attempts: 1})),
			after(90, journal.Record{End: &journal.End{}}),
		},
	}, {
		name:  "resumed",
		input: "org_id,connection_id\n" + orgA + "," + con1 + "\n" + orgB + "," + con2 + "\n" + orgC + "," + con3 + "\n",
		records: []journal.Record{
			after(50, intent(2, connection("acme"))),
			after(60, intent(3, connection("beta"))),
			after(90, called(3, journal.Failed, journal.Call{Status: 400, Attempts: 1})),
			after(1000, journal.Record{Sample: new(sample(2, 2))}),
			after(3600_000, journal.Record{Header: resumedRun().Header}),
			after(3601_000, journal.Record{Outcome: &journal.RowOutcome{Line: 2, Outcome: journal.Disabled}}),
			after(3601_100, journal.Record{Outcome: &journal.RowOutcome{Line: 3, Outcome: journal.Blocked, Snapshot: connection("renamed")}}),
			after(3602_000, journal.Record{End: &journal.End{ExitCode: 1, Final: sample(2, 200)}}),
		},
	}, {
		name:  "resumed and killed",
		input: "org_id,connection_id\n" + orgA + "," + con1 + "\n",
		records: []journal.Record{
			after(50, intent(2, connection("acme"))),
			after(90, called(2, journal.Failed, journal.Call{Status: 400, Attempts: 1})),
			after(100, journal.Record{End: &journal.End{ExitCode: 1, Final: sample(1, 1)}}),
			after(3600_000, journal.Record{Header: resumedRun().Header}),
			after(3600_500, intent(2, connection("renamed"))),
		},
	}, {
		name:    "no rows",
		input:   "org_id,connection_id,-x\n",
		records: []journal.Record{after(1, journal.Record{End: &journal.End{}})},
	}, {
		name: "restore",
		input: resultsHeader +
			"2," + orgA + "," + con1 + ",disabled,204,,,1,,93,,'-acme,yes,no,,disable,acme.eu.auth0.com\n" +
			"3," + orgA + "," + con2 + ",already_disabled,,,,,,,,,,,,disable,acme.eu.auth0.com\n",
		change: func(run *journal.Header) { run.Command = "restore" },
		records: []journal.Record{
			after(50, intent(2, nil)),
			after(90, called(2, journal.Restored, journal.Call{Status: 201, Attempts: 1})),
			after(90, journal.Record{End: &journal.End{}}),
		},
	}}
}

// resumedRun begins an invocation with another version and headroom.
func resumedRun() journal.Record {
	rec := runRecord()
	rec.Header.Version = "v1.3.0"
	rec.Header.Settings.Headroom = 0.1
	return rec
}

func TestGolden(t *testing.T) {
	for _, run := range goldenRuns() {
		t.Run(run.name, func(t *testing.T) {
			first := runRecord()
			if run.change != nil {
				run.change(first.Header)
			}
			dir := writeRun(t, run.input, first, run.records...)
			if _, err := Make(context.Background(), dir, nil); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"results.csv", "summary.json"} {
				compareGolden(t, filepath.Join("testdata", strings.ReplaceAll(run.name, " ", "-"), name), dir, name)
			}
		})
	}
}

// compareGolden compares a report with its golden file, except for the path of the
// run directory.
func compareGolden(t *testing.T, golden, dir, name string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	got = bytes.ReplaceAll(got, []byte(dir), []byte("RUNDIR"))
	if *update {
		if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", golden, diff)
	}
}
