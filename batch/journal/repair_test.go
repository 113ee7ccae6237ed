package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestRepairThenAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := create(t, f)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for sitting, torn := range []string{"torn", "", "\x00\x00\x00", `{"crc":"12345678","at":`} {
		grow(t, path, torn)
		f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(f)
		for _, err := range r.Entries() {
			if err != nil {
				t.Fatal(err)
			}
		}
		if r.Tail().Length != int64(len(torn)) {
			t.Errorf("tail %+v, want %d bytes", r.Tail(), len(torn))
		}
		kept, err := Repair(path, r.Tail())
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{path + ".torn", "", path + ".torn.2", path + ".torn.3"}[sitting]; kept != want {
			t.Errorf("kept in %q, want %q", kept, want)
		}
		if kept != "" {
			if got, _ := os.ReadFile(kept); string(got) != torn {
				t.Errorf("kept %q, want %q", got, torn)
			}
		}
		w := Append(f, r.Tail().Offset)
		if err := w.Commit(t.Context(), outcomeOf(sitting)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	entries := readAll(t, whole)
	if len(entries) != 5 {
		t.Fatalf("%d records, want 5", len(entries))
	}
	// The mark of a later sitting guards what earlier ones wrote.
	whole[entries[2].Offset+30] ^= 1
	if _, _, err := read(whole); err == nil {
		t.Error("damage before a later sitting was taken for a tail")
	}
}

func TestRepairRefusesAGrownJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	grow(t, path, "0123456789")
	if _, err := Repair(path, Tail{Offset: 5, Length: 3}); err == nil {
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
