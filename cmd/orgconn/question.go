package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/reports"
)

// answerTime is how long a question waits for its answer. The tenant's lock is held
// meanwhile.
const answerTime = 10 * time.Minute

// ask asks whether to go on. It does not if --yes was given, or if the run changes
// nothing.
func (c *command) ask(ctx context.Context, w *work, rows int) error {
	if c.options.yes || w.header.Settings.DryRun {
		return nil
	}
	fmt.Fprint(c.view, w.question(rows), "Go on? [y/N] ")
	return awaitYes(ctx, c.view, os.Stdin)
}

// awaitYes returns nil if the answer to a question is yes. If there is no answer, it
// ends the question's line.
func awaitYes(ctx context.Context, screen io.Writer, from io.Reader) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime,
		refused(fmt.Errorf("no answer for %s, nothing was changed", answerTime), ""))
	defer cancel()
	answer := make(chan string, 1)
	go func() {
		line, err := bufio.NewReader(from).ReadString('\n')
		if err != nil {
			line = "" // incomplete
		}
		answer <- line
	}()
	select {
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return refused(errors.New("not confirmed, nothing was changed"), "")
	case <-ctx.Done():
		fmt.Fprintln(screen)
		cause := context.Cause(ctx)
		if signal, ok := errors.AsType[*batch.Stop](cause); ok {
			return &batch.Stop{Code: signal.Code, Reason: signal.Reason + ", nothing was changed"}
		}
		return cause
	}
}

// question says what a person agrees to: what will be done, and what will be left.
func (w *work) question(rows int) string {
	text := fmt.Sprintf("This %ss up to %s in %s, listed in %s.\n",
		w.header.Command, reports.Counted(rows, "connection"), w.header.Tenant, oneLine(w.header.Input.Name()))
	if one := w.header.Settings.Connection; one != "" {
		text += fmt.Sprintf("The connection of each row is %s.\n", oneLine(one))
	}
	text += w.proposed() + w.breakdown(rows) + w.howLong(rows)
	switch {
	case w.header.Command == journal.CommandEnable:
		return text + w.enableTerms()
	case w.header.Undoes == journal.CommandEnable:
		return text + w.undoTerms()
	case w.header.Command == journal.CommandRestore:
		return text + w.restoreTerms()
	}
	return text + w.disableTerms()
}

// proposed says which dry run's results the list is, and how old they are. The dry run's
// note is known if the list is still in its directory.
func (w *work) proposed() string {
	run := w.list.RunID()
	if run == "" || !w.list.FollowsDryRun() {
		return ""
	}
	sealed := "All rows to work on are as it announced them.\n"
	if w.header.Command != journal.CommandDisable { // correlation_id covers the ids, and a reviewer may choose settings
		sealed = "All rows to work on have the ids that it announced; their settings may have been edited.\n"
	}
	dryRun := w.former
	if dryRun.RunID != run { // a run that is resumed
		dryRun = formerSummary(w.header.Input.Path, w.header.Tenant)
	}
	at := w.list.FinishedAt()
	if at.IsZero() {
		return fmt.Sprintf("A dry run (%s) announced this. %s", run, sealed)
	}
	text := fmt.Sprintf("A dry run (%s) announced this %s ago, at %s. %s", run, ago(time.Since(at)), at.UTC().Format(time.DateTime+" UTC"), sealed)
	if dryRun.RunID == run && dryRun.Note != "" {
		text += "Its note: " + oneLine(dryRun.Note) + "\n"
	}
	return text
}

// ago writes an age in whole minutes, hours or days.
func ago(age time.Duration) string {
	switch {
	case age < time.Minute:
		return "less than a minute"
	case age < 2*time.Hour:
		return reports.Counted(int(age/time.Minute), "minute")
	case age < 48*time.Hour:
		return reports.Counted(int(age/time.Hour), "hour")
	}
	return reports.Counted(int(age/(24*time.Hour)), "day")
}

