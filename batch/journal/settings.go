package journal

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Settings are the flags that decide what a run does.
type Settings struct {
	DryRun        bool      `json:"dry_run,omitempty"`
	NoCheck       bool      `json:"no_check,omitempty"`
	AllowLockout  bool      `json:"allow_lockout,omitempty"`
	AllowDefaults bool      `json:"allow_defaults,omitempty"`
	MissingOK     bool      `json:"missing_ok,omitempty"`
	Organizations []string  `json:"organizations,omitempty"` // only these; none is all
	Limit         int       `json:"limit,omitempty"`         // rows of the input; 0 is all
	MaxChanges    int       `json:"max_changes,omitempty"`   // rows; 0 is no bound
	MaxFailures   Threshold `json:"max_failures"`            // the zero value is no bound
	Headroom      float64   `json:"headroom"`                // share of the bucket left to others, 0 to 1
	MaxRPS        float64   `json:"max_rps,omitempty"`       // requests per second; 0 is no bound
	Workers       int       `json:"workers"`
	Timeout       Duration  `json:"timeout"`               // of one call
	MaxDuration   Duration  `json:"max_duration,omitzero"` // 0 is no bound
}

// leastDecided is how many rows calls must have decided before a share of
// failed ones means anything.
const leastDecided = 100

// Threshold is a bound on failed rows: a number of rows, or a share of the
// decided ones in percent. The zero value is no bound.
type Threshold struct {
	Rows    int
	Percent float64
}

// UnmarshalText reads "20" (rows) or "50%" (of the decided rows); "0" is no bound.
func (t *Threshold) UnmarshalText(text []byte) (err error) {
	number, isPercent := strings.CutSuffix(string(text), "%")
	*t = Threshold{}
	if isPercent {
		if t.Percent, err = strconv.ParseFloat(number, 64); err != nil || !(t.Percent >= 0 && t.Percent <= 100) {
			return fmt.Errorf("%q is not a share from 0%% to 100%%", text)
		}
		return nil
	}
	if t.Rows, err = strconv.Atoi(number); err != nil || t.Rows < 0 {
		return fmt.Errorf("%q is neither a number of rows nor a share such as 50%%", text)
	}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (t Threshold) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Share is a bound in percent of the decided rows.
func Share(percent float64) Threshold { return Threshold{Percent: percent} }

func (t Threshold) String() string {
	if t.Percent > 0 {
		return strconv.FormatFloat(t.Percent, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(t.Rows)
}

// Passed says whether failed of the decided rows are too many.
func (t Threshold) Passed(failed, decided int) bool {
	switch {
	case t.Rows > 0:
		return failed >= t.Rows
	case t.Percent > 0:
		return decided >= leastDecided && float64(failed)*100 > t.Percent*float64(decided)
	default:
		return false
	}
}

// Duration is a time, written as Go writes it.
type Duration time.Duration

// UnmarshalText reads "1m30s".
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	*d = Duration(value)
	return err
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d Duration) String() string { return time.Duration(d).String() }
