package journal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/orgconn/orgconn/apiclient"
)

// Settings are the flags that decide what a run does. A new one needs a field here, its
// line in Flags, its check in Validate unless every value is valid, and the flag itself
// in cmd/orgconn/flags.go.
type Settings struct {
	DryRun        bool             `json:"dry_run,omitempty"`
	NoCheck       bool             `json:"no_check,omitempty"`
	KeepLink      bool             `json:"keep_link,omitempty"` // links are switched off or on, and never removed
	AllowLockout  bool             `json:"allow_lockout,omitempty"`
	AllowDefaults bool             `json:"allow_defaults,omitempty"`
	MissingOK     bool             `json:"missing_ok,omitempty"`
	LastLogins    bool             `json:"last_logins,omitempty"`   // the last login through each link is read
	UnusedFor     Age              `json:"unused_for,omitzero"`     // links with a later login are left alone; 0 means none
	Connection    string           `json:"connection,omitempty"`    // id or name, instead of the rows'
	AnyID         bool             `json:"any_id,omitempty"`        // ids of other lengths than Auth0's are valid
	API           apiclient.Family `json:"api,omitempty"`           // "" means the newer family if the tenant has it
	MinRows       int              `json:"min_rows,omitempty"`      // of the input; fewer are refused
	Organizations []string         `json:"organizations,omitempty"` // only these; empty means all
	Limit         int              `json:"limit,omitempty"`         // rows of the input; 0 means all
	MaxChanges    int              `json:"max_changes,omitempty"`   // rows; 0 means no limit
	MaxFailures   Threshold        `json:"max_failures"`            // the zero value means no limit
	Headroom      float64          `json:"headroom"`                // share of the bucket left to other clients, 0 to 1
	MaxRPS        float64          `json:"max_rps,omitempty"`       // requests per second; 0 means no limit
	Workers       int              `json:"workers"`
	Timeout       Duration         `json:"timeout"`               // of one call
	MaxDuration   Duration         `json:"max_duration,omitzero"` // 0 means no limit
}

// Flags returns the command-line flags that make these settings, each as the user
// types it: "--dry-run", "--limit 100".
func (s Settings) Flags() (flags []string) {
	add := func(set bool, format string, args ...any) {
		if set {
			flags = append(flags, fmt.Sprintf(format, args...))
		}
	}
	add(s.DryRun, "--dry-run")
	add(s.NoCheck, "--no-check")
	add(s.KeepLink, "--keep-link")
	add(s.AllowLockout, "--allow-lockout")
	add(s.AllowDefaults, "--allow-defaults")
	add(s.MissingOK, "--missing-ok")
	add(s.LastLogins, "--last-logins")
	add(s.UnusedFor > 0, "--unused-for %s", s.UnusedFor)
	add(s.Connection != "", "--connection %s", s.Connection)
	add(s.AnyID, "--any-id")
	add(s.API != "", "--api %s", s.API)
	add(s.MinRows > 0, "--min-rows %d", s.MinRows)
	for _, org := range s.Organizations {
		add(true, "--org %s", org)
	}
	add(s.Limit > 0, "--limit %d", s.Limit)
	add(s.MaxChanges > 0, "--max-changes %d", s.MaxChanges)
	add(true, "--max-failures %s", s.MaxFailures)
	add(true, "--headroom %s", FormatShare(s.Headroom*100))
	add(s.MaxRPS > 0, "--max-rps %s", strconv.FormatFloat(s.MaxRPS, 'f', -1, 64))
	add(true, "--workers %d", s.Workers)
	add(true, "--timeout %s", s.Timeout)
	add(s.MaxDuration > 0, "--max-duration %s", s.MaxDuration)
	return flags
}

// Unblocks reports whether a resume tries blocked rows again.
func (s Settings) Unblocks() bool { return s.AllowLockout || s.AllowDefaults }

// ReadsLogins reports whether the last login through each link is read.
func (s Settings) ReadsLogins() bool { return s.LastLogins || s.UnusedFor > 0 }

// minDecided is the number of decided rows from which on a share of failed rows
// is meaningful.
const minDecided = 100

