package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/orgconn/orgconn/batch/journal"
)

const (
	inputFile   = "input.csv"
	journalFile = "journal.jsonl"
	// nameTries bounds the search for a free default name.
	nameTries = 1000
)

// runDir is a run directory in the making. It has a hidden name until
// everything is settled, so that one which has its name can be resumed.
type runDir struct {
	hidden string
	name   string // where it will be; "" for the default name
	path   string // where it is; "" until it has its name
	lock   *flock.Flock
	file   *os.File
}

// stageRunDir makes the hidden directory beside where the named one will be.
func stageRunDir(name string) (*runDir, error) {
	if name != "" {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return nil, refused(fmt.Errorf("run directory %q exists already", name), "give another --out")
		}
	}
	hidden, err := os.MkdirTemp(filepath.Dir(name), ".orgconn-")
	if err != nil {
		return nil, refused(fmt.Errorf("make the run directory: %w", err), "the current folder, or the one of --out, must be writable")
	}
	if err := os.Chmod(hidden, 0o755); err != nil {
		return nil, errors.Join(err, os.RemoveAll(hidden))
	}
	return &runDir{hidden: hidden, name: name}, nil
}

// input copies the list into the directory, so that it is one and the same for
// the check, the run and the reports, whatever happens to the file.
func (d *runDir) input(path string) (journal.Input, error) {
	in := journal.Input{Path: path}
	source := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return in, refused(fmt.Errorf("open the list: %w", err), "")
		}
		defer f.Close()
		source = f
	}
	f, err := os.OpenFile(d.file0(inputFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return in, fmt.Errorf("copy the list: %w", err)
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), source)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return in, refused(fmt.Errorf("copy the list: %w", err), "")
	}
	in.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return in, nil
}

// file0 is a file's place while the directory is hidden.
func (d *runDir) file0(name string) string { return filepath.Join(d.hidden, name) }

// begin writes the journal's first record and gives the directory its name.
func (d *runDir) begin(run journal.Run, now time.Time) (*journal.Writer, error) {
	var err error
	if d.file, err = os.OpenFile(d.file0(journalFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o644); err != nil {
		return nil, fmt.Errorf("make the journal: %w", err)
	}
	d.lock = flock.New(d.file0(journalFile), flock.SetFlag(os.O_RDWR))
	if ok, err := d.lock.TryLock(); err != nil || !ok {
		return nil, fmt.Errorf("lock the journal: %w", errors.Join(err, errors.New("another process has it")))
	}
	writer, err := journal.Create(d.file, journal.Record{At: now, Run: &run})
	if err != nil {
		return nil, fmt.Errorf("write the journal: %w", err)
	}
	if err := d.rename(defaultName(run, now)); err != nil {
		return nil, errors.Join(fmt.Errorf("name the run directory: %w", err), writer.Close())
	}
	return writer, nil
}

// defaultName is a run directory's name where none was given.
func defaultName(run journal.Run, now time.Time) string {
	tenant := strings.ReplaceAll(run.Tenant, ":", "_")
	return fmt.Sprintf("orgconn-%s-%s-%s", tenant, now.UTC().Format("20060102T150405Z"), run.Command)
}

// rename gives the directory its name, durably, and never somebody else's.
func (d *runDir) rename(standard string) error {
	if err := syncDir(d.hidden); err != nil {
		return err
	}
	for n := 1; n <= nameTries; n++ {
		name := d.name
		if name == "" {
			name = standard
			if n > 1 {
				name = fmt.Sprintf("%s-%d", standard, n)
			}
		}
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(d.hidden, name); err != nil {
				return err
			}
			d.path = name
			return syncDir(filepath.Dir(name))
		}
		if d.name != "" {
			break
		}
	}
	return fs.ErrExist
}

// close lets go of the journal; a directory that never got its name is
// removed.
func (d *runDir) close() error {
	var err error
	if d.lock != nil {
		err = d.lock.Close()
	}
	if d.file != nil {
		err = errors.Join(err, d.file.Close())
	}
	if d.path == "" {
		err = errors.Join(err, os.RemoveAll(d.hidden))
	}
	return err
}

// syncDir puts a directory's entries on disk.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
