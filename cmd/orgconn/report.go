package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

const reportLong = `Make the reports of a run directory again from its list and its journal, even if
the run still goes on or was killed. Nothing is sent. With several directories,
print a line for each.

A run directory has input.csv, the list as it was given, and journal.jsonl, the
record from which everything else is made. At the end of each invocation orgconn
makes results.csv with a line for each row, report.html for people, and
summary.json.`

func newReport() *cobra.Command {
	return &cobra.Command{
		Use:               "report RUNDIR...",
		Short:             "make the reports again, also of a running or killed run",
		Long:              reportLong,
		Args:              someArgs("run directory"),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return report(cmd.Context(), cmd.OutOrStdout(), args[0])
			}
			return reportAll(cmd.Context(), cmd.OutOrStdout(), args)
		},
	}
}

// report makes the reports of a run directory and prints the summary.
func report(ctx context.Context, out io.Writer, path string) error {
	summary, err := makeReports(ctx, path)
	if err != nil {
		return err
	}
	how, lockErr := ended(path, summary.ExitCode)
	summary.Running = how == stillRunning
	if err := printSummary(out, summary, path, true); err != nil {
		return stopped(fmt.Errorf("print the summary: %w", err), "")
	}
	if lockErr != nil {
		return refused(lockErr, "")
	}
	return nil
}

// reportAll makes the reports of several run directories and prints a line for each.
// One whose reports cannot be made does not keep the others. The first error decides
// the exit code.
func reportAll(ctx context.Context, out io.Writer, paths []string) error {
	var failed []error
	for _, path := range paths {
		summary, err := makeReports(ctx, path)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			err = printLine(out, path, summary)
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	first := classify(failed[0])
	return &failure{code: first.code, err: errors.Join(failed...), hint: first.hint}
}

func makeReports(ctx context.Context, path string) (*reports.Summary, error) {
	if _, err := rundir.FirstHeader(path); err != nil {
		return nil, err
	}
	summary, err := reports.Make(ctx, path, nil)
	if err != nil {
		return nil, notMade(err)
	}
	return summary, nil
}

// printLine prints a run's line like those of orgconn runs, but for what undid it.
func printLine(out io.Writer, path string, summary *reports.Summary) (err error) {
	run := infoOf(path, summary)
	if run.Ended, err = ended(path, summary.ExitCode); err != nil {
		return refused(err, "")
	}
	run.Resumable = summary.Resumable() && run.Ended != stillRunning
	if _, err := fmt.Fprintln(out, strings.Join(run.cells(), "  ")); err != nil {
		return stopped(fmt.Errorf("print the summary: %w", err), "")
	}
	return nil
}

// notMade is why there are no new reports: damage, or a signal, or else a disk or a
// list that has to be put right first.
func notMade(err error) error {
	err = fmt.Errorf("make the reports: %w", err)
	if f := byType(err); f != nil && f.code != journal.ExitRefused {
		return f
	} else if f != nil {
		return stopped(err, f.hint)
	}
	return stopped(err, "")
}
