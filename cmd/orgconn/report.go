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

const reportLong = `Make the reports of a run directory again from its list and its journal. This
works for a running or killed run, too. Nothing is sent.

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
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := rundir.FirstHeader(args[0]); err != nil {
				return err
			}
			summary, err := reports.Make(args[0], nil)
			if err != nil {
				return &failure{code: journal.ExitStopped, err: fmt.Errorf("make the reports: %w", err)}
			}
			if err := printSummary(os.Stdout, summary, args[0]); err != nil || summary.ExitCode != nil {
				return err
			}
			return tellWhetherItGoesOn(args[0])
		},
	}
}

// tellWhetherItGoesOn says so of a run that has no end, for it cannot be resumed
// then.
func tellWhetherItGoesOn(path string) error {
	lock, err := rundir.Lock(path)
	if err == nil {
		return lock.Close()
	}
	if _, busy := errors.AsType[*rundir.BusyError](err); busy {
		_, err = fmt.Println("  the run still goes on: this is what it has noted so far")
	}
	return err
}
