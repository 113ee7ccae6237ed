package journal

import "strings"

// The exit codes of an invocation. Callers treat any other code as a failure.
const (
	ExitOK          = 0   // every row ended as wanted
	ExitFailedRows  = 1   // finished, but some rows failed
	ExitRefused     = 2   // usage, configuration, input or tenant refused; nothing was changed
	ExitCredentials = 3   // the tenant refused the credentials or the scope
	ExitLocked      = 4   // another run holds the tenant's lock, or writes the run directory
	ExitStopped     = 5   // stopped before the end, can be resumed; or a report could not be written
	ExitInternal    = 70  // a fault of this program
	ExitInterrupted = 130 // SIGINT
	ExitQuit        = 131 // SIGQUIT
	ExitTerminated  = 143 // SIGTERM or SIGHUP
)

// Finished reports whether an invocation with this exit code went through its whole list
// or slice. One that did not can be resumed.
func Finished(exitCode int) bool { return exitCode == ExitOK || exitCode == ExitFailedRows }

// RightTenant ends the reason of an invocation that found no organization of its list. It
// must not change, as WrongTenant finds it in journals of earlier versions, too.
const RightTenant = "is this the right tenant?"

// WrongTenant reports whether an invocation with this reason found no organization of its
// list.
func WrongTenant(reason string) bool { return strings.HasSuffix(reason, RightTenant) }
