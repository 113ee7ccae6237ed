package main

import (
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
)

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

func TestPanicIsInternalError(t *testing.T) {
	err := func() (err error) {
		defer recovered(&err)
		panic("the ids are odd")
	}()
	if got := explain(io.Discard, err); got != journal.ExitInternal || !strings.Contains(err.Error(), "the ids are odd") {
		t.Errorf("%v: exit %d", err, got)
	}
}

// Whatever ends a command has an exit code of its kind, through other errors too.
func TestExitCodes(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"anything before the start": {errors.New("open pairs.csv"), journal.ExitRefused},
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
