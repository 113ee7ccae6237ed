package rundir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/orgconn/orgconn/batch/journal"
)

// Dir is a run directory whose journal this process appends to.
type Dir struct {
	Path    string
	Journal *journal.Writer // nil until Recover

	lock *flock.Flock
	file *os.File
}

// Open opens a run directory to resume its run. Call Recover next. A *BusyError says
// that another process still appends to its journal.
func Open(path string) (*Dir, error) { return open(path, 0) }

func open(path string, flags int) (*Dir, error) {
	name := filepath.Join(path, JournalFile)
	file, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND|flags, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	lock, err := lockJournal(path)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Dir{Path: path, lock: lock, file: file}, nil
}

// Lock takes the lock of a run directory's journal without opening the journal.
// Nobody appends to it until the lock is closed. A *BusyError says that another
// process has the lock.
func Lock(path string) (io.Closer, error) { return lockJournal(path) }

// lockJournal takes a journal's lock. It fails if another process has it. Some
// network file systems lock only files that are open for writing, so the file is
// opened for reading only if this process must not write it.
func lockJournal(path string) (*flock.Flock, error) {
	name := lockFile(filepath.Join(path, JournalFile))
	lock := flock.New(name, flock.SetFlag(os.O_RDWR|os.O_CREATE))
	ok, err := lock.TryLock()
	if errors.Is(err, fs.ErrPermission) {
		lock = flock.New(name, flock.SetFlag(os.O_RDONLY))
		ok, err = lock.TryLock()
	}
	if err != nil {
		return nil, fmt.Errorf("lock the journal: %w", err)
	}
	if !ok {
		return nil, &BusyError{path}
	}
	return lock, nil
}

// Recover lets replay read what earlier invocations recorded. It then cuts off what
// a crash left after the journal's last sync, and makes Journal ready for more
// records. It returns the file in which the cut part is kept, or "" if nothing was
// cut.
func (d *Dir) Recover(replay func(iter.Seq2[journal.Entry, error]) error) (kept string, err error) {
	reader := journal.NewReader(io.NewSectionReader(d.file, 0, 1<<62))
	if err := replay(reader.Entries()); err != nil {
		return "", &Error{fmt.Errorf("read the journal: %w", err), "restore the run directory from a backup, or start over with the list: what is already disabled is only read"}
	}
	tail := reader.Tail()
	if kept, err = journal.Repair(d.file.Name(), tail); err != nil {
		return "", err
	}
	d.Journal = journal.Append(d.file, tail.Offset)
	return kept, nil
}

// HasReports reports whether the last invocation made its reports.
func (d *Dir) HasReports() bool {
	for _, name := range Reports() {
		if _, err := os.Stat(filepath.Join(d.Path, name)); err != nil {
			return false
		}
	}
	return true
}

// RemoveReports removes the reports of earlier invocations. They no longer hold once
// the next invocation begins.
func (d *Dir) RemoveReports() error {
	for _, name := range Reports() {
		if err := os.Remove(filepath.Join(d.Path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove former reports: %w", err)
		}
	}
	return nil
}

// Close writes the queued records, and releases the journal and its lock.
func (d *Dir) Close() error {
	var err error
	if d.Journal != nil {
		err = d.Journal.Close()
	}
	return errors.Join(err, d.file.Close(), d.lock.Close())
}
