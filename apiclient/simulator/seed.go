package simulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Pair is an organization and a connection, each by its id, its name or both.
type Pair struct {
	OrganizationID, OrganizationName string
	ConnectionID, ConnectionName     string
}

// SpareConnection is the connection that SeedPairs enables in every
// organization.
const SpareConnection = "con_spareConnection1"

// SeedPairs enables every pair, with settings and strategies that vary from
// pair to pair. It also enables SpareConnection in each organization, so that
// nobody is locked out when all the pairs are disabled. An organization or
// connection without an id gets one that is derived from its name.
func (t *Tenant) SeedPairs(pairs []Pair) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pairs = t.withIDs(pairs)
	strategies := []string{databaseStrategy, "samlp", "okta", "waad"}
	for i, pair := range pairs {
		strategy := strategies[len(t.connections.list)%len(strategies)]
		connection := t.ensureConnection(pair.ConnectionID, pair.ConnectionName, strategy)
		t.ensureOrganization(pair.OrganizationID, pair.OrganizationName)
		t.enable(pair.OrganizationID, EnabledConnection{
			ConnectionID:            pair.ConnectionID,
			AssignMembershipOnLogin: i%2 == 0,
			IsSignupEnabled:         i%4 == 0 && connection.strategy == databaseStrategy,
			ShowAsButton:            i%3 != 0,
		})
	}
	for _, pair := range pairs {
		if t.organizations.byID[pair.OrganizationID].link(SpareConnection) == nil {
			t.enable(pair.OrganizationID, DefaultSettings(SpareConnection))
		}
	}
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
