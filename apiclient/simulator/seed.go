package simulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Pair is an organization and a connection, by their ids, their names or both.
type Pair struct {
	OrganizationID, OrganizationName string
	ConnectionID, ConnectionName     string
}

// SpareConnection is the connection that SeedPairs enables everywhere.
const SpareConnection = "con_spareConnection1"

// SeedPairs fills the tenant so that every pair is enabled, with settings and
// strategies that vary from pair to pair, and so that each organization has
// SpareConnection too: nobody is locked out when all the pairs are disabled.
// What is given by its name alone gets an id that follows from the name.
func (t *Tenant) SeedPairs(pairs []Pair) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pairs = t.identify(pairs)
	strategies := []string{databaseStrategy, "samlp", "okta", "waad"}
	for i, pair := range pairs {
		strategy := t.ensureConnection(pair.ConnectionID, pair.ConnectionName, strategies[len(t.connections.list)%len(strategies)])
		t.ensureOrganization(pair.OrganizationID, pair.OrganizationName)
		t.enable(pair.OrganizationID, EnabledConnection{
			ConnectionID:            pair.ConnectionID,
			AssignMembershipOnLogin: i%2 == 0,
			IsSignupEnabled:         i%4 == 0 && strategy == databaseStrategy,
			ShowAsButton:            i%3 != 0,
		})
	}
	for _, pair := range pairs {
		if t.organizations.byID[pair.OrganizationID].link(SpareConnection) == nil {
			t.enable(pair.OrganizationID, DefaultSettings(SpareConnection))
		}
	}
}

// identify returns the pairs with all their ids. A name that some pair has an id
// for is that one's.
func (t *Tenant) identify(pairs []Pair) []Pair {
	organizations, connections := map[string]string{}, map[string]string{}
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

// idFor makes up the id of what has a name.
func idFor(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + hex.EncodeToString(sum[:8])
}
