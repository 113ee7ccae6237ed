package main

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

const restoreLong = `Enable again what a run disabled, each connection with the settings that it had,
but for organization_access_level and organization_connection_name, which the
API does not take. What somebody has enabled again meanwhile is left alone.

It takes a run directory, or a results.csv in which you may have deleted rows or
set their outcome to not_selected. (What a spreadsheet's filter hides is saved
all the same.) The results of restore --dry-run are taken too.

Credentials, variables and exit codes are those of disable: see its --help.`

const restoreExample = `  orgconn restore --dry-run RUNDIR
  orgconn restore --org org_AbCdEf1234567890 RUNDIR
  orgconn restore results.csv`

func newRestore(getenv func(string) string) *cobra.Command {
	o := &options{getenv: getenv}
	cmd := &cobra.Command{
		Use:               "restore RUNDIR|RESULTS.csv",
		Short:             "enable again what a run disabled, with its former settings",
		Long:              restoreLong,
		Example:           restoreExample,
		Args:              oneArg("run directory or results file"),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			c, err := newCommand(o, journal.CommandRestore)
			if err != nil {
				return err
			}
			if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
				return c.writeMetrics(c.restoreDir(cmd.Context(), args[0]))
			}
			return c.writeMetrics(c.runNew(cmd.Context(), fileSource(args[0]), false))
		},
	}
	flags := cmd.Flags()
	o.addRun(flags)
	flags.StringArrayVar(&o.settings.Organizations, "org", nil, "only the organization `ID`; repeatable")
	o.addRestore(flags)
	o.addSlice(flags)
	o.addBounds(flags)
	o.addInvocation(flags)
	return cmd
}

// restoreDir restores what a run directory's journal says, which is younger than
// its results.csv where the run was killed.
func (c *command) restoreDir(ctx context.Context, path string) (*reports.Summary, error) {
	former, err := rundir.FirstHeader(path)
	if err != nil {
		return nil, err
	}
	if err := c.target.check(path, former.Tenant); err != nil {
		return nil, err
	}
	unlock, err := c.lock(ctx) // before the journal is read: a run that goes on may yet add to it
	if err != nil {
		return nil, err
	}
	defer unlock()
	results := filepath.Join(path, rundir.ResultsFile)
	return c.runNew(ctx, source{path: path, name: results, copy: func(w io.Writer) error {
		if !c.options.settings.DryRun { // a dry run may look at a run that goes on
			lock, err := rundir.Lock(path)
			if err != nil {
				return err
			}
			defer lock.Close()
		}
		return reports.Results(path, w)
	}}, true)
}
