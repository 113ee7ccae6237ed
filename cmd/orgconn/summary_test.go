package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/reports"
)

func TestMeasured(t *testing.T) {
	dir := t.TempDir()
	summary := `{"tenant":"a.example","rate":{"writes":{"burst":5,"refill_per_s":2.5}}}`
	if err := os.WriteFile(filepath.Join(dir, "summary.json"), []byte(summary), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := formerSummary(dir, "a.example"); got.Rate.Writes.RefillPerS != 2.5 {
		t.Errorf("got %+v", got)
	}
	if got := formerSummary(filepath.Join(dir, "results.csv"), "a.example"); got.Rate.Writes.RefillPerS != 2.5 {
		t.Errorf("beside a file: %+v", got)
	}
	if got := formerSummary(dir, "b.example"); got.Rate != (reports.Rates{}) {
		t.Errorf("another tenant's: %+v", got)
	}
}

// What an earlier run has measured is known to the run that is prepared.
func TestPreparedRunKnowsTheFormer(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"pairs.csv": oneRow, "summary.json": `{"tenant":"a.example","run_id":"k3v9q2m7x4ta"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := &options{out: filepath.Join(dir, "run"), logLevel: "error", getenv: func(string) string { return "a.example" }}
	o.addBounds(pflag.NewFlagSet("disable", pflag.ContinueOnError))
	c := &command{name: journal.CommandDisable, options: o, target: target{tenant: "a.example"}, view: newView(true), log: zap.NewNop()}
	w, err := c.prepare(t.Context(), source{path: filepath.Join(dir, "pairs.csv")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close(w)
	if w.former.RunID != "k3v9q2m7x4ta" {
		t.Errorf("got %+v", w.former)
	}
}

// What to do about rows that failed depends on the command and on the reason.
func TestMendingSteps(t *testing.T) {
	folder := t.TempDir()
	proposal := reports.Summary{Command: journal.CommandDisable, DryRun: true, ExitCode: new(1), Outcomes: map[journal.Outcome]int{journal.WouldDisable: 1}}
	run := func(command, path string) reports.Summary {
		return reports.Summary{Command: command, Input: reports.Input{Path: path}}
	}
	for _, c := range []struct {
		summary reports.Summary
		group   reports.FailedRows
		want    string
	}{
		{run(journal.CommandDisable, "x.csv"), reports.FailedRows{Outcome: journal.Failed}, "first remove the causes of the failed rows; resume tries them again"},
		{proposal, reports.FailedRows{Outcome: journal.Failed}, "remove the causes of the failed rows, and read them again: orgconn resume dir"},
		{run(journal.CommandDisable, "x.csv"), reports.FailedRows{Outcome: journal.Unknown}, "resume finds out what became of the unknown rows"},
		{reports.Summary{Command: journal.CommandDisable, NoCheck: true}, reports.FailedRows{Outcome: journal.Unknown}, "resume sends the unknown rows again"},
		{run(journal.CommandEnable, "x.csv"), reports.FailedRows{Outcome: journal.Blocked}, "make room in the organizations of the blocked rows, and run the list again"},
		{run(journal.CommandRestore, "x.csv"), reports.FailedRows{Outcome: journal.NotFound}, "leave the rows that were not found: what was deleted cannot be restored"},
		{run(journal.CommandEnable, "x.csv"), reports.FailedRows{Outcome: journal.NotFound}, "correct or remove the rows that were not found in x.csv, and run it again"},
		{run(journal.CommandDisable, "x.csv"), reports.FailedRows{Outcome: journal.NotFound, Connection: true}, "correct or remove the rows that were not found in x.csv, and run it again"},
		{run(journal.CommandDisable, folder), reports.FailedRows{Outcome: journal.Invalid}, "correct the invalid rows in " + filepath.Join(folder, "results.csv") + ", and run it again"},
	} {
		c.summary.FailedRows = []reports.FailedRows{c.group, c.group}
		var got strings.Builder
		if printMendingSteps(&got, &c.summary, "dir"); got.String() != "  next:    "+c.want+"\n" {
			t.Errorf("%s, %+v: got %q, want %q", c.summary.Command, c.group, &got, c.want)
		}
	}
}

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		17 * time.Second: "about 17s", 119 * time.Second: "about 1m59s", 200 * time.Second: "about 3m", 10 * time.Hour: "about 10h0m",
	} {
		if got := about(d); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
