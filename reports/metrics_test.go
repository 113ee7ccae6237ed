package reports

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/orgconn/orgconn/batch/journal"
)

// finished is the summary of a run that ended with an exit code.
func finished(command, tenant string, code int, at time.Time) *Summary {
	return &Summary{
		Command: command, Tenant: tenant, StartedAt: start, DurationS: 12.5, FinishedAt: &at, ExitCode: &code,
		Outcomes: map[journal.Outcome]int{journal.Disabled: 40, journal.Failed: 2},
		Calls:    journal.Calls{Reads: 21, Writes: 43, RateLimited: 1},
	}
}

// series reads a metrics file with Prometheus' own parser. It returns the values by
// name and labels.
func series(t *testing.T, path string) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	families, err := parseMetrics(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	values := map[string]float64{}
	for name, family := range families {
		if family.GetHelp() == "" {
			t.Errorf("%s has no help", name)
		}
		for _, metric := range family.Metric {
			var labels []string
			for _, l := range metric.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			values[name+"{"+strings.Join(labels, ",")+"}"] = metric.GetGauge().GetValue()
		}
	}
	problems, err := promlint.New(strings.NewReader(string(text))).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	return values
}

func writeMetrics(t *testing.T, path string, s *Summary) {
	t.Helper()
	if err := WriteMetrics(path, s); err != nil {
		t.Fatal(err)
	}
}

func TestMetrics(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orgconn.prom")
	writeMetrics(t, path, finished("disable", "acme.eu.auth0.com", 0, start.Add(time.Minute)))
	got := series(t, path)
	for name, want := range map[string]float64{
		"orgconn_rows{command=disable,tenant=acme.eu.auth0.com,outcome=disabled}":          40,
		"orgconn_rows{command=disable,tenant=acme.eu.auth0.com,outcome=failed}":            2,
		"orgconn_rows{command=disable,tenant=acme.eu.auth0.com,outcome=unknown}":           0,
		"orgconn_calls{command=disable,tenant=acme.eu.auth0.com,kind=read}":                21,
		"orgconn_calls{command=disable,tenant=acme.eu.auth0.com,kind=write}":               43,
		"orgconn_rate_limited_calls{command=disable,tenant=acme.eu.auth0.com}":             1,
		"orgconn_run_duration_seconds{command=disable,tenant=acme.eu.auth0.com}":           12.5,
		"orgconn_exit_code{command=disable,tenant=acme.eu.auth0.com}":                      0,
		"orgconn_last_run_timestamp_seconds{command=disable,tenant=acme.eu.auth0.com}":     1795500060,
		"orgconn_last_success_timestamp_seconds{command=disable,tenant=acme.eu.auth0.com}": 1795500060,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %v, want %v", name, value, want)
		}
	}
	if want := len(rowGauges(&Summary{})) + 7; len(got) != want {
		t.Errorf("%d series, want %d", len(got), want)
	}
}

// A run that failed keeps the time of the last success. One that was refused keeps
// the counts too. Series of other commands, tenants and programs stay.
func TestMetricsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orgconn.prom")
	foreign := "# HELP backup_age_seconds Age.\n# TYPE backup_age_seconds gauge\nbackup_age_seconds{command=\"disable\"} 7\n"
	if err := os.WriteFile(path, []byte(foreign), 0o644); err != nil {
		t.Fatal(err)
	}
	odd := "a \"quoted\\\n tenant"
	writeMetrics(t, path, finished("disable", "one.auth0.com", 0, start))
	writeMetrics(t, path, finished("disable", odd, 0, start))
	before := series(t, path)

	dry := finished("disable", "one.auth0.com", 0, start)
	dry.DryRun = true
	writeMetrics(t, path, dry)
	writeMetrics(t, path, finished("disable", "one.auth0.com", 1, start.Add(30*time.Minute))) // some rows failed
	failed := finished("disable", "one.auth0.com", 5, start.Add(time.Hour))
	failed.Outcomes = map[journal.Outcome]int{journal.Failed: 99}
	writeMetrics(t, path, failed)
	code, at := 4, start.Add(2*time.Hour)
	writeMetrics(t, path, &Summary{Command: "disable", Tenant: "one.auth0.com", ExitCode: &code, FinishedAt: &at})

	want := before
	const one = "{command=disable,tenant=one.auth0.com"
	want["orgconn_rows"+one+",outcome=disabled}"] = 0
	want["orgconn_rows"+one+",outcome=failed}"] = 99
	want["orgconn_exit_code"+one+"}"] = 4
	want["orgconn_last_run_timestamp_seconds"+one+"}"] = float64(at.Unix())
	got := series(t, path)
	for name := range got {
		if strings.Contains(name, "command=disable --dry-run") {
			delete(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Rows that failed are no success, and neither is a stop.
func TestMetricsOfLastSuccess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orgconn.prom")
	const name = "orgconn_last_success_timestamp_seconds{command=disable,tenant=one.auth0.com}"
	writeMetrics(t, path, finished("disable", "one.auth0.com", journal.ExitFailedRows, start))
	if value, ok := series(t, path)[name]; ok {
		t.Errorf("without a success it is %v", value)
	}
	writeMetrics(t, path, finished("disable", "one.auth0.com", journal.ExitOK, start))
	for _, code := range []int{journal.ExitFailedRows, journal.ExitStopped, journal.ExitTerminated} {
		writeMetrics(t, path, finished("disable", "one.auth0.com", code, start.Add(time.Hour)))
		if value := series(t, path)[name]; value != float64(start.Unix()) {
			t.Errorf("exit code %d: it is %v, want %v", code, value, start.Unix())
		}
	}
}

// A mistyped --metrics-file does not overwrite another file.
func TestMetricsFileOfAnotherKind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pairs.csv")
	const list = "org_id,connection_id\norg_1,con_1\n"
	if err := os.WriteFile(path, []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	err := WriteMetrics(path, finished("disable", "one.auth0.com", 0, start))
	if err == nil || !strings.Contains(err.Error(), "is not a metrics file") {
		t.Errorf("error %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != list {
		t.Errorf("the file became %q", text)
	}
}

// Whatever the file held before, the metrics file that replaces it can be read.
func FuzzMetrics(f *testing.F) {
	f.Add([]byte("# TYPE orgconn_exit_code gauge\norgconn_exit_code{command=\"disable\",tenant=\"a\"} 0\n"))
	f.Add([]byte("# HELP orgconn_rows rows\n"))
	f.Fuzz(func(t *testing.T, former []byte) {
		m, err := parseMetrics(former)
		if err != nil {
			return
		}
		m.update(finished("disable", "acme.eu.auth0.com", 0, start))
		var text bytes.Buffer
		if m.write(&text) != nil {
			return
		}
		if _, err := parseMetrics(text.Bytes()); err != nil {
			t.Errorf("%v\n%s", err, &text)
		}
	})
}
