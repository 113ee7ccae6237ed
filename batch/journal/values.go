package journal

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

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
