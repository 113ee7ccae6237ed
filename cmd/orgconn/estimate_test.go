package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/orgconn/orgconn/reports"
)

func TestExpected(t *testing.T) {
	enterprise := reports.Rate{Burst: 10, RefillPerS: 1.7} // measured, of 100 a minute
	for name, c := range map[string]struct {
		rates                 reports.Rates
		organizations, writes int
		want                  string
	}{
		"nothing was measured":          {reports.Rates{}, 100, 100, "about 0s"},
		"published limit on writes":     {reports.Rates{Reads: enterprise}, 60, 605, "about 4m"},
		"reads take longer":             {reports.Rates{Reads: enterprise}, 349, 349, "about 3m"},
		"measured limit on writes":      {reports.Rates{Reads: enterprise, Writes: reports.Rate{Burst: 5, RefillPerS: 5}}, 60, 605, "about 2m"},
		"no plan has this limit":        {reports.Rates{Reads: reports.Rate{Burst: 10, RefillPerS: 5}}, 60, 605, "about 0s"},
		"less than the bucket holds":    {reports.Rates{Reads: enterprise}, 2, 2, "about 1s"},
		"without a check, only writes":  {reports.Rates{Writes: reports.Rate{Burst: 5, RefillPerS: 2.5}}, 0, 55, "about 20s"},
		"hours":                         {reports.Rates{Reads: enterprise}, 100, 150 * 600, "about 10h0m"},
		"self-service has fewer writes": {reports.Rates{Reads: reports.Rate{Burst: 5, RefillPerS: 0.83}}, 10, 55, "about 2m"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := about(expected(c.rates, c.organizations, c.writes)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestMeasured(t *testing.T) {
	dir := t.TempDir()
	summary := `{"tenant":"a.example","rate":{"writes":{"burst":5,"refill_per_s":2.5}}}`
	if err := os.WriteFile(filepath.Join(dir, "summary.json"), []byte(summary), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := measured(dir, "a.example"); got.Writes.RefillPerS != 2.5 {
		t.Errorf("got %+v", got)
	}
	if got := measured(filepath.Join(dir, "results.csv"), "a.example"); got.Writes.RefillPerS != 2.5 {
		t.Errorf("beside a file: %+v", got)
	}
	if got := measured(dir, "b.example"); got != (reports.Rates{}) {
		t.Errorf("another tenant's: %+v", got)
	}
}
