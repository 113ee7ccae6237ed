package journal

import "slices"

// Outcome is what became of a row; "" is not known yet. What an outcome means is
// said here and nowhere else.
type Outcome string

// The outcomes that a row can have.
const (
	Disabled        Outcome = "disabled"
	AlreadyDisabled Outcome = "already_disabled"
	WouldDisable    Outcome = "would_disable"
	Restored        Outcome = "restored"
	AlreadyEnabled  Outcome = "already_enabled"
	WouldRestore    Outcome = "would_restore"
	Duplicate       Outcome = "duplicate"    // same pair as an earlier line
	NotSelected     Outcome = "not_selected" // a row of a results file that the command does not take
	Blocked         Outcome = "blocked"      // would lock the organization out
	Invalid         Outcome = "invalid"      // row unusable
	NotFound        Outcome = "not_found"
	Failed          Outcome = "failed"  // refused by the tenant: nothing was changed
	Unknown         Outcome = "unknown" // an attempt that may have taken effect, with no answer that tells
	NotAttempted    Outcome = "not_attempted"
)

// Outcomes lists all outcomes, in an order that stays.
func Outcomes() []Outcome {
	return []Outcome{
		Disabled, AlreadyDisabled, WouldDisable, Restored, AlreadyEnabled, WouldRestore, Duplicate,
		NotSelected, Blocked, Invalid, NotFound, Failed, Unknown, NotAttempted,
	}
}

// Known reports whether o is one of Outcomes.
func (o Outcome) Known() bool { return slices.Contains(Outcomes(), o) }

// Failed reports whether a row did not end as wanted, so that the run's exit code
// is not 0. MissingOK says that an organization that does not exist is well; a
// connection that does not exist never is, but o alone cannot tell.
func (o Outcome) Failed(missingOK bool) bool {
	return o == Blocked || o == Invalid || o.FailedByCall(missingOK)
}

// FailedByCall reports whether a call failed the row, which is what
// --max-failures counts.
func (o Outcome) FailedByCall(missingOK bool) bool {
	return o == Failed || o == Unknown || o == NotFound && !missingOK
}

// Decided reports whether the row has an answer: it was reached.
func (o Outcome) Decided() bool { return o != "" && o != NotAttempted }

// Open reports whether resume tries a row with this outcome, or tries it again.
// Blocked rows are open where what blocked them is allowed by now. Every other
// outcome is final.
func (o Outcome) Open(unblock bool) bool {
	return !o.Decided() || o == Failed || o == Unknown || o == Blocked && unblock
}

// Changed reports whether a run with this outcome changed the row.
func (o Outcome) Changed() bool { return o == Disabled || o == Restored }

// Announced reports whether a dry run says that a run would change the row.
func (o Outcome) Announced() bool { return o == WouldDisable || o == WouldRestore }

// Drifted reports whether a row that a dry run announced came out otherwise.
func (o Outcome) Drifted() bool {
	return !o.Changed() && !o.Announced() && o != NotAttempted && o != NotSelected
}

// The exit codes of an invocation, and so of the program. An unknown code is a
// failure.
const (
	ExitOK          = 0   // every row ended as wanted
	ExitFailedRows  = 1   // finished, some rows failed
	ExitRefused     = 2   // usage, configuration or input refused; nothing was sent
	ExitCredentials = 3   // the tenant refused the credentials or the scope
	ExitLocked      = 4   // another run holds the tenant's lock
	ExitStopped     = 5   // stopped before the end, worth going on
	ExitInternal    = 70  // a panic, recovered
	ExitInterrupted = 130 // SIGINT
	ExitTerminated  = 143 // SIGTERM
)
