package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/orgconn/orgconn/apiclient/simulator"
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
	text, err := os.ReadFile(filepath.Join(dir, reports.SummaryFile))
	if err != nil {
		return nil, err
	}
	s := new(reports.Summary)
	return s, json.Unmarshal(text, s)
}

// expected is how long a run takes that reads so many organizations and makes so
// many writes; 0 where nobody can tell. A dry run has measured reads only, so
// that the writes' limit is taken from Auth0's published plans.
func expected(rates reports.Rates, organizations, writes int) time.Duration {
	reads, write := rates.Reads, rates.Writes
	if write.RefillPerS == 0 {
		write = publishedWrites(reads)
	}
	if write.RefillPerS == 0 {
		return 0
	}
	return max(timeFor(organizations, reads), timeFor(writes, write))
}

// timeFor is how long so many calls take on a full bucket.
func timeFor(calls int, rate reports.Rate) time.Duration {
	if rate.RefillPerS == 0 {
		return 0
	}
	seconds := (float64(calls) - rate.Burst) / rate.RefillPerS
	return time.Duration(max(1, math.Ceil(seconds)) * float64(time.Second))
}

// alike is how far a measured refill rate may be from the published one.
const alike = 0.1

// publishedWrites is the limit on writes of the plan that has this limit on
// reads; zero where no plan has it.
func publishedWrites(reads reports.Rate) reports.Rate {
	for _, plan := range simulator.Plans() {
		r, w := plan.Groups[simulator.OrganizationConnectionsRead], plan.Groups[simulator.OrganizationConnectionsWrite]
		if r.Burst == 0 || float64(r.Burst) != reads.Burst || math.Abs(reads.RefillPerS/perSecond(r)-1) > alike {
			continue
		}
		return reports.Rate{Burst: float64(w.Burst), RefillPerS: perSecond(w)}
	}
	return reports.Rate{}
}

func perSecond(l simulator.Limit) float64 { return float64(l.Refill) / l.Per.Seconds() }

// about writes a time as exactly as an estimate is.
func about(d time.Duration) string {
	if d < 2*time.Minute {
		return "about " + d.Round(time.Second).String()
	}
	text := d.Round(time.Minute).String()
	return "about " + text[:len(text)-len("0s")]
}
