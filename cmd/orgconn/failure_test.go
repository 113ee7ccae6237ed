package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
)

// Text from a file or a server cannot control the terminal.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain, with ünïcode and\nlines": "plain, with ünïcode and\nlines",
		"\x1b[2Jcleared":                 "\uFFFD[2Jcleared",
		"right\u202eto left":             "right\uFFFDto left",
		"mark\u200e bell\a":              "mark\uFFFD bell\uFFFD",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// Nor can it by an error or a hint that quotes it.
func TestErrorsArePrintable(t *testing.T) {
	var text bytes.Buffer
	explain(&text, refused(errors.New("outcome \"\x1b[2J\""), "see \x1b]0;title\a"))
	if want := "orgconn: outcome \"\uFFFD[2J\"\nhint: see \uFFFD]0;title\uFFFD\n"; text.String() != want {
		t.Errorf("%q, want %q", text.String(), want)
	}
}

// After reports that could not be made, the hint promises new ones only if something that
// can be mended kept them from being made.
func TestReportsHint(t *testing.T) {
	const again = "orgconn report run makes the reports again"
	for want, err := range map[string]error{
		again: errors.New("write run/results.csv: no space left on device"),
		"put the list there again as it was; then " + again: &rundir.Error{Err: errors.New("another list"), Hint: "put the list there again as it was"},
		changedHint: &journal.DamageError{Line: 5, Reason: "the checksum does not match"},
	} {
		if got := reportsHint("run", fmt.Errorf("make the reports: %w", err)); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// A panic does not end the program with Go's own exit code, which means refused.
func TestPanicIsInternalError(t *testing.T) {
	err := func() (err error) {
		defer recovered(&err)
		panic("the ids are odd")
	}()
	if got := explain(io.Discard, err); got != journal.ExitInternal || !strings.Contains(err.Error(), "the ids are odd") {
		t.Errorf("%v: exit %d", err, got)
	}
}

// Every kind of error has its exit code, also if other errors wrap it. An error that
// nobody has thought of never means that nothing was sent.
func TestExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"an unknown error":          {errors.New("unexpected"), journal.ExitInternal},
		"refused":                   {refused(errors.New("open pairs.csv"), ""), journal.ExitRefused},
		"refused with its own code": {refused(stopBy(os.Interrupt), ""), journal.ExitInterrupted},
		"the input":                 {&list.Error{File: "pairs.csv"}, journal.ExitRefused},
		"credentials":               {&apiclient.Error{Class: apiclient.Unauthorized}, journal.ExitCredentials},
		"scope":                     {&apiclient.Error{Class: apiclient.InsufficientScope}, journal.ExitCredentials},
		"unknown host":              {&apiclient.Error{Class: apiclient.Unreachable}, journal.ExitRefused},
		"no answer":                 {&apiclient.Error{Class: apiclient.Transient}, journal.ExitStopped},
		"the lock":                  {&batch.LockedError{}, journal.ExitLocked},
		"a panic":                   {&batch.Stop{Code: journal.ExitInternal}, journal.ExitInternal},
		"a signal":                  {stopBy(syscall.SIGTERM), journal.ExitTerminated},
		"Ctrl-C":                    {stopBy(os.Interrupt), journal.ExitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			for _, err := range []error{c.err, fmt.Errorf("do it: %w", c.err)} {
				if got := explain(io.Discard, err); got != c.want {
					t.Errorf("%v: exit %d, want %d", err, got, c.want)
				}
			}
		})
	}
}

// Whatever is wrong with a command line, its variables or its files ends with exit
// code 2, also if the library finds it.
func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("AUTH0_DOMAIN", "http://127.0.0.1:1")
	for _, name := range []string{"pairs.csv", "not-a-list.csv"} {
		text := map[string]string{"pairs.csv": "org_id,connection_id\n"}[name]
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range []string{
		"destroy",
		"--colour",
		"disable",
		"disable one two",
		"disable --colour pairs.csv",
		"disable --workers many pairs.csv",
		"disable --workers 0 --yes pairs.csv",
		"disable --limit 0 --yes pairs.csv",
		"disable --dry-run --no-check pairs.csv",
		"disable --max-failures many --yes pairs.csv",
		"disable --metrics-file missing/x.prom --yes pairs.csv",
		"disable --log-level loud --yes pairs.csv",
		"disable pairs.csv", // standard input is not a terminal
		"disable --yes missing.csv",
		"disable --yes .",
		"disable --yes not-a-list.csv",
		"disable --yes pairs.csv", // no credentials
		"disable --yes --out pairs.csv pairs.csv",
		"restore --yes missing",
		"restore --yes pairs.csv",
		"resume --yes missing",
		"resume --yes .",
		"report missing",
		"export more",
		"export --out .",
		"simulate --plan golden",
		"simulate --from missing.csv",
		"simulate --listen 192.0.2.1:1",
		"demo more",
		"version more",
		"completion bash more",
		"__complete",
	} {
		err := execute(t.Context(), strings.Fields(line))
		if code := explain(io.Discard, err); code != journal.ExitRefused {
			t.Errorf("orgconn %s: exit %d (%v), want %d", line, code, err, journal.ExitRefused)
		}
	}
}
