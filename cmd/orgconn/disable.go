package main

import (
	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch/journal"
)

const disableLong = `Disable every organization connection that a CSV lists, one call for each row.

The CSV has a header with org_id and connection_id, or org_name and
connection_name; - is standard input. With a dry run's results.csv, or its run
directory, it disables the rows that still say would_disable.

Each link is removed, and the run directory keeps its settings for restore. With
--keep-link, which needs Auth0's newer endpoints, it is switched off instead.

AUTH0_DOMAIN names the tenant. The credentials are AUTH0_API_TOKEN, or
AUTH0_CLIENT_ID with AUTH0_CLIENT_SECRET or AUTH0_CLIENT_ASSERTION_PRIVATE_KEY.
Variables can set flags too (ORGCONN_HEADROOM=10%), except --yes, --limit,
--no-check and --allow-... Exit codes: 0 all well, 1 some rows failed,
2 refused, 3 no access, 4 another run is at work, 5 stopped, 70 internal error,
130, 131 and 143 interrupted.`

const disableExample = `  orgconn disable --dry-run pairs.csv
  orgconn disable --limit 10 pairs.csv
  orgconn disable --yes --quiet --max-changes 500 --missing-ok pairs.csv`

func newDisable(getenv func(string) string) *cobra.Command {
	o := &options{getenv: getenv}
	cmd := &cobra.Command{
		Use:               "disable PAIRS.csv",
		Short:             "disable every pair in the file (- for standard input)",
		Long:              disableLong,
		Example:           disableExample,
		Args:              oneArg("list"),
		ValidArgsFunction: completeList,
		RunE:              o.runE(journal.CommandDisable),
	}
	flags := cmd.Flags()
	o.addRun(flags)
	flags.BoolVar(&o.settings.KeepLink, "keep-link", false, "switch links off, so that they keep their settings")
	o.addLogins(flags)
	o.addDisable(flags)
	o.addList(flags)
	o.addBounds(flags)
	o.addInvocation(flags)
	return cmd
}
