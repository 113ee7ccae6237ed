//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orgconn/orgconn/batch/journal"
)

// On a file system that cannot sync folders, such as CIFS, a run works as ever. Any
// other failure is one: then nothing is sent, and no run directory is left.
func TestFoldersThatCannotBeSynced(t *testing.T) {
	tenant, dir := slowTenant(t, 0)
	unlimit(tenant)
	run := filepath.Join(dir, "run")
	fail := func(path, with string, args ...string) int {
		strace := []string{"strace", "-f", "-qq", "-o", os.DevNull, "-P", path, "-e", "trace=fsync", "-e", "inject=fsync:error=" + with}
		return under(t, tenant, dir, strace, args...).end()
	}
	for failure, want := range map[string]int{"EINVAL": journal.ExitOK, "EOPNOTSUPP": journal.ExitOK, "EIO": journal.ExitRefused} {
		if code := fail(dir, failure, "disable", "--dry-run", "--limit", "3", "--out", "run", "pairs.csv"); code != want {
			t.Errorf("%s: exit %d, want %d", failure, code, want)
		}
		if _, err := os.Stat(run); (err == nil) != (want == journal.ExitOK) {
			t.Errorf("%s: the run directory: %v", failure, err)
		}
		if err := os.RemoveAll(run); err != nil {
			t.Fatal(err)
		}
	}
	if hidden, _ := filepath.Glob(filepath.Join(dir, ".orgconn-*")); len(hidden) > 0 {
		t.Errorf("left behind: %q", hidden)
	}
	if code := start(t, tenant, dir, "disable", "--yes", "--limit", "3", "--out", "run", "pairs.csv").end(); code != journal.ExitOK {
		t.Fatalf("exit %d", code)
	}
	writes := tenant.Count("DELETE", apiPath)
	code := fail(filepath.Join(run, "journal.jsonl"), "EINVAL", "resume", "--yes", "run")
	if code != journal.ExitRefused || tenant.Count("DELETE", apiPath) != writes {
		t.Errorf("a journal that cannot be synced: exit %d, want %d", code, journal.ExitRefused)
	}
}

// Before a run begins, its list, its journal and their names are on disk; before a
// resumed one goes on, what it keeps and what it repaired. Else neither resume nor
// restore would work after a power loss.
func TestRunDirectoryIsOnDisk(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 0)
	unlimit(tenant)
	trace := filepath.Join(dir, "trace")
	synced := func(args ...string) string {
		t.Helper()
		p := under(t, tenant, dir, []string{"strace", "-f", "-qq", "-y", "-o", trace, "-e", "trace=fsync", "-e", "signal=none"}, args...)
		if code := p.end(); code != journal.ExitOK {
			t.Fatalf("exit %d\n%s", code, &p.output)
		}
		text, err := os.ReadFile(trace)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	calls := synced("disable", "--yes", "--limit", "3", "--out", "run", "pairs.csv")
	for _, want := range []string{"/input.csv>)", "/journal.jsonl>)", "/.orgconn-", "<" + dir + ">)"} {
		if !strings.Contains(calls, want) {
			t.Errorf("not synced: %s\n%s", want, calls)
		}
	}
	if at := strings.Index(calls, "<"+dir+">)"); at > 0 && strings.Count(calls[:at], "\n") != 3 {
		t.Errorf("the run directory has its name before its content is on disk:\n%s", calls)
	}
	f, err := os.OpenFile(filepath.Join(dir, "run", "journal.jsonl"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("torn"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	calls = synced("resume", "--yes", "run")
	for i, want := range []string{"/journal.jsonl.torn>)", "/run>)", "/journal.jsonl>)"} {
		if lines := strings.Split(calls, "\n"); len(lines) <= i || !strings.Contains(lines[i], want) {
			t.Errorf("sync %d is not of %s\n%s", i+1, want, calls)
		}
	}
}

// Where /tmp cannot be used there can be no lock: a run says what to do, and the dry
// run before it warns.
func TestTemporaryFolderIsReadOnly(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 0)
	unlimit(tenant)
	readOnly := []string{"unshare", "-rm", "sh", "-c",
		`mount --bind /tmp /tmp && mount --bind "$0" "$0" && mount -o remount,bind,ro /tmp && cd "$0" && exec "$@"`, dir}
	const hint = "/tmp must exist and be writable"
	for name, c := range map[string]struct {
		flag string
		want int
	}{
		"run":     {"--yes", journal.ExitRefused},
		"dry run": {"--dry-run", journal.ExitOK},
	} {
		p := under(t, tenant, dir, readOnly, "disable", c.flag, "pairs.csv")
		if code := p.end(); code != c.want || !strings.Contains(p.output.String(), hint) {
			t.Errorf("%s: exit %d, want %d and %q\n%s", name, code, c.want, hint, &p.output)
		}
	}
	if n := tenant.Count("DELETE", apiPath); n > 0 {
		t.Errorf("%d calls to disable", n)
	}
}
