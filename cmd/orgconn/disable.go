package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

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
			if err := o.check(); err != nil {
				return err
			}
			if !o.settings.DryRun && !o.yes && !term.IsTerminal(int(os.Stdin.Fd())) {
				return refused(errors.New("standard input is no terminal, so nobody can be asked"), "give --yes, or --dry-run to read only")
			}
			return runJob(cmd.Context(), o, cmd.Name(), args[0])
		},
	}
	o.add(cmd.Flags())
	return cmd
}

// question is what a person agrees to before a run.
func (j *job) question() string {
	counts := j.list.Counts()
	text := fmt.Sprintf("This disables connections in %s: %d rows in %d organizations of %s.\n",
		j.tenant, counts.Pairs, counts.Organizations, printable(j.input.Path))
	if left := counts.Rows - counts.Pairs; left > 0 {
		text += fmt.Sprintf("Of the file's %d rows %d are left out (%d invalid, %d duplicate, %d not selected, %d beyond --limit).\n",
			counts.Rows, left, counts.Invalid, counts.Duplicates, counts.NotSelected, counts.BeyondLimit)
	}
	text += "Members of these organizations can no longer log in through them.\n"
	switch s := j.settings; {
	case s.NoCheck:
		text += "--no-check: nothing is read first. An organization may be left without a connection, no settings are kept to restore, and a link that is off is removed.\n"
	case s.AllowLockout:
		text += "--allow-lockout: an organization's last connection is disabled too.\n"
	default:
		text += "An organization's last enabled connection is left alone.\n"
	}
	if !j.settings.NoCheck {
		text += "Each link's settings are kept in the run directory, but for organization_access_level and organization_connection_name.\n"
	}
	return text
}

// ask puts the question, unless it was answered by --yes or nothing will be
// changed.
func (j *job) ask() error {
	if j.yes || j.settings.DryRun || j.list.Counts().Pairs == 0 {
		return nil
	}
	fmt.Fprint(os.Stderr, j.question(), "Go on? [y/N] ")
	answer := make(chan string, 1)
	go func() {
		var word string
		_, _ = fmt.Fscanln(os.Stdin, &word)
		answer <- word
	}()
	select {
	case word := <-answer:
		if word == "y" || word == "Y" || word == "yes" {
			return nil
		}
		return &failure{code: batch.ExitRefused, err: errors.New("not confirmed, nothing was changed")}
	case <-j.ctx.Done():
		fmt.Fprintln(os.Stderr)
		return context.Cause(j.ctx)
	}
}