// Threshold is a limit on failed rows: a number of rows, or a percentage of the
// decided rows. The zero value means no limit.
type Threshold struct {
	Rows    int
	Percent float64 // 0 to 100
}

// Share returns a limit in percent of the decided rows.
func Share(percent float64) Threshold { return Threshold{Percent: percent} }

// Passed reports whether too many of the decided rows failed. A percentage is
// ignored until 100 rows are decided.
func (t Threshold) Passed(failed, decided int) bool {
	switch {
	case t.Rows > 0:
		return failed >= t.Rows
	case t.Percent > 0:
		return decided >= minDecided && float64(failed)*100 > t.Percent*float64(decided)
	default:
		return false
	}
}

// UnmarshalText reads "20" (rows), or "50%" or "0.5" (of the decided rows). "0" means
// no limit.
func (t *Threshold) UnmarshalText(text []byte) (err error) {
	*t = Threshold{}
	if t.Rows, err = strconv.Atoi(string(text)); err == nil && t.Rows >= 0 {
		return nil
	}
	*t = Threshold{}
	if t.Percent, err = ParseShare(string(text)); err != nil {
		return fmt.Errorf("%q is neither a number of rows nor a share such as 50%% or 0.5", text)
	}
	return nil
}

// MarshalText writes the form that UnmarshalText reads.
func (t Threshold) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// String returns the form that UnmarshalText reads.
func (t Threshold) String() string {
	if t.Percent > 0 {
		return FormatShare(t.Percent)
	}
	return strconv.Itoa(t.Rows)
}

// ParseShare reads a share, written "25%" or "0.25", and returns it in percent, 0 to
// 100. A whole number other than 0 is an error: it may be meant as either.
func ParseShare(text string) (percent float64, err error) {
	number, isPercent := strings.CutSuffix(text, "%")
	if whole, err := strconv.Atoi(text); err == nil && whole > 0 && whole <= 100 {
		return 0, fmt.Errorf("%q is not a share: write %d%% or %v", text, whole, float64(whole)/100)
	}
	if !isPercent {
		number += "e2" // exact, unlike a multiplication
	}
	percent, err = strconv.ParseFloat(number, 64)
	if err != nil || !(percent >= 0 && percent <= 100) { // NaN too
		return 0, fmt.Errorf("%q is not a share such as 25%% or 0.25", text)
	}
	return percent, nil
}

// FormatShare writes a share given in percent in the form "25%".
func FormatShare(percent float64) string {
	const precision = 1e6 // hides what floating point adds
	return strconv.FormatFloat(math.Round(percent*precision)/precision, 'f', -1, 64) + "%"
}

// Duration is a [time.Duration] that is written as text, such as "1m30s".
type Duration time.Duration

// UnmarshalText reads the form that [time.ParseDuration] accepts.
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	*d = Duration(value)
	return err
}

// MarshalText writes the form that UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String formats the duration as [time.Duration] does.
func (d Duration) String() string { return time.Duration(d).String() }

// Age is how long ago something was: "30d", or a time such as "12h". A day has 24
// hours.
type Age time.Duration

const (
	day     = Age(24 * time.Hour)
	maxDays = int(math.MaxInt64 / day)
)

// UnmarshalText reads a whole number of days, or the form that [time.ParseDuration]
// accepts. An age is not negative.
func (a *Age) UnmarshalText(text []byte) error {
	if number, isDays := strings.CutSuffix(string(text), "d"); isDays {
		days, err := strconv.Atoi(number)
		if err != nil || days < 0 || days > maxDays {
			return fmt.Errorf("%q is not a number of days such as 30d", text)
		}
		*a = Age(days) * day
		return nil
	}
	value, err := time.ParseDuration(string(text))
	if err != nil || value < 0 {
		return fmt.Errorf("%q is neither a number of days such as 30d nor a time such as 12h", text)
	}
	*a = Age(value)
	return nil
}

// MarshalText writes the form that UnmarshalText reads.
func (a Age) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// String writes whole days as "30d".
func (a Age) String() string {
	if a%day == 0 {
		return strconv.Itoa(int(a/day)) + "d"
	}
	return time.Duration(a).String()
}
