// Package plans has the rate limits of Auth0's subscription plans, with the
// figures of Auth0's rate-limit configuration pages.
package plans

import (
	"slices"
	"time"
)

// Names of Auth0's groups of endpoints. The endpoints without a group draw on
// the global bucket alone.
const (
	OrganizationConnectionsWrite = "organization_connections_write"
	OrganizationConnectionsRead  = "organization_connections_read"
	OrganizationsRead            = "organizations_read"
	OrganizationByID             = "organization_by_id"
	OrganizationByName           = "organization_by_name"
	ConnectionsRead              = "connections_read"
)

// Limit is the size and the refill rate of a token bucket. The zero Limit is
// no bucket at all.
type Limit struct {
	Burst  int           // tokens that a full bucket holds; 0: no limit
	Refill int           // tokens that come back in each Per, at least 1
	Per    time.Duration // a second or a minute
}

// Rate is the refill rate in tokens per second. It makes no sense of the zero Limit.
func (l Limit) Rate() float64 { return float64(l.Refill) / l.Per.Seconds() }

// PerSecond is a bucket of burst tokens, refilled at refill tokens per second.
func PerSecond(burst, refill int) Limit { return Limit{burst, refill, time.Second} }

// PerMinute is a bucket of burst tokens, refilled at refill tokens per minute.
func PerMinute(burst, refill int) Limit { return Limit{burst, refill, time.Minute} }

// Plan is what a subscription allows. The zero Plan limits nothing.
type Plan struct {
	Name   string
	Global Limit            // for all requests together
	Groups map[string]Limit // by group; one that is absent has the global bucket only

	// GlobalExceptGroups keeps the requests of a group that has a bucket of
	// its own away from the global one. Auth0's docs word it both ways; the
	// plans of All take the stricter reading, in which both buckets count.
	GlobalExceptGroups bool
}

// ByName returns the plan of that name, of those of All.
func ByName(name string) (Plan, bool) {
	all := All()
	i := slices.IndexFunc(all, func(p Plan) bool { return p.Name == name })
	if i < 0 {
		return Plan{}, false
	}
	return all[i], true
}

// All returns the published plans, and one more. The self-service page has no
// global row; its row for all other endpoints stands in. "unlimited" is not
// Auth0's: a bucket so large that no client empties it, so that the rate-limit
// headers are there. The 30 of "private-1500" is Auth0's, and likely a slip for 300.
func All() []Plan {
	minute := PerMinute
	return []Plan{
		{Name: "free", Global: PerSecond(2, 2)},
		{Name: "self-service", Global: minute(10, 150), Groups: map[string]Limit{
			OrganizationConnectionsWrite: minute(5, 25),
			OrganizationConnectionsRead:  minute(5, 50),
			OrganizationsRead:            minute(5, 50),
			OrganizationByID:             minute(20, 200),
			OrganizationByName:           minute(10, 100),
			ConnectionsRead:              minute(5, 50),
		}},
		{Name: "enterprise", Global: PerSecond(50, 16),
			Groups: groups(minute(5, 150), minute(10, 100), minute(10, 100), minute(10, 100), minute(20, 200))},
		{Name: "enterprise-nonprod", Global: PerSecond(10, 2),
			Groups: groups(minute(5, 150), minute(10, 100), minute(10, 100), minute(10, 100), minute(20, 200))},
		{Name: "private-dev-20", Global: PerSecond(20, 20),
			Groups: groups(minute(5, 150), minute(10, 100), minute(10, 100), minute(40, 500), minute(20, 200))},
		{Name: "private-100", Global: PerSecond(50, 50),
			Groups: groups(minute(5, 150), Limit{}, minute(10, 100), minute(40, 500), minute(20, 200))},
		{Name: "private-500", Global: PerSecond(250, 250),
			Groups: groups(minute(25, 750), minute(50, 500), minute(50, 500), minute(50, 2500), minute(100, 1000))},
		{Name: "private-1500", Global: PerSecond(750, 750),
			Groups: groups(minute(75, 2250), minute(150, 1500), minute(150, 1500), minute(150, 7500), minute(30, 3000))},
		{Name: "private-3000", Global: PerSecond(1500, 1500),
			Groups: groups(minute(150, 4500), minute(300, 3000), minute(300, 3000), minute(300, 15000), minute(600, 6000))},
		{Name: "private-6000", Global: PerSecond(3000, 3000),
			Groups: groups(minute(300, 9000), minute(600, 6000), minute(600, 6000), minute(600, 30000), minute(1200, 12000))},
		{Name: "private-10000", Global: PerSecond(5000, 5000),
			Groups: groups(minute(600, 18000), minute(1200, 12000), minute(1000, 10000), minute(4000, 50000), minute(2000, 20000))},
		{Name: "unlimited", Global: PerSecond(1_000_000, 1_000_000)},
	}
}

// groups names the limits in the order of the columns of Auth0's tables.
func groups(writes, reads, lists, byID, byName Limit) map[string]Limit {
	return map[string]Limit{
		OrganizationConnectionsWrite: writes,
		OrganizationConnectionsRead:  reads,
		OrganizationsRead:            lists,
		OrganizationByID:             byID,
		OrganizationByName:           byName,
	}
}