// breakdown counts the list's rows by what becomes of them.
func (w *work) breakdown(rows int) string {
	counts := w.list.Counts()
	todo := reports.Counted(rows, "row") + " to work on"
	if w.history == nil && counts.Unidentified == 0 {
		todo += " in " + reports.Counted(counts.Organizations, "organization")
	}
	if counts.Unidentified > 0 {
		todo += fmt.Sprintf(" (%d with names, which are looked up first)", counts.Unidentified)
	}
	parts := []string{todo}
	for _, part := range []struct {
		n    int
		text string
	}{
		{counts.Pairs + counts.Unidentified - rows, "done by earlier invocations"},
		{counts.UnknownOrganizations + counts.UnknownConnections, "with a name that does not exist"},
		{counts.Invalid, "invalid"},
		{counts.Duplicates, "the same pair as an earlier one"},
		{counts.NotSelected, "not selected"},
		{counts.BeyondLimit, "beyond --limit"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	return fmt.Sprintf("The list has %s: %s.\n", reports.Counted(counts.Rows, "row"), strings.Join(parts, ", "))
}

// howLong says how long the run will take, if an earlier run has measured the
// tenant's limits.
func (w *work) howLong(rows int) string {
	organizations := w.list.Counts().Organizations
	if w.header.Settings.NoCheck {
		organizations = 0
	}
	logins := 0
	if w.header.Settings.ReadsLogins() {
		logins = rows
	}
	if d := w.former.Rate.Expected(organizations, rows, logins); d > 0 {
		return fmt.Sprintf("It takes %s, according to the limits that an earlier run measured.\n", about(d))
	}
	return "How long it takes depends on the tenant's limits, which the run measures.\n"
}

func (w *work) disableTerms() string {
	text := "Members of these organizations can then no longer log in through these connections.\n"
	if w.header.Settings.AllowLockout {
		text += "--allow-lockout: an organization's last connection is disabled too.\n"
	}
	switch {
	case w.header.Settings.NoCheck:
		return text + "--no-check: nothing is read first. An organization may be left without a connection, no settings are kept to restore, and a link that is switched off is removed.\n"
	case !w.header.Settings.AllowLockout:
		text += "An organization's last enabled connection is left alone.\n"
	}
	if unusedFor := w.header.Settings.UnusedFor; unusedFor > 0 {
		text += fmt.Sprintf("--unused-for %s: what somebody has logged in through since then is left alone, as far as the tenant's log knows.\n", unusedFor)
	}
	if w.header.Settings.KeepLink {
		return text + "--keep-link: the links are switched off and keep their settings. restore switches them on again.\n"
	}
	return text + "The links are removed. restore makes them anew with the settings that the tenant shows; without the newer endpoints, these lack organization_access_level and organization_connection_name.\n"
}

func (w *work) enableTerms() string {
	text := "Members of these organizations can then log in through these connections.\n"
	if w.list.RowsWithSettings() > 0 {
		text += "New links get the settings in the list. "
	} else {
		text += "New links get Auth0's default settings, as the list has none. "
	}
	return text + "A connection that is enabled already is left alone, and one that is switched off is switched on as it is.\n"
}

func (w *work) undoTerms() string {
	text := "Links that the run made are removed, and those that it switched on are switched off. What is no longer enabled is left alone.\n"
	if w.header.Settings.AllowLockout {
		return text + "--allow-lockout: an organization's last connection is disabled too.\n"
	}
	return text + "An organization's last enabled connection is left alone.\n"
}

func (w *work) restoreTerms() string {
	text := "Each gets the settings that it had. A connection that is already enabled again is left alone.\n"
	if w.header.Settings.KeepLink {
		text = "Links that the run switched off are switched on. A connection that is already enabled again is left alone.\n"
	}
	switch {
	case w.header.Settings.AllowDefaults:
		text += "--allow-defaults: rows of a --no-check run get Auth0's default settings, even if they were off before that run.\n"
	case w.list.RowsWithSettings() < w.list.Counts().Pairs:
		text += "Rows that were disabled without a check are left alone, as their settings are not known. --allow-defaults gives them Auth0's default ones.\n"
	}
	return text
}
