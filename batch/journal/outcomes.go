package journal

import (
	"slices"
	"strings"
)

// Outcome is what became of a row; "" means that it is not known yet. The methods
// group the outcomes by what they mean for counts, exit code, resume and dry runs.
// Other code asks them, and names an outcome only for what is true of it alone, such
// as its explanation on the page.
//
// CONTRIBUTING says what a new outcome needs.
type Outcome string

// The outcomes that a row can have.
const (
	Disabled        Outcome = "disabled"
	AlreadyDisabled Outcome = "already_disabled"
	WouldDisable    Outcome = "would_disable"
	Enabled         Outcome = "enabled"
	WouldEnable     Outcome = "would_enable"
	Restored        Outcome = "restored"
	AlreadyEnabled  Outcome = "already_enabled"
	WouldRestore    Outcome = "would_restore"
	Duplicate       Outcome = "duplicate"     // same pair as an earlier line
	NotSelected     Outcome = "not_selected"  // a row of a results file that the command leaves out
	Blocked         Outcome = "blocked"       // refused by a guard; a flag may allow it
	Invalid         Outcome = "invalid"       // the row cannot be used
	NotFound        Outcome = "not_found"     // the tenant has no such organization or connection
	Failed          Outcome = "failed"        // not done; nothing was changed
	Unknown         Outcome = "unknown"       // a call may have taken effect, but no answer confirmed it
	NotAttempted    Outcome = "not_attempted" // the run stopped before the row
)

// Outcomes returns all outcomes, in a fixed order.
func Outcomes() []Outcome {
	return []Outcome{
		Disabled, AlreadyDisabled, WouldDisable, Enabled, AlreadyEnabled, WouldEnable, Restored, WouldRestore,
		Duplicate, NotSelected, Blocked, Invalid, NotFound, Failed, Unknown, NotAttempted,
	}
}

// Known reports whether o is one of Outcomes.
func (o Outcome) Known() bool { return slices.Contains(Outcomes(), o) }

// Words is the outcome as people write it, without underscores.
func (o Outcome) Words() string { return strings.ReplaceAll(string(o), "_", " ") }

// Reached reports whether the run reached the row.
func (o Outcome) Reached() bool { return o != "" && o != NotAttempted }

// Failed reports whether the row counts as failed, so that the exit code is not 0.
// With missingOK, NotFound is no failure. The flag is meant for missing
// organizations, but o does not tell these from missing connections.
func (o Outcome) Failed(missingOK bool) bool {
	return o == Blocked || o == Invalid || o.FailedByCall(missingOK)
}

// FailedOutcomes are the outcomes of rows that count as failed, the most urgent first.
func FailedOutcomes() []Outcome { return []Outcome{Failed, Unknown, Blocked, NotFound, Invalid} }

// FailedByCall reports whether a call to the tenant made the row fail. Only these
// rows count for --max-failures.
func (o Outcome) FailedByCall(missingOK bool) bool {
	return o == Failed || o == Unknown || o == NotFound && !missingOK
}

// Open reports whether resume tries a row with this outcome again, or for the
// first time. With unblock this includes blocked rows. All other outcomes are
// final.
func (o Outcome) Open(unblock bool) bool {
	return !o.Reached() || o == Failed || o == Unknown || o == Blocked && unblock
}

// Changed reports whether the run changed the row.
func (o Outcome) Changed() bool { return o == Disabled || o == Enabled || o == Restored }

// WasSo reports whether the row was as wanted before the run.
func (o Outcome) WasSo() bool { return o == AlreadyDisabled || o == AlreadyEnabled }

// MayHaveChanged reports whether the run changed the row, or may have. Only such rows can
// be undone.
func (o Outcome) MayHaveChanged() bool { return o.Changed() || o == Unknown }

// Announced reports whether a dry run says that the row would be changed.
func (o Outcome) Announced() bool { return o == WouldDisable || o == WouldEnable || o == WouldRestore }

// Drifted reports whether a row that a dry run announced came out differently.
func (o Outcome) Drifted() bool {
	return !o.Changed() && !o.Announced() && o != NotAttempted && o != NotSelected
}
