package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

const restoreLong = `Enable again what a run disabled, each connection with the settings that the
tenant showed then. What a run with --keep-link switched off is switched on.
What somebody has enabled in the meantime is left alone.

Give it a run directory, or a results.csv of disable or of restore --dry-run. In
the file you may delete rows, or set their outcome to not_selected. (Rows that a
spreadsheet's filter hides are still in the file.)

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
			if isFolder(args[0]) {
				return c.writeMetrics(c.restoreRun(cmd.Context(), args[0]))
			}
			return c.writeMetrics(c.startRun(cmd.Context(), args[0]))
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

// restoreRun restores what the journal of a run directory says.
func (c *command) restoreRun(ctx context.Context, path string) (*reports.Summary, error) {
	first, err := rundir.FirstHeader(path)
	if err != nil {
		return nil, err
	}
	unlock, err := c.lockRun(ctx, path, first)
	if err != nil {
		return nil, err
	}
	defer unlock()
	w, err := c.prepareFromRun(ctx, path)
	if err != nil {
		return nil, err
	}
	defer c.close(w)
	return c.confirmAndRun(ctx, w)
}

// prepareFromRun prepares work from a run's results. It refuses a run that another
// process still writes; only a dry run may look at one.
func (c *command) prepareFromRun(ctx context.Context, path string) (*work, error) {
	if !c.options.settings.DryRun {
		lock, err := rundir.Lock(path)
		if err != nil {
			return nil, refused(err, "")
		}
		defer lock.Close()
	}
	return c.prepare(ctx, source{path: path, isRun: true})
}
