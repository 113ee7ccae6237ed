package reports

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/orgconn/orgconn/batch/journal"
)

// outcomeGroup is a group of outcomes that the page shows alike, with a shape and a
// colour of its own.
type outcomeGroup int

const (
	changed   outcomeGroup = iota // by this run, or by a run that a dry run announces
	unchanged                     // there was nothing to do
	blocked                       // not done, although no call went wrong
	failed                        // a call went wrong
	leftOut                       // not looked at
	numGroups                     // how many groups there are
)

func groupOf(outcome journal.Outcome) outcomeGroup {
	switch {
	case outcome.Changed(), outcome.Announced():
		return changed
	case outcome.FailedByCall(true):
		return failed
	case outcome.Failed(false):
		return blocked
	case outcome == journal.NotSelected, !outcome.Reached():
		return leftOut
	}
	return unchanged
}

// String is the group's class in the style sheet.
func (c outcomeGroup) String() string {
	return [...]string{"changed", "same", "blocked", "failed", "left"}[c]
}

// Shape is a symbol that identifies the group without colour.
func (c outcomeGroup) Shape() string { return [...]string{"●", "○", "◆", "▲", "□"}[c] }

// meaning explains an outcome.
func meaning(outcome journal.Outcome) string {
	switch outcome {
	case journal.Disabled:
		return "disabled by this run"
	case journal.Restored:
		return "put back by this run"
	case journal.AlreadyDisabled:
		return "was already disabled; nothing was sent"
	case journal.AlreadyEnabled:
		return "was already enabled; nothing was sent"
	case journal.WouldDisable:
		return "is enabled now; a run would disable it"
	case journal.Enabled:
		return "enabled by this run"
	case journal.WouldEnable:
		return "is not enabled now; a run would enable it"
	case journal.WouldRestore:
		return "a run would put it back"
	case journal.Duplicate:
		return "same pair as in an earlier line"
	case journal.NotSelected:
		return "a row of the results file that was not selected"
	case journal.Blocked:
		return "stays as it is; its message says why"
	case journal.Invalid:
		return "the row cannot be used"
	case journal.NotFound:
		return "does not exist in the tenant"
	case journal.Failed:
		return "not done; nothing was changed"
	case journal.Unknown:
		return "a call may have taken effect, but its answer was lost"
	case journal.NotAttempted:
		return "the run did not reach it"
	}
	return ""
}

// visible replaces characters that cannot be seen, or that hide or reorder others:
// control characters, marks of writing direction, invisible spaces.
func visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < ' ':
			b.WriteRune('␀' + r) // the control pictures
		default:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		}
	}
	return b.String()
}

// excerpt is a visible text of at most n characters, and an ellipsis if it was cut.
func excerpt(s string, n int) string {
	if len(s) > n {
		if runes := []rune(s[:min(len(s), 4*n)]); len(runes) > n {
			s = string(runes[:n]) + "…"
		}
	}
	return visible(s)
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Counted is a number with its noun. The noun gets an s unless the number is 1.
func Counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return grouped(n) + " " + noun
}

// capitalized is a text with its first letter, which must be ASCII, in upper case.
func capitalized(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// secondsText writes a number of seconds in the units that suit it.
func secondsText(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Minute:
		return strconv.FormatFloat(s, 'f', 1, 64) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// threeDigits writes a number with three significant digits, or as an integer if it is
// 100 or more.
func threeDigits(x float64) string {
	if x >= 100 {
		return grouped(int(x + 0.5))
	}
	return strconv.FormatFloat(round(x), 'g', 3, 64)
}

// oneDecimal writes a coordinate or a percentage with at most one decimal.
func oneDecimal(x float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0")
}

// utc writes a time in UTC, to the second.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

var (
	auth0Host  = regexp.MustCompile(`^([a-z0-9][a-z0-9-]*)(?:\.([a-z0-9][a-z0-9-]*))?\.auth0\.com$`)
	linkableID = regexp.MustCompile(`^org_[0-9A-Za-z]+$`)
)

// dashboard is the start of the URL of an organization of the tenant in the Auth0
// Dashboard; the id follows. It is "" if the tenant's host does not tell it.
func dashboard(tenant string) string {
	parts := auth0Host.FindStringSubmatch(tenant)
	if parts == nil {
		return ""
	}
	region := parts[2]
	if region == "" {
		region = "us"
	}
	return "https://manage.auth0.com/dashboard/" + region + "/" + parts[1] + "/organizations/"
}

// organizationLink is the URL of an organization in the Dashboard, or "".
func organizationLink(dashboard, org string) string {
	if dashboard == "" || !linkableID.MatchString(org) {
		return ""
	}
	return dashboard + org + "/overview"
}

// unquotedWord matches what every shell reads as one word without quotes.
var unquotedWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,-]+$`)

// ShellWord writes a path as one word of a shell command, in one line. It quotes the
// path if necessary, and no program takes the word for a flag.
func ShellWord(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	if unquotedWord.MatchString(path) {
		return path
	}
	if strings.ContainsFunc(path, unicode.IsControl) {
		return ansiQuoted(path)
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// ansiQuoted quotes a path with control characters, as bash, zsh and ksh read it.
func ansiQuoted(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		case c == '\'' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		default:
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}
