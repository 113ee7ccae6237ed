// Package plans contains the rate limits of Auth0's subscription plans, as
// published on Auth0's rate-limit configuration pages.
package plans

import (
	"slices"
	"time"
)

// The names of Auth0's groups of endpoints. Endpoints without a group use the
// global token bucket only.
const (
	OrganizationConnectionsWrite = "organization_connections_write"
	OrganizationConnectionsRead  = "organization_connections_read"
	OrganizationsRead            = "organizations_read"
	OrganizationByID             = "organization_by_id"
	OrganizationByName           = "organization_by_name"
	ConnectionsRead              = "connections_read"
	LogsRead                     = "logs_read"
)

// Limit is the size and the refill rate of a token bucket. The zero Limit means
// that there is no bucket.
type Limit struct {
	Burst  int           // tokens in a full bucket; 0: no limit
	Refill int           // tokens added per Per, at least 1
	Per    time.Duration // a second or a minute
}

// Rate returns the refill rate in tokens per second. The zero Limit has none.
func (l Limit) Rate() float64 { return float64(l.Refill) / l.Per.Seconds() }

// PerSecond returns a bucket of burst tokens that gains refill tokens per second.
func PerSecond(burst, refill int) Limit { return Limit{burst, refill, time.Second} }

// PerMinute returns a bucket of burst tokens that gains refill tokens per minute.
func PerMinute(burst, refill int) Limit { return Limit{burst, refill, time.Minute} }

// Plan is the set of limits of a subscription. The zero Plan limits nothing.
type Plan struct {
	Name   string
	Global Limit            // for all requests together
	Groups map[string]Limit // by name; an absent group has the global bucket only

	// GlobalExceptGroups exempts a group with a bucket of its own from the
	// global bucket. Auth0's documentation describes it both ways. The plans of
	// All are the stricter ones: both buckets count.
	GlobalExceptGroups bool
}

// ByName returns the plan of All with that name.
func ByName(name string) (Plan, bool) {
	all := All()
	i := slices.IndexFunc(all, func(p Plan) bool { return p.Name == name })
	if i < 0 {
		return Plan{}, false
	}
	return all[i], true
}

// All returns the published plans and "unlimited", which is not one of Auth0's. Its
// bucket is so large that no client empties it, but it has rate-limit headers. The
// self-service page has no global limit, so its limit for all other endpoints is
// used. The 30 of "private-1500" is as Auth0 published it, and probably means 300.
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
			LogsRead:                     minute(10, 100),
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

// groups takes the limits in the order of the columns of Auth0's tables.
func groups(writes, reads, lists, byID, byName Limit) map[string]Limit {
	return map[string]Limit{
		OrganizationConnectionsWrite: writes,
		OrganizationConnectionsRead:  reads,
		OrganizationsRead:            lists,
		OrganizationByID:             byID,
		OrganizationByName:           byName,
	}
}
