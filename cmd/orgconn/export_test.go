package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

// After a signal, an export to standard output ends with a whole line, and an export
// to a file leaves none.
func TestExportInterrupted(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 100*time.Millisecond)
	folder := func() int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := folder()
	for _, args := range [][]string{{"export"}, {"export", "--out", "export.csv"}} {
		seen := tenant.Count("GET", apiPath)
		p := start(t, tenant, dir, args...)
		waitUntil(t, func() bool { return tenant.Count("GET", apiPath) >= seen+6 })
		_ = p.Process.Signal(syscall.SIGINT)
		if code := p.end(); code != journal.ExitInterrupted {
			t.Errorf("%v: exit %d\n%s", args, code, &p.output)
		}
		lines, text, _ := strings.Cut(p.output.String(), "orgconn: interrupted; ")
		if len(args) == 1 && (!strings.HasPrefix(text, "what was written is incomplete\n") || !wholeLines(lines)) {
			t.Errorf("output\n%s", &p.output)
		}
		if len(args) > 1 && !strings.HasPrefix(text, "export.csv was not written\n") {
			t.Errorf("output\n%s", &p.output)
		}
	}
	if after := folder(); after != before {
		t.Errorf("%d entries in the folder, %d before", after, before)
	}
}

// wholeLines reports whether text is the beginning of an export and ends with a whole
// line.
func wholeLines(text string) bool {
	lines := strings.Split(text, "\n")
	for _, line := range lines[:len(lines)-1] {
		if strings.Count(line, ",") != 6 {
			return false
		}
	}
	return len(lines) > 2 && lines[len(lines)-1] == ""
}
