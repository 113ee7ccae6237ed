package rundir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/orgconn/orgconn/batch/journal"
)

// Dir is a run directory whose journal this process appends to.
type Dir struct {
	Path    string
	Journal *journal.Writer // nil until Recover

	lock io.Closer
	file *os.File
}

// Open opens a run directory to resume its run. Call Recover next. A *BusyError says
// that another process still appends to its journal.
func Open(path string) (*Dir, error) { return open(path, 0) }

func open(path string, flags int) (*Dir, error) {
	file, err := openFile(filepath.Join(path, JournalFile), os.O_RDWR|os.O_APPEND|flags)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	lock, err := Lock(path)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	d := &Dir{Path: path, lock: lock, file: file}
	if !d.isInPlace() {
		return nil, errors.Join(fmt.Errorf("open the journal: %q was replaced at this moment", file.Name()), d.Close())
	}
	return d, nil
}

// Recover lets replay read what earlier invocations recorded, until ctx is done. It
// then cuts off what a crash left after the journal's last sync, and makes Journal
// ready for more records. It returns the file in which the cut part is kept, or ""
// if nothing was cut.
func (d *Dir) Recover(ctx context.Context, replay func(iter.Seq2[journal.Entry, error]) error) (kept string, err error) {
	lines, err := InputLines(d.Path)
	if err != nil {
		return "", err
	}
	reader := journal.NewReader(Interruptible(ctx, d.file))
	reader.Lines = lines
	if err := replay(reader.Entries()); err != nil {
		return "", fmt.Errorf("read the journal: %w", err)
	}
	tail := reader.Tail()
	if kept, err = journal.Repair(d.file, tail); err != nil {
		return "", err
	}
	d.Journal = journal.Continue(journalFile{d}, tail.Offset)
	return kept, nil
}

// journalFile is the open journal. Once its file is no longer at its path, whatever
// is written to it would be lost with the process, so syncing it is an error then.
type journalFile struct{ dir *Dir }

func (f journalFile) Write(p []byte) (int, error) { return f.dir.file.Write(p) }

func (f journalFile) Sync() error {
	if err := f.dir.file.Sync(); err != nil {
		return err
	}
	if f.dir.isInPlace() {
		return nil
	}
	return f.dir.rescue()
}

// isInPlace reports whether the open journal is the file at its path.
func (d *Dir) isInPlace() bool {
	there, err := os.Lstat(filepath.Join(d.Path, JournalFile))
	if err != nil {
		return false
	}
	here, err := d.file.Stat()
	return err == nil && os.SameFile(here, there)
}

// RemovedError says that somebody removed or replaced a journal while its run went
// on.
type RemovedError struct {
	Hint      string // how to go on
	Resumable bool   // once Hint is done
}

func (e *RemovedError) Error() string {
	return "the journal was removed or replaced during the run"
}

// rescue writes a journal that is no longer at its path to a new file there, since
// without its snapshots nothing could be restored.
func (d *Dir) rescue() error {
	path := filepath.Join(d.Path, JournalFile)
	info, err := d.file.Stat()
	if err == nil {
		err = os.MkdirAll(d.Path, 0o777)
	}
	var kept string
	if err == nil {
		kept, err = journal.Keep(d.file, journal.Tail{Length: info.Size()}, path)
	}
	switch {
	case err != nil:
		return &RemovedError{Hint: fmt.Sprintf("its records are lost, and so is the undo of what was done: writing them to %q again failed: %v", path, err)}
	case kept != path:
		return &RemovedError{Hint: fmt.Sprintf("its records are in %q: give that file the name %q", kept, path), Resumable: true}
	case !isFile(d.Path, InputFile):
		return &RemovedError{Hint: fmt.Sprintf("it is there again; put the list there again, too, as %q", filepath.Join(d.Path, InputFile)), Resumable: true}
	}
	return &RemovedError{Hint: "it is there again", Resumable: true}
}

// HasReports reports whether the last invocation made its reports.
func (d *Dir) HasReports() bool {
	for _, name := range Reports() {
		if !isFile(d.Path, name) {
			return false
		}
	}
	return true
}

// RemoveReports removes the reports of earlier invocations. They no longer hold once
// the next invocation begins. It waits for a process that makes them.
func (d *Dir) RemoveReports(ctx context.Context) error {
	lock, err := LockReports(ctx, d.Path)
	if err != nil {
		return err
	}
	defer lock.Close()
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
