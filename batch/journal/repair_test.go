package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A run that crashes again and again can be resumed each time, and each torn tail
// is kept.
func TestRepairedJournalCanBeContinued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(create(t, f).Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	for _, crash := range []struct{ torn, kept string }{
		{"torn", path + ".torn"},
		{"", ""},
		{"\x00\x00\x00", path + ".torn.2"},
		{`{"crc":"12345678","at":`, path + ".torn.3"},
	} {
		grow(t, path, crash.torn)
		kept := repairAndCommit(t, path)
		if kept != crash.kept {
			t.Errorf("tail %q kept in %q, want %q", crash.torn, kept, crash.kept)
		}
		if kept == "" {
			continue
		}
		if got, _ := os.ReadFile(kept); string(got) != crash.torn {
			t.Errorf("kept %q, want %q", got, crash.torn)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	entries := readAll(t, whole)
	if len(entries) != 5 {
		t.Fatalf("%d records, want 5", len(entries))
	}
	// What a later invocation wrote proves that the earlier records were synced.
	whole[entries[2].Offset+30] ^= 1
	if _, _, err := read(whole); err == nil {
		t.Error("damage before a later invocation was read as a torn tail")
	}
}

// repairAndCommit does what the next invocation does: it reads the journal, repairs
// it and goes on with one record. It returns where the torn tail is kept.
func repairAndCommit(t *testing.T, path string) (kept string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := NewReader(f)
	for _, err := range r.Entries() {
		if err != nil {
			t.Fatal(err)
		}
	}
	if kept, err = Repair(f, r.Tail()); err != nil {
		t.Fatal(err)
	}
	w := Continue(f, r.Tail().Offset)
	if err := errors.Join(w.Commit(t.Context(), outcomeOf(2)), w.Close()); err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestRepairRefusesAGrownJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	grow(t, path, "0123456789")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := Repair(f, Tail{Offset: 5, Length: 3}); err == nil {
		t.Error("no error")
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, []byte("0123456789")) {
		t.Errorf("left %q", got)
	}
}

func grow(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
