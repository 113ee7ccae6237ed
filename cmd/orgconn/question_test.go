package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// Only a whole line y or yes goes on. Everything else changes nothing.
func TestOnlyYesGoesOn(t *testing.T) {
	for answer, want := range map[string]int{
		"y\n": journal.ExitOK, "Y\n": journal.ExitOK, "yes\n": journal.ExitOK, "Yes\r\n": journal.ExitOK, " y \n": journal.ExitOK,
		"": journal.ExitRefused, "\n": journal.ExitRefused, "n\n": journal.ExitRefused, "y": journal.ExitRefused,
		"y no wait\n": journal.ExitRefused, "yes?\n": journal.ExitRefused, "ye\n": journal.ExitRefused, "no\ny\n": journal.ExitRefused,
		"\ny\n": journal.ExitRefused,
	} {
		if code := explain(io.Discard, awaitYes(t.Context(), io.Discard, strings.NewReader(answer))); code != want {
			t.Errorf("%q: exit %d, want %d", answer, code, want)
		}
	}
}

// A question that nobody answers ends, because the tenant's lock is held meanwhile.
func TestQuestionEndsWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		defer writer.Close()
		began := time.Now()
		err := awaitYes(t.Context(), io.Discard, reader)
		if code := explain(io.Discard, err); code != journal.ExitRefused || time.Since(began) != 10*time.Minute {
			t.Errorf("exit %d after %s: %v", code, time.Since(began), err)
		}
	})
}

// Whoever interrupts the question reads that nothing was changed.
func TestQuestionIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopBy(os.Interrupt))
	reader, writer := io.Pipe()
	defer writer.Close()
	var text bytes.Buffer
	if code := explain(&text, awaitYes(ctx, io.Discard, reader)); code != journal.ExitInterrupted || text.String() != "orgconn: interrupted, nothing was changed\n" {
		t.Errorf("exit %d: %s", code, &text)
	}
}

// The question says what a run does to the tenant, and what it leaves alone.
func TestQuestionSaysWhatARunDoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pairs.csv")
	for _, c := range []struct {
		header     journal.Header
		text, want string
	}{
		{journal.Header{Command: journal.CommandEnable}, "org_id,connection_id\norg_aaaaaaaaaaaaaaa1,con_aaaaaaaaaaaaaaa1\n",
			"New links get Auth0's default settings"},
		{journal.Header{Command: journal.CommandEnable}, "org_id,connection_id,show_as_button\norg_aaaaaaaaaaaaaaa1,con_aaaaaaaaaaaaaaa1,no\n",
			"New links get the settings in the list"},
		{journal.Header{Command: journal.CommandRestore, Undoes: journal.CommandEnable},
			"line,org_id,connection_id,outcome,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant\n" +
				"2,org_aaaaaaaaaaaaaaa1,con_aaaaaaaaaaaaaaa1,enabled,,,,enable,tenant.example\n",
			"Links that the run made are removed"},
		{journal.Header{Command: journal.CommandRestore},
			"line,org_id,connection_id,outcome,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant\n" +
				"2,org_aaaaaaaaaaaaaaa1,con_aaaaaaaaaaaaaaa1,disabled,,,,disable,tenant.example\n",
			"Rows that were disabled without a check are left alone"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := list.Open(path, "pairs.csv", list.Options{Command: c.header.Command})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		got := (&work{header: c.header, list: l}).question(1)
		if !strings.Contains(got, c.want) || !strings.HasPrefix(got, "This "+c.header.Command+"s up to 1 connection ") {
			t.Errorf("%s: %s", c.header.Command, got)
		}
	}
}
