package batch

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// lockedTenant returns a tenant that only this test uses, and its lock, held.
func lockedTenant(t *testing.T) (string, *Lock) {
	t.Helper()
	tenant := strings.ToLower(t.TempDir()) // unique on this machine
	t.Cleanup(func() { _ = os.Remove(LockFile(tenant)) })
	lock, err := LockTenant(t.Context(), tenant, 0)
	if err != nil {
		t.Fatal(err)
	}
	return tenant, lock
}

// Two runs must never change one tenant at the same time.
func TestLockRefusesASecondRun(t *testing.T) {
	tenant, lock := lockedTenant(t)
	var locked *LockedError
	if _, err := LockTenant(t.Context(), tenant, 0); !errors.As(err, &locked) || locked.Tenant != tenant {
		t.Errorf("second run: %v, want a LockedError", err)
	}
	if _, err := LockTenant(t.Context(), tenant, time.Millisecond); !errors.As(err, &locked) {
		t.Errorf("second run that waits a millisecond: %v, want a LockedError", err)
	}
	if err := lock.Release(); err != nil {
		t.Error(err)
	}
	next, err := LockTenant(t.Context(), tenant, 0)
	if err != nil {
		t.Fatalf("run after the first: %v", err)
	}
	if err := next.Release(); err != nil {
		t.Error(err)
	}
}

func TestLockWaitsForTheRunBefore(t *testing.T) {
	tenant, lock := lockedTenant(t)
	time.AfterFunc(lockRetry/2, func() { _ = lock.Release() })
	next, err := LockTenant(t.Context(), tenant, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Release(); err != nil {
		t.Error(err)
	}
}

// Every user of the machine can write to a lock file.
func TestLockMessageRepeatsNoForeignText(t *testing.T) {
	tenant, lock := lockedTenant(t)
	defer func() { _ = lock.Release() }()
	if err := os.WriteFile(LockFile(tenant), []byte("\x1b[2Jprocess 1, since 2026\n"), 0o600); err != nil {
		t.Skip(err) // Windows: a locked file cannot be written
	}
	if _, err := LockTenant(t.Context(), tenant, 0); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("message %q", err)
	}
}
