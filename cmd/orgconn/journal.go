package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/reports"
)

// runDir is a run directory whose journal this process appends to.
type runDir struct {
	path    string
	lock    *flock.Flock
	file    *os.File
	journal *journal.Writer
}

// openJournal opens the journal in a directory, and locks it for the process
// that appends.
func openJournal(path string, flags int) (*runDir, error) {
	name := filepath.Join(path, reports.JournalFile)
	file, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND|flags, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	lock, err := lockJournal(name)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &runDir{path: path, lock: lock, file: file}, nil
}

// lockJournal takes a journal's lock, and fails where another process has it. Some
// network file systems lock only what may be written; who may not, reads.
func lockJournal(name string) (*flock.Flock, error) {
	lock := flock.New(lockOf(name), flock.SetFlag(os.O_RDWR|os.O_CREATE))
	ok, err := lock.TryLock()
	if errors.Is(err, fs.ErrPermission) {
		lock = flock.New(lockOf(name), flock.SetFlag(os.O_RDONLY))
		ok, err = lock.TryLock()
	}
	if err != nil {
		return nil, fmt.Errorf("lock the journal: %w", err)
	}
	if !ok {
		return nil, &failure{
			code: journal.ExitLocked,
			err:  fmt.Errorf("another process still writes %s", filepath.Dir(name)),
			hint: "wait for it to end, or stop it",
		}
	}
	return lock, nil
}

// firstRun is the first record of a run directory's journal, which never
// changes. A directory without one is none of ours.
func firstRun(path string) (journal.Header, error) {
	f, err := os.Open(filepath.Join(path, reports.JournalFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("it has no journal")
	}
	if err != nil {
		return journal.Header{}, notRunDir(path, err)
	}
	defer f.Close()
	next, stop := iter.Pull2(journal.NewReader(f).Entries())
	defer stop()
	e, err, _ := next() // of an empty journal, the error
	if err != nil {
		return journal.Header{}, notRunDir(path, err)
	}
	return *e.Header, nil
}

func notRunDir(path string, err error) error {
	return refused(fmt.Errorf("%q is no run directory that can be read: %w", path, err), "give the run directory that a former run printed")
}

// recover reads what earlier sittings did, cuts off what a crash left behind the
// journal's last sync, and opens the journal to go on with.
func (d *runDir) recover(log *zap.Logger) (*batch.Former, error) {
	reader := journal.NewReader(io.NewSectionReader(d.file, 0, 1<<62))
	former, err := batch.ReadFormer(reader.Entries())
	if err != nil {
		return nil, refused(fmt.Errorf("read the journal: %w", err), "restore the run directory from a backup, or begin anew with the list: what is disabled already is only read")
	}
	tail := reader.Tail()
	kept, err := journal.Repair(d.file.Name(), tail)
	if err != nil {
		return nil, err
	}
	if kept != "" {
		log.Warn("what a crash left behind the journal's last sync is kept aside", zap.String("file", kept))
	}
	d.journal = journal.Append(d.file, tail.Offset)
	return former, nil
}

// reportFiles are what a sitting makes at its end, the last one last.
func (d *runDir) reportFiles() []string {
	var files []string
	for _, name := range reports.Made() {
		files = append(files, filepath.Join(d.path, name))
	}
	return files
}

// hasReports says whether the last sitting made its reports.
func (d *runDir) hasReports() bool {
	for _, name := range d.reportFiles() {
		if _, err := os.Stat(name); err != nil {
			return false
		}
	}
	return true
}

// removeReports removes the reports of earlier sittings, which the next one
// makes untrue.
func (d *runDir) removeReports() error {
	for _, name := range d.reportFiles() {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove former reports: %w", err)
		}
	}
	return nil
}

// close writes what is queued and lets go of the journal.
func (d *runDir) close() error {
	var err error
	if d.journal != nil {
		err = d.journal.Close()
	}
	return errors.Join(err, d.file.Close(), d.lock.Close())
}
