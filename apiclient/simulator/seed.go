package simulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Pair is an organization and a connection, each by its id, its name or both.
type Pair struct {
	OrganizationID, OrganizationName string
	ConnectionID, ConnectionName     string
	// Link has the settings; its ConnectionID does not matter. Nil: they are invented.
	Link *EnabledConnection
	// Database says that the connection is a database. It counts with Link only.
	Database bool
}

// SpareConnection is the connection that SeedPairs enables in every
// organization.
const SpareConnection = "con_spareConnection1"

// SeedPairs is Seed with SpareConnection in each organization, so that nobody is locked
// out when all the pairs are disabled.
func (t *Tenant) SeedPairs(pairs []Pair) {
	t.Seed(pairs)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, pair := range t.withIDs(pairs) {
		if t.organizations.byID[pair.OrganizationID].link(SpareConnection) == nil {
			t.enable(pair.OrganizationID, DefaultSettings(SpareConnection))
		}
	}
}

// Seed enables every pair. Settings and strategies that are not given vary from pair to
// pair. An organization or connection without an id gets one that is derived from its
// name.
func (t *Tenant) Seed(pairs []Pair) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, pair := range t.withIDs(pairs) {
		connection := t.ensureConnection(pair.ConnectionID, pair.ConnectionName, t.strategy(pair))
		t.ensureOrganization(pair.OrganizationID, pair.OrganizationName)
		link := inventLink(i, connection.strategy)
		if pair.Link != nil {
			link = *pair.Link
		}
		link.ConnectionID = pair.ConnectionID
		t.enable(pair.OrganizationID, link)
	}
}

// strategy is that of a pair's connection if the tenant does not have it yet.
func (t *Tenant) strategy(pair Pair) string {
	strategies := []string{databaseStrategy, "samlp", "okta", "waad"}
	switch {
	case pair.Database:
		return databaseStrategy
	case pair.Link != nil:
		return strategies[1]
	}
	return strategies[len(t.connections.list)%len(strategies)]
}

// inventLink returns settings that vary from pair to pair.
func inventLink(i int, strategy string) EnabledConnection {
	link := EnabledConnection{
		AssignMembershipOnLogin: i%2 == 0,
		IsSignupEnabled:         i%4 == 0 && strategy == databaseStrategy,
		ShowAsButton:            i%3 != 0,
	}
	if i%5 == 4 {
		link.AccessLevel = "limited"
	}
	if i%7 == 6 {
		link.Alias = fmt.Sprint("name-", i)
	}
	return link
}

// withIDs returns the pairs with all their ids. The id for a name is the
// tenant's or, if the tenant has none, the one that another pair gives with it.
func (t *Tenant) withIDs(pairs []Pair) []Pair {
	organizations, connections := map[string]string{}, map[string]string{} // ids by name
	for _, pair := range pairs {
		if pair.OrganizationID != "" {
			organizations[pair.OrganizationName] = pair.OrganizationID
		}
		if pair.ConnectionID != "" {
			connections[pair.ConnectionName] = pair.ConnectionID
		}
	}
	pairs = slices.Clone(pairs)
	for i := range pairs {
		pair := &pairs[i]
		if o := t.organizations.byName[pair.OrganizationName]; o != nil && pair.OrganizationID == "" {
			pair.OrganizationID = o.id
		}
		if c := t.connections.byName[pair.ConnectionName]; c != nil && pair.ConnectionID == "" {
			pair.ConnectionID = c.id
		}
		pair.OrganizationID = cmp.Or(pair.OrganizationID, organizations[pair.OrganizationName], idFor("org_", pair.OrganizationName))
		pair.ConnectionID = cmp.Or(pair.ConnectionID, connections[pair.ConnectionName], idFor("con_", pair.ConnectionName))
	}
	return pairs
}

// idFor derives an id from a name.
func idFor(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + hex.EncodeToString(sum[:8])
}
