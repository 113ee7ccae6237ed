package batch

import (
	"fmt"
	"strconv"
	"strings"
)

// leastDecided is how many rows calls must have decided before a share of
// failed ones means anything.
const leastDecided = 100

// Threshold is a bound on failed rows: a number of rows, or a share of the
// decided ones in percent. The zero value is no bound.
type Threshold struct {
	rows    int
	percent float64
}

// ParseThreshold reads "20" (rows) or "50%" (of the decided rows); "0" is no
// bound.
func ParseThreshold(s string) (Threshold, error) {
	number, isPercent := strings.CutSuffix(s, "%")
	if isPercent {
		p, err := strconv.ParseFloat(number, 64)
		if err != nil || !(p >= 0 && p <= 100) {
			return Threshold{}, fmt.Errorf("%q is not a share from 0%% to 100%%", s)
		}
		return Threshold{percent: p}, nil
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 {
		return Threshold{}, fmt.Errorf("%q is neither a number of rows nor a share such as 50%%", s)
	}
	return Threshold{rows: n}, nil
}

func (t Threshold) String() string {
	if t.percent > 0 {
		return strconv.FormatFloat(t.percent, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(t.rows)
}

// Passed says whether failed of the decided rows are too many.
func (t Threshold) Passed(failed, decided int) bool {
	switch {
	case t.rows > 0:
		return failed >= t.rows
	case t.percent > 0:
		return decided >= leastDecided && float64(failed)*100 > t.percent*float64(decided)
	default:
		return false
	}
}
