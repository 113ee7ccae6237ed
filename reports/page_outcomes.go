package reports

import "github.com/orgconn/orgconn/batch/journal"

// kind is what an outcome means to who looks at the page: each has a shape and a
// colour of its own there.
type kind int

const (
	changed  kind = iota // by this run, or as it would
	asBefore             // nothing was to be done
	blocked              // not done; nothing went wrong with a call
	failed               // a call went wrong
	leftOut              // not looked at
	numKinds
)

// kindOf tells an outcome's kind.
func kindOf(outcome journal.Outcome) kind {
	switch {
	case outcome.Changed(), outcome.Announced():
		return changed
	case outcome.FailedByCall(true):
		return failed
	case outcome.Failed(false):
		return blocked
	case outcome == journal.NotSelected, !outcome.Decided():
		return leftOut
	}
	return asBefore
}

// Class is the kind's name in the style sheet.
func (k kind) Class() string {
	return [...]string{"changed", "same", "blocked", "failed", "left"}[k]
}

// Shape is a sign that tells the kind without colour.
func (k kind) Shape() string { return [...]string{"●", "○", "◆", "▲", "□"}[k] }

// meaning says what an outcome means.
func meaning(outcome journal.Outcome, command string) string {
	switch outcome {
	case journal.Disabled:
		return "disabled by this run"
	case journal.Restored:
		return "enabled again by this run"
	case journal.AlreadyDisabled:
		return "was off before; nothing was sent"
	case journal.AlreadyEnabled:
		return "was on before; nothing was sent"
	case journal.WouldDisable:
		return "enabled now; a run would disable it"
	case journal.WouldRestore:
		return "off now; a run would enable it again"
	case journal.Duplicate:
		return "the same pair as in an earlier line"
	case journal.NotSelected:
		return "a row of the results file that was not taken"
	case journal.Blocked:
		if command == journal.CommandRestore {
			return "its former settings are not known"
		}
		return "would lock the organization out"
	case journal.Invalid:
		return "the row is unusable"
	case journal.NotFound:
		return "does not exist in the tenant"
	case journal.Failed:
		return "refused by the tenant; nothing was changed"
	case journal.Unknown:
		return "a call may have taken effect; no answer tells"
	case journal.NotAttempted:
		return "not reached"
	}
	return ""
}
