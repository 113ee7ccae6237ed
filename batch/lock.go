package batch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
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
	lock      *flock.Flock
	holder    *os.File // the locked file, to write in it who holds it; nil on Windows
	stopTouch context.CancelFunc
}

// FolderError says that the folder of the lock files cannot be used.
type FolderError struct {
	Folder string
	Err    error
}

func (e *FolderError) Error() string { return "lock the tenant: " + e.Err.Error() }

func (e *FolderError) Unwrap() error { return e.Err }

// LockFile returns the path of a tenant's lock file.
func LockFile(tenant string) string {
	name := regexp.MustCompile(`[^a-z0-9.-]`).ReplaceAllString(tenant, "_")
	return filepath.Join(lockFolder(), "orgconn-"+name+".lock")
}

// LockTenant takes the tenant's lock and waits for it for at most wait. If another
// process still holds it then, the error is a *LockedError; if there can be no lock
// file, a *FolderError.
func LockTenant(ctx context.Context, tenant string, wait time.Duration) (*Lock, error) {
	path := LockFile(tenant)
	if err := createLockFile(path); err != nil {
		return nil, err
	}
	// No O_CREAT: in a sticky folder such as /tmp the kernel may refuse it for
	// another user's file, even if the file's mode allows writing. No symbolic
	// links: anybody can create one there.
	lock := flock.New(path, flock.SetFlag(os.O_RDWR|noFollow))
	locked, err := tryLock(ctx, lock, wait)
	if err != nil {
		return nil, lockFileError(path, err)
	}
	if !locked {
		return nil, &LockedError{Tenant: tenant, Holder: readHolder(path)}
	}
	holder, err := openHolder(path, lock)
	now := time.Now()
	if err == nil {
		err = writeHolder(holder, now)
	}
	if err != nil {
		_ = holder.Close() // an error, which means nothing, if there is none
		return nil, errors.Join(fmt.Errorf("write the lock file %s: %w", path, err), lock.Close())
	}
	touching, stopTouch := context.WithCancel(context.Background())
	go touch(touching, holder, now)
	return &Lock{lock: lock, holder: holder, stopTouch: stopTouch}, nil
}

// CanLock returns why a run could not take the tenant's lock, whether or not another
// process holds it.
func CanLock(tenant string) error {
	path := LockFile(tenant)
	if err := createLockFile(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|noFollow, 0)
	if err != nil {
		return lockFileError(path, err)
	}
	return f.Close()
}

// createLockFile creates the file, if it does not exist, so that every user of the
// machine can lock it.
func createLockFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return lockFileError(path, err)
	}
	defer f.Close()
	return f.Chmod(0o666) // the umask may have removed permissions
}

// lockFileError tells a lock file that cannot be from one that is unusable.
func lockFileError(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EROFS) {
		return &FolderError{filepath.Dir(path), err}
	}
	return fmt.Errorf("lock the tenant: %w", err)
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

// writeHolder writes into the locked file which process holds the lock, and since
// when. There is no such file on Windows.
func writeHolder(f *os.File, since time.Time) error {
	if f == nil {
		return nil
	}
	text := fmt.Sprintf("process %d, since %s\n", os.Getpid(), since.UTC().Format(time.RFC3339))
	_, err := f.WriteAt([]byte(text), 0)
	return errors.Join(err, f.Truncate(int64(len(text))))
}

// touch writes the holder again every lockTouch until ctx ends, which sets the file's
// times.
func touch(ctx context.Context, holder *os.File, since time.Time) {
	ticker := time.NewTicker(lockTouch)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = writeHolder(holder, since)
		case <-ctx.Done():
			return
		}
	}
}

// Release releases the lock. It leaves the file in place: if it were removed, one
// process could lock the old file while another locks a new one of the same name.
func (l *Lock) Release() error {
	l.stopTouch()
	_ = l.holder.Close() // an error, which means nothing, if there is none
	return l.lock.Close()
}
