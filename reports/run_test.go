package reports

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/orgconn/orgconn/batch/journal"
)

var start = time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)

func runRecord() journal.Record {
	return journal.Record{At: start, Header: &journal.Header{
		Format:   journal.Format,
		RunID:    "k3v9q2m7x4ta",
		Command:  "disable",
		Tenant:   "acme.eu.auth0.com",
		Version:  "v1.2.3",
		Input:    journal.Input{Path: "pairs.csv"},
		Settings: journal.Settings{Headroom: 0.25, Workers: 128, MaxFailures: journal.Share(50), Timeout: journal.Duration(30 * time.Second)},
	}}
}

// after sets a record's time, in milliseconds after the start of the run.
func after(ms int, rec journal.Record) journal.Record {
	rec.At = start.Add(time.Duration(ms) * time.Millisecond)
	return rec
}

// journalOf returns a journal of these records.
func journalOf(t rapid.TB, records ...journal.Record) string {
	t.Helper()
	var f memory
	w, err := journal.Create(&f, records[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records[1:] {
		if err := w.Append(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.String()
}

// memory is a journal.File in memory.
type memory struct{ strings.Builder }

func (*memory) Sync() error { return nil }

// writeRun writes a run directory with an input and a journal.
func writeRun(t testing.TB, input string, first journal.Record, records ...journal.Record) (dir string) {
	t.Helper()
	dir = t.TempDir()
	all := append([]journal.Record{first}, records...)
	for _, rec := range all {
		if rec.Header != nil {
			rec.Header.Input.SHA256 = sumOf(input)
		}
	}
	writeFile(t, dir, "input.csv", input)
	writeFile(t, dir, "journal.jsonl", journalOf(t, all...))
	return dir
}

func sumOf(input string) string {
	sum := sha256.Sum256([]byte(input))
	return hex.EncodeToString(sum[:])
}

func writeFile(t rapid.TB, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
