package journal

import (
	"encoding/json"
	"regexp"
	"testing"
)

func TestLabelsAreReadAsWritten(t *testing.T) {
	for _, text := range []string{"disable", "disable --dry-run", "disable --keep-link", "disable --keep-link --dry-run", "restore", "other", "", "disable --dry-run --keep-link", "restore enable --dry-run", "restore --keep-link --dry-run"} {
		if got := ParseLabel(text).String(); got != text {
			t.Errorf("label %q is read as %q", text, got)
		}
	}
	if got, want := ParseLabel("disable --keep-link --dry-run"), (Label{Command: "disable", KeepLink: true, DryRun: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// Auth0 takes ids of at most 64 characters. A row whose ids were edited, or that was
// moved to another line or run, must not have the same one.
func TestCorrelationIDs(t *testing.T) {
	run := NewRunID()
	id := CorrelationID(run, 1_000_000, "org_1", "con_1")
	if !regexp.MustCompile(`^[a-z0-9]{12}-1000000-[0-9a-f]{6}$`).MatchString(id) || len(id) > 64 {
		t.Errorf("id %q", id)
	}
	for _, other := range []string{
		CorrelationID(run, 1, "org_1", "con_1"), CorrelationID(run, 1_000_000, "org_2", "con_1"), CorrelationID(run, 1_000_000, "org_1", "con_2"),
		CorrelationID(NewRunID(), 1_000_000, "org_1", "con_1"),
	} {
		if other == id {
			t.Errorf("two rows have the id %s", id)
		}
	}
	if id := CorrelationID("", 2, "org_1", "con_1"); id != "" {
		t.Errorf("a run without an id sends %q", id)
	}
}

// Settings that this program does not know stay in the journal as they were.
func TestUnknownSettingsAreKept(t *testing.T) {
	body, err := encode(Record{Intent: &Intent{Line: 2, Snapshot: &Snapshot{Unknown: map[string]json.RawMessage{"level": json.RawMessage(`{"a":1}`)}}}})
	if err != nil {
		t.Fatal(err)
	}
	var rec Record
	if err := json.Unmarshal(body, &rec); err != nil || string(rec.Intent.Snapshot.Unknown["level"]) != `{"a":1}` {
		t.Errorf("%s: %v, got %+v", body, err, rec.Intent)
	}
}
