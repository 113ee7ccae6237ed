package batch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/gofrs/flock"
)

const (
	lockRetry = 200 * time.Millisecond
	// lockTouch is short enough that programs that clean up old temporary files
	// leave the file of a held lock alone.
	lockTouch = time.Hour
)

// LockedError says that another process holds the tenant's lock.
type LockedError struct {
	Tenant string
	Holder string // that process, in words; or why it is not known
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("another run is working on %s: %s", e.Tenant, e.Holder)
}

// Lock is the lock of a tenant. On one machine only one process at a time can hold
// it. The kernel releases it when the process ends, however it ends.
type Lock struct {
	file      *flock.Flock
	stopTouch context.CancelFunc
}

// LockFile returns the path of a tenant's lock file.
func LockFile(tenant string) string {
	name := regexp.MustCompile(`[^a-z0-9.-]`).ReplaceAllString(tenant, "_")
	return filepath.Join(lockFolder(), "orgconn-"+name+".lock")
}

// LockTenant takes the tenant's lock and waits for it for at most wait. If another
// process still holds it then, the error is a *LockedError.
func LockTenant(ctx context.Context, tenant string, wait time.Duration) (*Lock, error) {
	path := LockFile(tenant)
	if err := createLockFile(path); err != nil {
		return nil, fmt.Errorf("create the lock file: %w", err)
	}
	// No O_CREAT: in a sticky folder such as /tmp the kernel may refuse it for
	// another user's file, even if the file's mode allows writing. No symbolic
	// links: anybody can create one there.
	file := flock.New(path, flock.SetFlag(os.O_RDWR|noFollow))
	locked, err := tryLock(ctx, file, wait)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !locked {
		return nil, &LockedError{Tenant: tenant, Holder: readHolder(path)}
	}
	if err := writeHolder(path); err != nil {
		return nil, errors.Join(fmt.Errorf("write the lock file: %w", err), file.Close())
	}
	touching, stopTouch := context.WithCancel(context.Background())
	go touch(touching, path)
	return &Lock{file: file, stopTouch: stopTouch}, nil
}

// createLockFile creates the file, if it does not exist, so that every user of the
// machine can lock it.
func createLockFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Chmod(0o666) // the umask may have removed permissions
}

// tryLock locks the file. It returns false if another process still holds the
// lock after wait.
func tryLock(ctx context.Context, file *flock.Flock, wait time.Duration) (locked bool, err error) {
	locked, err = file.TryLock()
	if locked || err != nil || wait <= 0 {
		return locked, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	locked, err = file.TryLockContext(ctx, lockRetry)
	if errors.Is(err, context.DeadlineExceeded) {
		return false, nil
	}
	return locked, err
}

// touch sets the file's times every lockTouch until ctx ends.
func touch(ctx context.Context, path string) {
	ticker := time.NewTicker(lockTouch)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			_ = os.Chtimes(path, now, now)
		case <-ctx.Done():
			return
		}
	}
}

// Release releases the lock. It leaves the file in place: if it were removed, one
// process could lock the old file while another locks a new one of the same name.
func (l *Lock) Release() error {
	l.stopTouch()
	return l.file.Close()
}
