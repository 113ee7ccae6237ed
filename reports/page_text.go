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

// visible shows the characters of a text that would not be seen as they are, or
// that would reorder or hide others: control characters, marks of writing
// direction, invisible spaces.
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

// excerpt is a text as a page shows it, at most n characters of it.
func excerpt(s string, n int) string {
	if len(s) > n {
		if runes := []rune(s[:min(len(s), 4*n)]); len(runes) > n {
			s = string(runes[:n]) + "…"
		}
	}
	return visible(s)
}

// grouped writes a number with separators between thousands.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Counted is a number with its noun, which takes an s for other numbers than 1.
func Counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return grouped(n) + " " + noun
}

// seconds writes a time in seconds as people do.
func seconds(s float64) string {
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

// decimal writes a rate with as many digits as it is worth.
func decimal(x float64) string {
	if x >= 100 {
		return grouped(int(x + 0.5))
	}
	return strconv.FormatFloat(round(x), 'g', 3, 64)
}

// utc writes an instant for people.
func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

var (
	auth0Host = regexp.MustCompile(`^([a-z0-9][a-z0-9-]*)(?:\.([a-z0-9][a-z0-9-]*))?\.auth0\.com$`)
	plainOrg  = regexp.MustCompile(`^org_[0-9A-Za-z]+$`)
)

// dashboard is where the tenant's organizations are in the Auth0 Dashboard, up to
// an organization's id; "" where that cannot be told from the tenant's host.
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

// organizationLink is an organization's page in the Dashboard, or "".
func organizationLink(dashboard, org string) string {
	if dashboard == "" || !plainOrg.MatchString(org) {
		return ""
	}
	return dashboard + org + "/overview"
}

// plainWord is what means the same to every shell without quotes.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,-]+$`)

// ShellWord quotes a path for a shell where it has to be, and keeps it from being
// taken for a flag.
func ShellWord(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	if plainWord.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
