package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/reports"
)

func newReport() *cobra.Command {
	return &cobra.Command{
		Use:   "report RUNDIR",
		Short: "make the reports again from the journal, also of a running or killed run",
		Args:  oneArg("run directory"),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := firstRun(args[0]); err != nil {
				return err
			}
			limitMemoryFor(filepath.Join(args[0], inputFile))
			summary, err := reports.Make(args[0], nil)
			if err != nil {
				return &failure{code: batch.ExitStopped, err: fmt.Errorf("make the reports: %w", err)}
			}
			return printSummary(os.Stdout, summary, args[0])
		},
	}
}
