package simulator

// Pair is an organization and a connection, by their ids.
type Pair struct {
	OrganizationID string
	ConnectionID   string
}

// SpareConnection is the connection that SeedPairs enables everywhere.
const SpareConnection = "con_spareConnection1"

// SeedPairs fills the tenant so that every pair is enabled, with settings and
// strategies that vary from pair to pair, and so that each organization has
// SpareConnection too: nobody is locked out when all the pairs are disabled.
func (t *Tenant) SeedPairs(pairs []Pair) {
	t.mu.Lock()
	defer t.mu.Unlock()
	strategies := []string{databaseStrategy, "samlp", "okta", "waad"}
	for i, pair := range pairs {
		strategy := t.ensureConnection(pair.ConnectionID, strategies[len(t.connections.list)%len(strategies)])
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
