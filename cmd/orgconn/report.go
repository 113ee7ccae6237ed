package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

const reportLong = `Make the reports of a run directory again from its list and its journal, even if
the run still goes on or was killed. Nothing is sent.

A run directory has input.csv, the list as it was given, and journal.jsonl, the
record from which everything else is made. At the end of each invocation orgconn
makes results.csv with a line for each row, report.html for people, and
summary.json.`

func newReport() *cobra.Command {
	return &cobra.Command{
		Use:               "report RUNDIR",
		Short:             "make the reports again, also of a running or killed run",
		Long:              reportLong,
		Args:              oneArg("run directory"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := rundir.FirstHeader(args[0]); err != nil {
				return err
			}
			summary, err := reports.Make(cmd.Context(), args[0], nil)
			if err != nil {
				return notMade(err)
			}
			if err := printSummary(os.Stdout, summary, args[0]); err != nil {
				return stopped(fmt.Errorf("print the summary: %w", err), "")
			}
			if summary.ExitCode == nil {
				return printIfRunning(args[0])
			}
			return nil
		},
	}
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

// printIfRunning says so if a process still works on a run without an end: then the
// run cannot be resumed.
func printIfRunning(path string) error {
	lock, err := rundir.Lock(path)
	if err == nil {
		return lock.Close()
	}
	if _, busy := errors.AsType[*rundir.BusyError](err); !busy {
		return refused(err, "")
	}
	if _, err := fmt.Println("  the run still goes on; the figures are those so far"); err != nil {
		return stopped(fmt.Errorf("print the summary: %w", err), "")
	}
	return nil
}
