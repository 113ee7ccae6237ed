package simulator

import (
	"slices"
	"testing"
)

func TestSeedAndRemove(t *testing.T) {
	tenant := sample(Config{})
	tenant.SeedPairs([]Pair{
		{OrganizationID: org1, ConnectionID: con1}, {OrganizationID: org1, ConnectionID: con2},
		{OrganizationID: org2, ConnectionID: con2}, {OrganizationID: "org_New", ConnectionID: "con_New"},
	})
	if got, want := tenant.Organizations(), []string{org1, org2, "org_New"}; !slices.Equal(got, want) {
		t.Errorf("organizations %v, want %v", got, want)
	}
	for _, org := range tenant.Organizations() {
		if got := tenant.Enabled(org); got[len(got)-1].ConnectionID != SpareConnection {
			t.Errorf("%s has no spare connection: %v", org, got)
		}
	}
	got := tenant.Enabled(org1)
	got[0].AccessLevel = "full"
	if tenant.Enabled(org1)[0].AccessLevel != "" {
		t.Error("Enabled did not return a copy")
	}
	tenant.Disable(org1, con1)
	tenant.RemoveConnection(con2)
	if got := tenant.Enabled(org1); len(got) != 1 || got[0].ConnectionID != SpareConnection {
		t.Errorf("after the removals: %v", got)
	}
	tenant.RemoveOrganization(org2)
	tenant.AddOrganization(org1, "renamed")
	inMemory(t, tenant).steps([]step{
		{"GET", "/api/v2/organizations/" + org2, "", 404, "No organization"},
		{"GET", "/api/v2/organizations/name/first", "", 404, "No organization"},
		{"GET", "/api/v2/organizations/name/renamed", "", 200, org1},
		{"GET", "/api/v2/organizations/name/org-new", "", 200, "org_New"},
		{"GET", links, "", 200, "[]"},
	})
}
