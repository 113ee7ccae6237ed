package main

import (
	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch/journal"
)

const restoreLong = `Enable again what a run disabled, each connection with the settings that the
tenant showed then. What a run with --keep-link switched off is switched on.
What somebody has enabled in the meantime is left alone.

Of an enable, it removes the links that the run made, and switches off those
that it switched on.

Give it a run directory, or a results.csv of disable, enable or restore
--dry-run. In the file you may delete rows, or set their outcome to
not_selected. (Rows that a spreadsheet's filter hides are still in the file.)

Credentials, variables and exit codes are those of disable: see its --help.`

const restoreExample = `  orgconn restore --dry-run RUNDIR
  orgconn restore --org org_AbCdEf1234567890 RUNDIR
  orgconn restore results.csv`

func newRestore(getenv func(string) string) *cobra.Command {
	o := &options{getenv: getenv}
	cmd := &cobra.Command{
		Use:               "restore RUNDIR|RESULTS.csv",
		Short:             "put back what a run changed, with the former settings",
		Long:              restoreLong,
		Example:           restoreExample,
		Args:              oneArg("run directory or results file"),
		ValidArgsFunction: cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		RunE:              o.runE(journal.CommandRestore),
	}
	flags := cmd.Flags()
	o.addRun(flags)
	flags.StringArrayVar(&o.settings.Organizations, "org", nil, "only the organization `ID|NAME`; repeatable")
	flags.BoolVar(&o.settings.AllowLockout, "allow-lockout", false, "undo an enable even where that leaves no connection")
	mustBeTyped(flags, "allow-lockout")
	o.addRestore(flags)
	o.addList(flags)
	o.addBounds(flags)
	o.addInvocation(flags)
	return cmd
}
