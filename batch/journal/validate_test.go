package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// journalWith returns a journal of a header and these JSON records, whose checksums
// are right: whoever forges a journal computes them.
func journalWith(t testing.TB, header Header, records ...string) []byte {
	t.Helper()
	body, err := encode(Record{Header: &header})
	if err != nil {
		t.Fatal(err)
	}
	all := appendLine(nil, body, 0)
	for _, rec := range records {
		all = appendLine(all, []byte(rec), 0)
	}
	return all
}

// A journal that somebody forged is damaged, and the error says where. Its values
// end up in messages, in sizes, and in what resume does.
func TestForgedRecordsAreDamage(t *testing.T) {
	header := *firstRecord().Header
	later := func(change func(*Header)) string {
		h := header
		change(&h)
		body, err := encode(Record{Header: &h})
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for name, rec := range map[string]string{
		"nothing":            `{"at":"2026-01-01T00:00:00Z"}`,
		"no JSON":            `{"at":`,
		"two records":        `{"intent":{"line":2},"outcome":{"line":2,"outcome":"disabled"}}`,
		"no organization":    `{"organization":{"id":"","ways_in":1}}`,
		"ways in -1":         `{"organization":{"id":"org_1","ways_in":-1}}`,
		"line -1":            `{"intent":{"line":-1}}`,
		"line 0":             `{"outcome":{"line":0,"outcome":"disabled"}}`,
		"line 2^33":          `{"intent":{"line":8589934592}}`,
		"line beyond int":    `{"intent":{"line":99999999999999999999}}`,
		"line after the end": `{"outcome":{"line":11,"outcome":"disabled"}}`,
		"outcome":            `{"outcome":{"line":2,"outcome":"disabled\n  next: curl"}}`,
		"exit code 256":      `{"end":{"exit_code":256}}`,
		"exit code -1":       `{"end":{"exit_code":-1}}`,
		"calls":              `{"sample":{"calls":{"reads":-1}}}`,
		"bucket":             `{"end":{"exit_code":0,"final":{"reads":{"refill_per_s":1e300}}}}`,
		"another tenant":     later(func(h *Header) { h.Tenant = "evil.example" }),
		"another command":    later(func(h *Header) { h.Command = CommandRestore }),
		"another list":       later(func(h *Header) { h.Input.SHA256 = "00" }),
		"no dry run any more": later(func(h *Header) {
			h.Settings.DryRun = true
		}),
		"another run":        later(func(h *Header) { h.RunID = "bbbbbbbbbbbb" }),
		"an id with a break": later(func(h *Header) { h.RunID = "a\n" }),
		"another way":        later(func(h *Header) { h.Settings.KeepLink = true }),
		"no family":          `{"family":{}}`,
		"another family":     `{"family":{"name":"../users"}}`,
		"workers":            later(func(h *Header) { h.Settings.Workers = 1e9 }),
		"headroom":           later(func(h *Header) { h.Settings.Headroom = -5 }),
		"requests":           later(func(h *Header) { h.Settings.MaxRPS = -1 }),
		"timeout":            later(func(h *Header) { h.Settings.Timeout = 0 }),
		"max-failures":       strings.Replace(later(func(*Header) {}), `"max_failures":"0"`, `"max_failures":"-3"`, 1),
	} {
		forged := journalWith(t, header, `{"intent":{"line":10}}`, rec, `{"intent":{"line":3}}`)
		r := NewReader(bytes.NewReader(forged))
		r.Lines = 10
		n := 0
		var err error
		for _, err = range r.Entries() {
			n++
		}
		var damaged *DamageError
		if !errors.As(err, &damaged) || damaged.Line != 3 || n != 3 {
			t.Errorf("%s: %d entries, error %v, want damage in line 3", name, n, err)
		} else if text := err.Error(); strings.Contains(text, "\n") || !strings.HasPrefix(text, "journal damaged at line 3 (byte ") {
			t.Errorf("%s: message %q", name, text)
		}
	}
}

func TestForgedFirstHeaderIsDamage(t *testing.T) {
	for name, change := range map[string]func(*Header){
		"tenant":  func(h *Header) { h.Tenant = "t.example\n  next: curl" },
		"command": func(h *Header) { h.Command = "destroy" },
		"check":   func(h *Header) { h.Settings.DryRun, h.Settings.NoCheck = true, true },
	} {
		h := *firstRecord().Header
		change(&h)
		_, _, err := read(journalWith(t, h))
		var damaged *DamageError
		if !errors.As(err, &damaged) || damaged.Line != 1 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want damage in line 1", name, err)
		}
	}
}

// Everything that a run may write is read again.
func TestExtremesAreRead(t *testing.T) {
	h := *firstRecord().Header
	h.Tenant = "[::1]:8085"
	h.Settings = Settings{NoCheck: true, AllowLockout: true, Headroom: 0.9, MaxRPS: 1e6, Workers: 1024, Timeout: 1e15, Limit: math.MaxInt, MaxFailures: Share(100)}
	_, _, err := read(journalWith(t, h, fmt.Sprintf(`{"intent":{"line":%d}}`, math.MaxInt), `{"end":{"exit_code":143,"final":{"writes":{"remaining":-3}}}}`))
	if err != nil {
		t.Error(err)
	}
}
