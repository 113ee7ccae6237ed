package reports

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

func TestRestorableOfKnownRuns(t *testing.T) {
	for _, run := range goldenRuns() {
		t.Run(run.name, func(t *testing.T) {
			first := runRecord()
			if run.change != nil {
				run.change(first.Run)
			}
			checkRestorable(t, writeRun(t, run.input, first, run.records...), *first.Run, list.Options{Command: "restore"})
		})
	}
}

// Whatever a run did before it was cut off at any byte, what a restore is given
// says the same as its results.
func TestRestorable(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var input strings.Builder
		fmt.Fprintf(&input, "%s,org_id,connection_id\n", rapid.SampledFrom([]string{"note", "=1", "-", "\"a\nb\"", "'", `"` + strings.Repeat(";\t", 30) + `"`}).Draw(t, "column"))
		records := []journal.Record{runRecord()}
		run := records[0].Run
		for range rapid.IntRange(0, 20).Draw(t, "rows") {
			line := strings.Count(input.String(), "\n") + 1
			note := rapid.SampledFrom([]string{"", "x", "two\nlines", "=1", "a\r\nb", " ;;; "}).Draw(t, "note")
			org := rapid.SampledFrom([]string{orgA, orgB, orgC, orgC + "longer", "bad"}).Draw(t, "org")
			fmt.Fprintf(&input, "\"%s\",%s,con_%016d\n", note, org, rapid.IntRange(1, 9).Draw(t, "connection"))
			records = append(records, drawRecords(t, line)...)
		}
		input.WriteString("valid," + orgA + "," + con1 + "\n")
		run.Input.SHA256 = sumOf(input.String())
		if rapid.Bool().Draw(t, "resumed") {
			later := *run
			later.Settings.Limit = rapid.IntRange(0, 9).Draw(t, "limit of the run")
			records = append(records, journal.Record{At: start, Run: &later})
		}
		whole := journalOf(t, records...)
		cut := len(whole)
		if rapid.Bool().Draw(t, "killed") {
			cut = rapid.IntRange(strings.IndexByte(whole, '\n')+1, len(whole)).Draw(t, "cut")
		}
		writeFile(t, dir, "input.csv", input.String())
		writeFile(t, dir, "journal.jsonl", whole[:cut])
		opt := list.Options{Command: "restore", Limit: rapid.IntRange(0, 9).Draw(t, "limit")}
		if rapid.Bool().Draw(t, "--org") {
			opt.Organizations = []string{orgB}
		}
		checkRestorable(t, dir, *run, opt)
	})
}

// drawRecords draws what a journal says of a row.
func drawRecords(t *rapid.T, line int) (records []journal.Record) {
	outcomes := []string{journal.Disabled, journal.Disabled, journal.Unknown, journal.Failed, journal.AlreadyDisabled}
	for range rapid.IntRange(0, 3).Draw(t, "records") {
		rec := outcome(line, rapid.SampledFrom(outcomes).Draw(t, "outcome"))
		if rapid.Bool().Draw(t, "intent") {
			var before *journal.Connection
			if rapid.Bool().Draw(t, "checked") {
				before = connection(rapid.SampledFrom([]string{"okta", "=saml", "", "\x00", strings.Repeat("x", 70_000)}).Draw(t, "name"))
			}
			rec = intent(line, before)
		}
		records = append(records, after(line, rec))
	}
	return records
}

// checkRestorable compares what Restorable makes of a run with its results, and
// the draft with the list that is read.
func checkRestorable(t rapid.TB, dir string, first journal.Run, opt list.Options) {
	t.Helper()
	if _, err := Make(dir, nil); err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(dir, ResultsFile)
	want, err := list.Open(results, "results.csv", opt)
	text := new(bytes.Buffer)
	draft, restorableErr := Restorable(dir, first, text, "results.csv", opt)
	if restorableErr == nil {
		var got *list.List
		writeFile(t, dir, "restorable.csv", text.String())
		if got, restorableErr = draft.Open(filepath.Join(dir, "restorable.csv")); restorableErr == nil {
			defer got.Close()
			compareLists(t, want, got)
		}
	}
	if fmt.Sprint(restorableErr) != fmt.Sprint(err) {
		t.Fatalf("error %v, but to read the results %v", restorableErr, err)
	}
	if err != nil {
		return
	}
	defer want.Close()
	content, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(withoutCalls(t, string(content)), withoutCalls(t, text.String())); diff != "" {
		t.Errorf("restorable (-results +restorable):\n%s", diff)
	}
}

func compareLists(t rapid.TB, want, got *list.List) {
	t.Helper()
	type content struct {
		Counts        list.Counts
		Tenant        string
		Announced     bool
		Carried       []string
		Warnings      []string
		Organizations []list.Organization
		Records       []list.Record
	}
	contentOf := func(l *list.List) content {
		c := content{l.Counts(), l.Tenant(), l.Announced(), l.Carried(), l.Warnings(), slices.Collect(l.Organizations()), nil}
		for rec, err := range l.Records() {
			if err != nil {
				t.Fatal(err)
			}
			if rec.Outcome == journal.NotSelected {
				rec.ConnectionName = ""
			}
			c.Records = append(c.Records, rec)
		}
		return c
	}
	if diff := cmp.Diff(contentOf(want), contentOf(got)); diff != "" {
		t.Errorf("the list (-read +draft):\n%s", diff)
	}
}

// withoutCalls empties the cells of results that tell of calls, and of rows that
// are not to be restored also those of the connection.
func withoutCalls(t rapid.TB, results string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(results)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		clear(row[4:11])
		if !slices.Contains([]string{journal.Disabled, journal.Unknown, journal.WouldRestore}, row[3]) {
			clear(row[11:15])
		}
	}
	return rows
}

func TestRestorableOfDamage(t *testing.T) {
	dir := writeRun(t, "org_id,connection_id\n"+orgA+","+con1+"\n", runRecord(), after(1, intent(2, nil)), after(2, outcome(2, journal.Disabled)))
	content, err := os.ReadFile(filepath.Join(dir, JournalFile))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, JournalFile, strings.Replace(string(content), `"tenant":"acme`, `"tenant":"evil`, 1))
	_, err = Restorable(dir, *runRecord().Run, new(bytes.Buffer), "results.csv", list.Options{Command: "restore"})
	if err == nil {
		t.Error("another list than the run's: no error")
	}
	first := *runRecord().Run
	first.Input.SHA256 = sumOf("org_id,connection_id\n" + orgA + "," + con1 + "\n")
	_, err = Restorable(dir, first, new(bytes.Buffer), "results.csv", list.Options{Command: "restore"})
	var damage *journal.DamageError
	if !errors.As(err, &damage) || !strings.Contains(err.Error(), "journal.jsonl") {
		t.Errorf("a damaged journal: %v", err)
	}
}
