package reports

import (
	"math"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
)

// Expected is how long a run takes that reads so many organizations and makes so
// many writes; 0 where nobody can tell. A dry run has measured reads only, so
// that the writes' limit is taken from Auth0's published plans.
func (r Rates) Expected(organizations, writes int) time.Duration {
	reads, write := r.Reads, r.Writes
	if write.RefillPerS == 0 {
		write = publishedWrites(reads)
	}
	if write.RefillPerS == 0 {
		return 0
	}
	return max(timeFor(organizations, reads), timeFor(writes, write))
}

// timeFor is how long so many calls take on a full bucket.
func timeFor(calls int, rate Rate) time.Duration {
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
func publishedWrites(reads Rate) Rate {
	for _, plan := range plans.All() {
		r, w := plan.Groups[plans.OrganizationConnectionsRead], plan.Groups[plans.OrganizationConnectionsWrite]
		if r.Burst == 0 || float64(r.Burst) != reads.Burst || math.Abs(reads.RefillPerS/r.Rate()-1) > alike {
			continue
		}
		return Rate{Burst: float64(w.Burst), RefillPerS: w.Rate()}
	}
	return Rate{}
}
