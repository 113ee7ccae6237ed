package rundir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

const (
	reportsWait  = time.Minute // for a process that makes the reports
	reportsRetry = 20 * time.Millisecond
)

// BusyError says that another process has a lock of a run directory.
type BusyError struct {
	Path string
	Does string // what it does there: "still writes"
}

func (e *BusyError) Error() string { return "another process " + e.Does + " " + e.Path }

// Lock takes the lock of a run directory's journal without opening the journal.
// Nobody appends to it until the lock is closed. A *BusyError says that another
// process has the lock.
func Lock(path string) (io.Closer, error) {
	lock, err := lockNow(filepath.Join(path, JournalFile))
	if err != nil {
		return nil, fmt.Errorf("lock the journal: %w", err)
	}
	if lock == nil {
		return nil, &BusyError{path, "still writes"}
	}
	return lock, nil
}

// LockReports takes the lock that a process has while it makes the reports of a run
// directory, from its first look at the journal. So the reports that stand are always
// those that know the most. It waits for the lock for at most a minute; then the
// error is a *BusyError. The lock is that of the list, which nobody writes.
func LockReports(ctx context.Context, path string) (io.Closer, error) {
	expired := time.After(reportsWait)
	for {
		lock, err := lockNow(filepath.Join(path, InputFile))
		if err != nil {
			return nil, fmt.Errorf("lock the reports: %w", err)
		}
		if lock != nil {
			return lock, nil
		}
		select {
		case <-time.After(reportsRetry):
		case <-expired:
			return nil, &BusyError{path, "makes the reports of"}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// lockNow takes the lock of a file; nil if another process has it. Some network file
// systems lock only files that are open for writing, so the file is opened for
// reading only if this process must not write it.
func lockNow(path string) (*flock.Flock, error) {
	name, create := lockFile(path)
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(name)
	}
	lock := flock.New(name, flock.SetFlag(os.O_RDWR|create|noFollow))
	ok, err := lock.TryLock()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		lock = flock.New(name, flock.SetFlag(os.O_RDONLY|noFollow))
		ok, err = lock.TryLock()
	}
	if err != nil || !ok {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}
