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
	// lockTouch keeps cleaners of the folder away from a lock that is held.
	lockTouch = time.Hour
)

// LockedError says that another process works on the tenant.
type LockedError struct {
	Tenant string
	Holder string // what the holder wrote about itself; may be empty
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("another run works on %s: %s", e.Tenant, e.Holder)
}

// Lock is a tenant's lock, held by one process of this machine at a time. The
// kernel frees it when the process ends, however it ends.
type Lock struct {
	file *flock.Flock
	end  context.CancelFunc
}

// LockFile is where a tenant's lock is.
func LockFile(tenant string) string {
	return filepath.Join(lockFolder(), "orgconn-"+regexp.MustCompile(`[^a-z0-9.-]`).ReplaceAllString(tenant, "_")+".lock")
}

// LockTenant takes the tenant's lock, waiting for at most wait. A
// *LockedError says that somebody else has it.
func LockTenant(ctx context.Context, tenant string, wait time.Duration) (*Lock, error) {
	path := LockFile(tenant)
	if err := createLockFile(path); err != nil {
		return nil, fmt.Errorf("create the lock file: %w", err)
	}
	// Without O_CREAT: in a sticky folder the kernel may refuse to open
	// another user's file with it, even where its mode allows writing.
	// Without following links, which anybody may have put there.
	file := flock.New(path, flock.SetFlag(os.O_RDWR|noFollow))
	ok, err := file.TryLock()
	if err == nil && !ok && wait > 0 {
		waiting, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		ok, err = file.TryLockContext(waiting, lockRetry)
		if errors.Is(err, context.DeadlineExceeded) {
			err = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return nil, &LockedError{Tenant: tenant, Holder: holder(path)}
	}
	return hold(file)
}

// createLockFile makes the file for every user of the machine.
func createLockFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Chmod(0o666) // whatever the umask says
}

// hold writes who holds the lock, and keeps its file young.
func hold(file *flock.Flock) (*Lock, error) {
	if err := sign(file.Path()); err != nil {
		return nil, errors.Join(fmt.Errorf("write the lock file: %w", err), file.Close())
	}
	ctx, end := context.WithCancel(context.Background())
	go func() {
		ticker := time.NewTicker(lockTouch)
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				_ = os.Chtimes(file.Path(), now, now)
			case <-ctx.Done():
				return
			}
		}
	}()
	return &Lock{file: file, end: end}, nil
}

// Release frees the lock. The file stays, since removing it would let two
// processes hold two files of one name.
func (l *Lock) Release() error {
	l.end()
	return l.file.Close()
}
