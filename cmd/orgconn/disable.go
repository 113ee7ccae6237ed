package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch"
)

const disableLong = `Disable every organization connection that a CSV lists, one call for each row.

The list has a header with the columns org_id and connection_id; further columns
are carried through to the results. The results file of a dry run is a list too:
it disables what was announced. - reads standard input.

What a connection's link had is kept in the run directory before it is disabled.
Not kept by Auth0 over a disable and enable: organization_access_level and
organization_connection_name. Sessions that exist are not ended by it.

Credentials come from AUTH0_DOMAIN and AUTH0_API_TOKEN, or AUTH0_CLIENT_ID and
AUTH0_CLIENT_SECRET (or AUTH0_CLIENT_ASSERTION_PRIVATE_KEY). Flags can be set as
ORGCONN_ variables too, like ORGCONN_HEADROOM=10%, but for those that must be
typed: --yes, --no-check, --allow-lockout, --limit.

Exit codes: 0 all well, 1 some rows failed, 2 refused before anything was sent,
3 credentials or scope refused, 4 another run on this tenant, 5 stopped before
the end, 70 internal error, 130 interrupted, 143 terminated; another is a failure.`

const disableExample = `  orgconn disable --dry-run pairs.csv
  orgconn disable --limit 10 pairs.csv
  orgconn disable --yes --quiet --max-changes 500 --missing-ok pairs.csv`

func newDisable(getenv func(string) string) *cobra.Command {
	o := &options{getenv: getenv}
	cmd := &cobra.Command{
		Use:     "disable PAIRS.csv",
		Short:   "disable every pair in the file (- for standard input)",
		Long:    disableLong,
		Example: disableExample,
		Args:    oneArg("list"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			j, err := newJob(cmd.Context(), o, batch.CommandDisable)
			if err != nil {
				return err
			}
			return j.measure(j.start(listFrom(args[0])))
		},
	}
	flags := cmd.Flags()
	o.addSitting(flags)
	o.addRun(flags)
	flags.BoolVar(&o.settings.NoCheck, "no-check", false, "do not read first: no lockout guard, no settings to restore, half the calls; for emergencies")
	mustBeTyped(flags, "no-check")
	o.addDisable(flags)
	o.addLimits(flags)
	return cmd
}

// listFrom is a list that is a file, or standard input.
func listFrom(path string) source {
	if path == "-" {
		return source{path: path, name: "standard input", copy: func(w io.Writer) error {
			_, err := io.Copy(w, os.Stdin)
			return err
		}}
	}
	return source{path: path, name: path, copy: func(w io.Writer) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	}}
}
