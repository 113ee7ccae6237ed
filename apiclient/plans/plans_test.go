package plans

import "testing"

func TestPlansAreFoundByName(t *testing.T) {
	for _, name := range []string{"free", "self-service", "enterprise", "enterprise-nonprod", "private-100", "private-10000", "unlimited"} {
		if p, ok := ByName(name); !ok || p.Name != name || p.Global.Burst == 0 {
			t.Errorf("plan %q: %+v, %v", name, p, ok)
		}
	}
	enterprise, _ := ByName("enterprise")
	if got := enterprise.Groups[OrganizationConnectionsWrite]; got != PerMinute(5, 150) {
		t.Errorf("enterprise writes: %+v", got)
	}
	if _, ok := ByName("gold"); ok {
		t.Error("a plan that does not exist was found")
	}
}
