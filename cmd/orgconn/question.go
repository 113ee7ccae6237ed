package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/orgconn/orgconn/batch/journal"
)

// ask puts the question, unless it was answered by --yes or nothing will be
// changed.
func (j *job) ask(rows int) error {
	if j.yes || j.settings.DryRun {
		return nil
	}
	width, _, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil || width == 0 {
		width = helpWidth
	}
	fmt.Fprint(os.Stderr, wrap(j.question(rows), width), "Go on? [y/N] ")
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
	case <-j.ctx.Done():
		fmt.Fprintln(os.Stderr)
		return context.Cause(j.ctx)
	}
}

// wrap breaks lines between words, where a terminal would break them anywhere.
func wrap(text string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		column := 0
		for _, word := range strings.Fields(line) {
			n := utf8.RuneCountInString(word)
			switch {
			case column == 0:
			case column+1+n > width:
				b.WriteByte('\n')
				column = 0
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += n
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// question is what a person agrees to: how much, and what will be left.
func (j *job) question(rows int) string {
	counts := j.list.Counts()
	verb := "disables"
	if j.command == journal.CommandRestore {
		verb = "restores"
	}
	text := fmt.Sprintf("This %s up to %d connections in %s, of %s.\n", verb, rows, j.tenant, printable(j.input.Path))
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
	text += j.howLong(rows)
	if j.command == journal.CommandRestore {
		return text + j.restoreTerms()
	}
	return text + j.disableTerms()
}

// howLong says how long the run will take, as far as a former run tells.
func (j *job) howLong(rows int) string {
	organizations := min(j.list.Counts().Organizations, rows)
	if j.settings.NoCheck {
		organizations = 0
	}
	if d := j.rates.Expected(organizations, rows); d > 0 {
		return fmt.Sprintf("It takes %s, as far as the tenant's limits are known.\n", about(d))
	}
	return "How long it takes depends on the tenant's limits; it is told once they are measured.\n"
}

func (j *job) disableTerms() string {
	text := "Members of these organizations can no longer log in through them.\n"
	switch {
	case j.settings.NoCheck:
		return text + "--no-check: nothing is read first. An organization may be left without a connection, no settings are kept to restore, and a link that is switched off is removed.\n"
	case j.settings.AllowLockout:
		text += "--allow-lockout: an organization's last connection is disabled too.\n"
	default:
		text += "An organization's last enabled connection is left alone.\n"
	}
	return text + "Settings are kept in the run directory for restore, but for organization_access_level and organization_connection_name.\n"
}

func (j *job) restoreTerms() string {
	text := "Each gets the settings that it had; what is enabled by now is left alone.\n"
	if j.settings.AllowDefaults {
		text += "--allow-defaults: rows of a --no-check run get Auth0's default settings, also where they were off before it.\n"
	}
	return text
}
