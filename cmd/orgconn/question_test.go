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

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/reports"
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

// The question says how the settings change what a run does.
func TestQuestionTellsSettings(t *testing.T) {
	l, err := list.Open(writeFile(t, "pairs.csv", oneRow), "pairs.csv", list.Options{Command: journal.CommandDisable})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const guarded, lockout = "An organization's last enabled connection is left alone.\n", "last connection is disabled too"
	for _, c := range []struct {
		header    journal.Header
		want, not string
	}{
		{journal.Header{Command: journal.CommandDisable}, "The links are removed", "--"},
		{journal.Header{Command: journal.CommandDisable}, guarded, lockout},
		{journal.Header{Command: journal.CommandDisable, Settings: journal.Settings{AllowLockout: true}}, lockout, guarded},
		{journal.Header{Command: journal.CommandDisable, Settings: journal.Settings{KeepLink: true}}, "--keep-link: the links are switched off", "are removed"},
		{journal.Header{Command: journal.CommandDisable, Settings: journal.Settings{UnusedFor: journal.Age(720 * time.Hour)}}, "--unused-for 30d: ", lockout},
		{journal.Header{Command: journal.CommandRestore}, "Each gets the settings that it had", "--keep-link"},
		{journal.Header{Command: journal.CommandRestore, Settings: journal.Settings{KeepLink: true}}, "switched off are switched on", "settings that it had"},
		{journal.Header{Command: journal.CommandRestore, Undoes: journal.CommandEnable}, guarded, lockout},
		{journal.Header{Command: journal.CommandRestore, Undoes: journal.CommandEnable, Settings: journal.Settings{AllowLockout: true}}, lockout, guarded},
	} {
		got := (&work{header: c.header, list: l}).question(1)
		if !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%+v: %s", c.header, got)
		}
	}
}

// The question counts every row of the list, and says how long the run takes.
func TestQuestionCountsRows(t *testing.T) {
	text := oneRow + "org_aaaaaaaaaaaaaaa1,con_aaaaaaaaaaaaaaa1\norg_1,con_1\norg_aaaaaaaaaaaaaaa2,con_aaaaaaaaaaaaaaa1\norg_aaaaaaaaaaaaaaa3,con_aaaaaaaaaaaaaaa1\n"
	l, err := list.Open(writeFile(t, "pairs.csv", text), "pairs.csv", list.Options{Command: journal.CommandDisable, Limit: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w := &work{list: l, header: journal.Header{Command: journal.CommandDisable}, history: new(batch.History)}
	w.former.Rate.Writes = reports.Rate{Burst: 1, RefillPerS: 0.01}
	want := "The list has 5 rows: 1 row to work on, 1 done by earlier invocations, 1 invalid, 1 the same pair as an earlier one, 1 beyond --limit.\n" +
		"It takes about 1s, according to the limits that an earlier run measured.\n"
	if got := w.question(1); !strings.Contains(got, want) {
		t.Errorf("%swant %s", got, want)
	}
}

// The time that the question names counts the reads, unless there are none, and those of
// last logins.
func TestQuestionTellsTime(t *testing.T) {
	l, err := list.Open(writeFile(t, "pairs.csv", oneRow), "pairs.csv", list.Options{Command: journal.CommandDisable})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for want, settings := range map[string]journal.Settings{
		"It takes about 20s": {}, "It takes about 5s": {NoCheck: true}, "It takes about 50s": {UnusedFor: journal.Age(time.Hour)},
	} {
		w := &work{list: l, header: journal.Header{Command: journal.CommandDisable, Settings: settings}}
		w.former.Rate = reports.Rates{Reads: reports.Rate{RefillPerS: 1. / 20}, Writes: reports.Rate{RefillPerS: 1. / 5}, Logs: reports.Rate{RefillPerS: 1. / 50}}
		if got := w.question(1); !strings.Contains(got, want) {
			t.Errorf("%+v: %s", settings, got)
		}
	}
}

// Of a list with names, the question says that they are looked up, and which are unknown.
func TestQuestionCountsNames(t *testing.T) {
	var names list.Names
	text := "org_name,connection_id\nacme,con_aaaaaaaaaaaaaaa1\nnobody,con_aaaaaaaaaaaaaaa1\n"
	names.Add(journal.Names{Organizations: map[string]string{"nobody": ""}})
	l, err := list.Open(writeFile(t, "pairs.csv", text), "pairs.csv", list.Options{Command: journal.CommandDisable, Names: &names})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	want := "The list has 2 rows: 1 row to work on (1 with names, which are looked up first), 1 with a name that does not exist.\n"
	if got := (&work{list: l, header: journal.Header{Command: journal.CommandDisable}}).question(1); !strings.Contains(got, want) {
		t.Errorf("%swant %s", got, want)
	}
}

func TestAgo(t *testing.T) {
	for age, want := range map[time.Duration]string{
		59 * time.Second: "less than a minute", 61 * time.Second: "1 minute", 119 * time.Minute: "119 minutes",
		2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 48 * time.Hour: "2 days",
	} {
		if got := ago(age); got != want {
			t.Errorf("%s: got %s, want %s", age, got, want)
		}
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
