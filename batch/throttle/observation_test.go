package throttle

import (
	"math"
	"testing"
	"time"
)

func TestImpossibleHeadersAreNotBelieved(t *testing.T) {
	for name, c := range map[string]struct {
		limit, remaining int64
		want             bool
	}{
		"usual":                   {25, 24, true},
		"empty":                   {25, 0, true},
		"no limit":                {0, 0, false},
		"negative limit":          {-5, -6, false},
		"negative remaining":      {25, -1, false},
		"the call took nothing":   {25, 25, false},
		"far more than the limit": {25, math.MaxInt64, false},
		"a limit too large":       {math.MaxInt64, 5, false},
		"a bucket of one, taken":  {1, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := Observation{Headers: true, Limit: c.limit, Remaining: c.remaining}
			if got := o.credible(); got != c.want {
				t.Errorf("credible %v, want %v", got, c.want)
			}
		})
	}
	if (Observation{Limit: 25, Remaining: 24}).credible() {
		t.Error("credible without headers")
	}
}

// A nonsensical Reset must not make a run wait for years.
func TestImpossibleResetMeansAMinute(t *testing.T) {
	for name, c := range map[string]struct {
		reset, date int64 // seconds from now
		want        time.Duration
	}{
		"by the server's clock":     {3603, 3600, 3 * time.Second},
		"already full":              {0, 0, time.Second},
		"long past":                 {-100, 0, time.Minute},
		"a day":                     {86400, 0, time.Minute},
		"the last possible second":  {math.MaxInt64 - 2_000_000_000, 0, time.Minute},
		"the first possible second": {math.MinInt64, 0, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			now := at(0)
			o := Observation{Reset: now.Unix() + c.reset, Date: now.Add(time.Duration(c.date) * time.Second)}
			if got := o.untilFull(now); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
