package journal

// The outcomes that a row can have.
const (
	Disabled        = "disabled"
	AlreadyDisabled = "already_disabled"
	WouldDisable    = "would_disable"
	Restored        = "restored"
	AlreadyEnabled  = "already_enabled"
	WouldRestore    = "would_restore"
	Duplicate       = "duplicate"    // same pair as an earlier line
	NotSelected     = "not_selected" // a row of a results file that the command does not take
	Blocked         = "blocked"      // would lock the organization out
	Invalid         = "invalid"      // row unusable
	NotFound        = "not_found"
	Failed          = "failed"  // refused by the tenant: nothing was changed
	Unknown         = "unknown" // an attempt that may have taken effect, with no answer that tells
	NotAttempted    = "not_attempted"
)

// Outcomes are all outcomes, in an order that stays.
func Outcomes() [14]string {
	return [...]string{
		Disabled, AlreadyDisabled, WouldDisable, Restored, AlreadyEnabled, WouldRestore, Duplicate,
		NotSelected, Blocked, Invalid, NotFound, Failed, Unknown, NotAttempted,
	}
}
