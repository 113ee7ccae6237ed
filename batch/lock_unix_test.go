//go:build unix

package batch

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Two users whose TMPDIR differ, and whose umask is strict, share the lock.
func TestLockIsForAllUsersOfTheMachine(t *testing.T) {
	umask := syscall.Umask(0o077)
	defer syscall.Umask(umask)
	t.Setenv("TMPDIR", t.TempDir())
	tenant, lock := lockedTenant(t)
	defer func() { _ = lock.Release() }()
	info, err := os.Stat(LockFile(tenant))
	if err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("lock file: %v, %v, want mode 0666", info.Mode(), err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	var locked *LockedError
	if _, err := LockTenant(t.Context(), tenant, 0); !errors.As(err, &locked) {
		t.Errorf("second run with another TMPDIR: %v, want a LockedError", err)
	}
}

// Every user can put something else at the path of a lock file that does not exist
// yet. Nothing else is written to.
func TestLockWritesToNoOtherFile(t *testing.T) {
	dir := t.TempDir()
	for name, plant := range map[string]func(victim, path string) error{
		"symbolic link": os.Symlink,
		"hard link":     os.Link,
		"pipe":          func(_, path string) error { return syscall.Mkfifo(path, 0o666) },
		"folder":        func(_, path string) error { return os.Mkdir(path, 0o777) },
	} {
		victim := filepath.Join("/tmp", filepath.Base(dir)+"-victim") // on the same file system
		if err := os.WriteFile(victim, []byte("mine"), 0o666); err != nil {
			t.Fatal(err)
		}
		tenant := strings.ToLower(t.TempDir())
		path := LockFile(tenant)
		t.Cleanup(func() { _, _ = os.Remove(victim), os.Remove(path) })
		if err := plant(victim, path); err != nil {
			t.Fatal(err)
		}
		if lock, err := LockTenant(t.Context(), tenant, 0); err == nil {
			t.Errorf("%s: no error", name)
			_ = lock.Release()
		}
		if text, err := os.ReadFile(victim); string(text) != "mine" {
			t.Errorf("%s: the other file became %q, %v", name, text, err)
		}
	}
}

// Programs that clean up old temporary files look at the times of a lock file, and
// messages name the start of the run.
func TestLockFileIsTouched(t *testing.T) {
	tenant, lock := lockedTenant(t)
	defer func() { _ = lock.Release() }()
	path, since := LockFile(tenant), time.Unix(1800000000, 0)
	if err := os.Chtimes(path, since, since); err != nil {
		t.Fatal(err)
	}
	if err := writeHolder(lock.holder, since); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || time.Since(info.ModTime()) > time.Minute {
		t.Errorf("modified %v, %v", info.ModTime(), err)
	}
	if text := readHolder(path); !strings.HasSuffix(text, ", since 2027-01-15T08:00:00Z") {
		t.Errorf("the holder is %q", text)
	}
}

// A lock that cannot be taken, as the disk is full, say, leaves no file open. The limit
// that makes the disk full holds for a whole process, so the test has one of its own: the
// log of the tests could not be written either.
func TestLockThatFailsLeavesNoFileOpen(t *testing.T) {
	const child = "TEST_LOCK_THAT_FAILS"
	if os.Getenv(child) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestLockThatFailsLeavesNoFileOpen$")
		cmd.Env = append(os.Environ(), child+"=yes")
		if output, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, output)
		}
		return
	}
	tenant, lock := lockedTenant(t)
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	before := nextDescriptor(t)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	full := limit
	full.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	_, err := LockTenant(t.Context(), tenant, 0)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err == nil {
		t.Error("the lock was taken, and nobody can see by whom")
	}
	if after := nextDescriptor(t); after != before {
		t.Errorf("the next file gets descriptor %d, before it was %d", after, before)
	}
}

// nextDescriptor is the descriptor that the next file gets.
func nextDescriptor(t *testing.T) uintptr {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return f.Fd()
}

// The hint for a machine without a writable /tmp needs to know that this is the cause.
func TestLockWithoutItsFolder(t *testing.T) {
	var folder *FolderError
	if err := createLockFile(filepath.Join(t.TempDir(), "missing", "orgconn.lock")); !errors.As(err, &folder) || !strings.HasSuffix(folder.Folder, "missing") {
		t.Errorf("%v, want a FolderError", err)
	}
}
