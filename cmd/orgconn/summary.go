package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

// shownConnections is how many never seen connections the summary names.
const shownConnections = 3

// print prints the summary as the options want it.
func (j *job) print(s *reports.Summary, dir string) error {
	if j.json {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(s)
	}
	if j.quiet {
		return nil
	}
	return printSummary(os.Stdout, s, dir)
}

// printSummary says in a few lines what happened, and what to type next.
func printSummary(w io.Writer, s *reports.Summary, dir string) error {
	var b strings.Builder
	title := s.Command
	if s.DryRun {
		title += " (dry run)"
	}
	fmt.Fprintf(&b, "%s in %s: %s, %s, %.1f s\n", title, s.Tenant, reports.Counted(s.Input.Rows, "row"), reports.Counted(s.Input.Organizations, "organization"), s.DurationS)
	for _, outcome := range slices.Sorted(maps.Keys(s.Outcomes)) {
		fmt.Fprintf(&b, "  %-18s %6d\n", strings.ReplaceAll(string(outcome), "_", " "), s.Outcomes[outcome])
	}
	if s.Drifted > 0 {
		fmt.Fprintf(&b, "  otherwise than announced: %d\n", s.Drifted)
	}
	printNeverSeen(&b, s)
	if s.Reason != "" {
		fmt.Fprintf(&b, "  %s\n", s.Reason)
	}
	would := s.Outcomes[journal.WouldDisable] + s.Outcomes[journal.WouldRestore]
	if d := s.Rate.Expected(s.Input.Organizations, would); s.DryRun && d > 0 {
		fmt.Fprintf(&b, "  a run takes %s\n", about(d))
	}
	results := filepath.Join(dir, rundir.ResultsFile)
	fmt.Fprintf(&b, "  results: %s\n", results)
	fmt.Fprintf(&b, "  report:  %s\n", filepath.Join(dir, rundir.PageFile))
	if next := nextCommand(s, dir, results); next != "" {
		fmt.Fprintf(&b, "  next:    %s\n", next)
	}
	_, err := io.WriteString(w, printable(b.String()))
	return err
}

// nextCommand is what to type next: go on with a run that stopped, do what a
// dry run announced, do the rest of a slice; or nothing.
func nextCommand(s *reports.Summary, dir, results string) string {
	resume := "orgconn resume " + reports.ShellWord(filepath.ToSlash(dir))
	switch {
	case s.ExitCode == nil, *s.ExitCode > journal.ExitFailedRows:
		return resume
	case s.DryRun && s.Outcomes[journal.WouldDisable]+s.Outcomes[journal.WouldRestore] > 0:
		return s.Proposed(filepath.ToSlash(results))
	case s.Outcomes[journal.NotAttempted] > 0:
		return resume
	}
	return ""
}

// printNeverSeen names connections that no organization had: most likely
// typing errors, which would else pass as already disabled.
func printNeverSeen(b *strings.Builder, s *reports.Summary) {
	if s.NeverSeenTotal == 0 {
		return
	}
	shown := s.NeverSeenConnections[:min(shownConnections, s.NeverSeenTotal)]
	fmt.Fprintf(b, "  connections that no organization had: %d (%s", s.NeverSeenTotal, strings.Join(shown, ", "))
	if len(shown) < s.NeverSeenTotal {
		b.WriteString(", …")
	}
	b.WriteString(")\n")
}
