package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"unicode"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
)

// failure is an error with its exit code and a hint what to do. If err is nil,
// everything is printed already and only the exit code is left. A warning has exit code 0.
type failure struct {
	code int
	err  error
	hint string
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// internalHint is for errors that are faults of this program.
const internalHint = "please report the lines above; if a run had begun, orgconn resume continues it"

const (
	lockedHint = "wait for it to end, or give a longer --lock-wait; before you stop a process, check that it is orgconn, " +
		"as every user can write what the lock file says"
	lockFolderHint = " must exist and be writable: the lock that all users of the machine share is there; in Kubernetes, mount an emptyDir"
	damagedHint    = "restore the run directory from a backup, or give orgconn restore its results.csv; " +
		"the list can be disabled again, but then what this run has disabled cannot be restored"
)

// refused marks an error that came before anything was changed. An error that has an
// exit code already keeps it, with its hint. refused(nil) is nil.
func refused(err error, hint string) error {
	if err == nil || byType(err) != nil {
		return err
	}
	return &failure{code: journal.ExitRefused, err: err, hint: hint}
}

// stopped marks an error that ends a run before its end, or that leaves an output
// unwritten.
func stopped(err error, hint string) error {
	return &failure{code: journal.ExitStopped, err: err, hint: hint}
}

// recovered is to be deferred. It turns a panic into an error, because the exit
// code that Go gives a panic is that of refused.
func recovered(err *error) {
	if p := recover(); p != nil {
		fmt.Fprintf(newOutput(os.Stderr, logTimeout), "%s\n", debug.Stack())
		*err = &failure{code: journal.ExitInternal, err: fmt.Errorf("internal error: %v", p), hint: internalHint}
	}
}

// explain prints an error for people and returns its exit code, ExitOK for nil.
func explain(w io.Writer, err error) int {
	if err == nil {
		return journal.ExitOK
	}
	f := classify(err)
	if f.err != nil {
		text := strings.ReplaceAll(f.err.Error(), "\n", "; ") // several errors are joined by line
		fmt.Fprintf(w, "orgconn: %s\n", oneLine(text))
		if f.hint != "" {
			fmt.Fprintf(w, "hint: %s\n", oneLine(f.hint))
		}
	}
	return f.code
}

// inOneLine puts the hint of an error into its message: --quiet promises one line.
func inOneLine(err error) error {
	if err == nil {
		return nil
	}
	f := *classify(err)
	if f.err != nil && f.hint != "" {
		f.err, f.hint = fmt.Errorf("%w; hint: %s", f.err, f.hint), ""
	}
	return &f
}

// classify gives every error its exit code and hint. An error of an unknown type is
// a fault of this program: nothing says that nothing was changed.
func classify(err error) *failure {
	if f := byType(err); f != nil {
		return f
	}
	return &failure{code: journal.ExitInternal, err: err, hint: internalHint}
}

// byType gives an error the exit code and hint of its type; nil if the type is
// unknown.
func byType(err error) *failure {
	var f *failure
	var stop *batch.Stop
	var locked *batch.LockedError
	var folder *batch.FolderError
	var input *list.Error
	var api *apiclient.Error
	var damaged *journal.DamageError
	var dir *rundir.Error
	var busy *rundir.BusyError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &stop):
		return &failure{code: stop.Code, err: err, hint: stop.Hint}
	case errors.As(err, &locked):
		return &failure{code: journal.ExitLocked, err: err, hint: lockedHint}
	case errors.As(err, &folder):
		return &failure{code: journal.ExitRefused, err: err, hint: folder.Folder + lockFolderHint}
	case errors.As(err, &busy):
		return &failure{code: journal.ExitLocked, err: err, hint: "wait for it to end, or stop it"}
	case errors.As(err, &damaged):
		return &failure{code: journal.ExitStopped, err: err, hint: damagedHint}
	case errors.As(err, &dir):
		return &failure{code: journal.ExitRefused, err: err, hint: dir.Hint}
	case errors.As(err, &input):
		return &failure{code: journal.ExitRefused, err: err, hint: input.Hint}
	case errors.As(err, &api):
		return apiFailure(api, err)
	case errors.Is(err, context.Canceled):
		return &failure{code: journal.ExitInterrupted, err: err}
	}
	return nil
}

// apiFailure is the failure of a call before the run began.
func apiFailure(api *apiclient.Error, err error) *failure {
	stop := batch.StopOf(api)
	return &failure{code: stop.Code, err: err, hint: stop.Hint}
}

// printable keeps a terminal safe from text that came from a file or a server. It
// replaces characters that a terminal would obey instead of showing them.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// oneLine makes a value from a file or a server printable, and one line: as several
// it could pass for lines of this program, such as what to type next.
func oneLine(s string) string {
	return printable(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, s))
}
