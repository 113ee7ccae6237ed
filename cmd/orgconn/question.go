package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/orgconn/orgconn/batch/journal"
)

// ask puts the question, unless it was answered by --yes or nothing will be
// changed.
func (c *command) ask(ctx context.Context, w *work, rows int) error {
	if c.options.yes || w.header.Settings.DryRun {
		return nil
	}
	fmt.Fprint(os.Stderr, w.question(rows), "Go on? [y/N] ")
	answer := make(chan string, 1)
	go func() {
		var word string
		_, _ = fmt.Fscanln(os.Stdin, &word)
		answer <- word
	}()
	select {
	case word := <-answer:
		switch strings.ToLower(word) {
		case "y", "yes":
			return nil
		}
		return &failure{code: journal.ExitRefused, err: errors.New("not confirmed, nothing was changed")}
	case <-ctx.Done():
		fmt.Fprintln(os.Stderr)
		return context.Cause(ctx)
	}
}

// question is what a person agrees to: how much, and what will be left.
func (w *work) question(rows int) string {
	counts := w.list.Counts()
	verb := "disables"
	if w.header.Command == journal.CommandRestore {
		verb = "restores"
	}
	text := fmt.Sprintf("This %s up to %d connections in %s, of %s.\n", verb, rows, w.header.Tenant, printable(w.header.Input.Path))
	if counts.Unidentified > 0 {
		text += fmt.Sprintf("The file has %d rows; %d of them give names, which are looked up first.\n", counts.Rows, counts.Unidentified)
	} else {
		text += fmt.Sprintf("The file has %d rows, in %d organizations.\n", counts.Rows, counts.Organizations)
	}
	unknown := counts.UnknownOrganizations + counts.UnknownConnections
	if unknown > 0 {
		text += fmt.Sprintf("%d rows name what does not exist.\n", unknown)
	}
	if left := counts.Rows - counts.Pairs - counts.Unidentified - unknown; left > 0 {
		text += fmt.Sprintf("Left out are %d: %d invalid, %d duplicate, %d not selected, %d beyond --limit.\n",
			left, counts.Invalid, counts.Duplicates, counts.NotSelected, counts.BeyondLimit)
	}
	text += w.howLong(rows)
	if w.header.Command == journal.CommandRestore {
		return text + w.restoreTerms()
	}
	return text + w.disableTerms()
}

// howLong says how long the run will take, as far as a former run tells.
func (w *work) howLong(rows int) string {
	organizations := min(w.list.Counts().Organizations, rows)
	if w.header.Settings.NoCheck {
		organizations = 0
	}
	if d := w.rates.Expected(organizations, rows); d > 0 {
		return fmt.Sprintf("It takes %s, as far as the tenant's limits are known.\n", about(d))
	}
	return "How long it takes depends on the tenant's limits; it is told once they are measured.\n"
}

func (w *work) disableTerms() string {
	text := "Members of these organizations can no longer log in through them.\n"
	switch {
	case w.header.Settings.NoCheck:
		return text + "--no-check: nothing is read first. An organization may be left without a connection, no settings are kept to restore, and a link that is switched off is removed.\n"
	case w.header.Settings.AllowLockout:
		text += "--allow-lockout: an organization's last connection is disabled too.\n"
	default:
		text += "An organization's last enabled connection is left alone.\n"
	}
	return text + "Settings are kept in the run directory for restore, but for organization_access_level and organization_connection_name.\n"
}

func (w *work) restoreTerms() string {
	text := "Each gets the settings that it had; what is enabled by now is left alone.\n"
	if w.header.Settings.AllowDefaults {
		text += "--allow-defaults: rows of a --no-check run get Auth0's default settings, also where they were off before it.\n"
	}
	return text
}
