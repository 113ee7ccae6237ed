package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

// measured is what a former run measured of the tenant's limits, of which from is
// the run directory or a file in it; zero where it did not, or was in another
// tenant.
func measured(from, tenant string) reports.Rates {
	dir := from
	if info, err := os.Stat(from); err != nil || !info.IsDir() {
		dir = filepath.Dir(from)
	}
	s, err := readSummary(dir)
	if err != nil || s.Tenant != tenant {
		return reports.Rates{}
	}
	return s.Rate
}

// readSummary reads a run directory's summary.
func readSummary(dir string) (*reports.Summary, error) {
	text, err := os.ReadFile(filepath.Join(dir, rundir.SummaryFile))
	if err != nil {
		return nil, err
	}
	s := new(reports.Summary)
	return s, json.Unmarshal(text, s)
}

// about writes a time as exactly as an estimate is.
func about(d time.Duration) string {
	if d < 2*time.Minute {
		return "about " + d.Round(time.Second).String()
	}
	text := d.Round(time.Minute).String()
	return "about " + text[:len(text)-len("0s")]
}
