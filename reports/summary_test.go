package reports

import (
	"testing"
	"time"
)

func TestExpected(t *testing.T) {
	enterprise := Rate{Burst: 10, RefillPerS: 1.7} // measured, of 100 a minute
	for name, c := range map[string]struct {
		rates                 Rates
		organizations, writes int
		want                  time.Duration
	}{
		"nothing was measured":          {Rates{}, 100, 100, 0},
		"published limit on writes":     {Rates{Reads: enterprise}, 60, 605, 240 * time.Second},
		"reads take longer":             {Rates{Reads: enterprise}, 349, 349, 200 * time.Second},
		"measured limit on writes":      {Rates{Reads: enterprise, Writes: Rate{Burst: 5, RefillPerS: 5}}, 60, 605, 120 * time.Second},
		"no plan has this limit":        {Rates{Reads: Rate{Burst: 10, RefillPerS: 5}}, 60, 605, 0},
		"less than the bucket holds":    {Rates{Reads: enterprise}, 2, 2, time.Second},
		"without a check, only writes":  {Rates{Writes: Rate{Burst: 5, RefillPerS: 2.5}}, 0, 55, 20 * time.Second},
		"hours":                         {Rates{Reads: enterprise}, 100, 150 * 600, 10*time.Hour - 2*time.Second},
		"self-service has fewer writes": {Rates{Reads: Rate{Burst: 5, RefillPerS: 0.83}}, 10, 55, 120 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.rates.Expected(c.organizations, c.writes); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
