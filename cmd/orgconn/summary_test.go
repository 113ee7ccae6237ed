package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/orgconn/orgconn/reports"
)

func TestMeasured(t *testing.T) {
	dir := t.TempDir()
	summary := `{"tenant":"a.example","rate":{"writes":{"burst":5,"refill_per_s":2.5}}}`
	if err := os.WriteFile(filepath.Join(dir, "summary.json"), []byte(summary), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := formerSummary(dir, "a.example"); got.Rate.Writes.RefillPerS != 2.5 {
		t.Errorf("got %+v", got)
	}
	if got := formerSummary(filepath.Join(dir, "results.csv"), "a.example"); got.Rate.Writes.RefillPerS != 2.5 {
		t.Errorf("beside a file: %+v", got)
	}
	if got := formerSummary(dir, "b.example"); got.Rate != (reports.Rates{}) {
		t.Errorf("another tenant's: %+v", got)
	}
}

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		17 * time.Second: "about 17s", 119 * time.Second: "about 1m59s", 200 * time.Second: "about 3m", 10 * time.Hour: "about 10h0m",
	} {
		if got := about(d); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
