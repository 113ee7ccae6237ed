package main

import (
	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch/journal"
)

const enableLong = `Enable every organization connection that a CSV lists, one call for each row.

The CSV is that of disable. It may also have columns with the settings that a
new link gets, as an export has them; an empty cell leaves Auth0's default. What
is enabled already is left alone. What is there and switched off is switched on.

With --connection, each organization of the list gets that connection instead of
the row's. So a list of the old connection's pairs moves organizations to a new
one: enable the new one, test the logins, then disable the old one.

Credentials, variables and exit codes are those of disable: see its --help.`

const enableExample = `  orgconn enable --dry-run pairs.csv
  orgconn enable --connection new-idp old.csv`

func newEnable(getenv func(string) string) *cobra.Command {
	o := &options{getenv: getenv}
	cmd := &cobra.Command{
		Use:               "enable PAIRS.csv",
		Short:             "enable every pair in the file, with the settings in it",
		Long:              enableLong,
		Example:           enableExample,
		Args:              oneArg("list"),
		ValidArgsFunction: completeList,
		RunE:              o.runE(journal.CommandEnable),
	}
	flags := cmd.Flags()
	o.addRun(flags)
	flags.StringVar(&o.settings.Connection, "connection", "", "enable `ID|NAME` in place of the row's")
	o.addList(flags)
	o.addBounds(flags)
	o.addInvocation(flags)
	return cmd
}
