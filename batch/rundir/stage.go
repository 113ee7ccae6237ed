package rundir

import (
	"crypto/rand"
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

	"github.com/orgconn/orgconn/batch/journal"
)

const (
	// nameTries bounds the search for a free default name.
	nameTries = 1000

	parentHint = "the current folder, or the one of --out, must be there and writable"
)

// Staged is a run directory that is not complete yet. It has a hidden name until it
// can be resumed.
type Staged struct {
	hidden string
	name   string // its later path; "" for the default name
}

// Stage makes the hidden directory. It is a sibling of the directory that Publish
// will name. An empty name stands for the default name.
func Stage(name string) (*Staged, error) {
	if name != "" {
		name = filepath.Clean(name)
		switch _, err := os.Lstat(name); {
		case err == nil:
			return nil, refuse(fmt.Errorf("run directory %q exists already", name), "give another --out")
		case !errors.Is(err, fs.ErrNotExist):
			return nil, refuse(fmt.Errorf("make the run directory: %w", err), parentHint)
		}
	}
	// os.MkdirTemp would exclude other users, whatever the umask.
	hidden := filepath.Join(filepath.Dir(name), ".orgconn-"+rand.Text())
	if err := os.Mkdir(hidden, 0o777); err != nil {
		return nil, refuse(fmt.Errorf("make the run directory: %w", err), parentHint)
	}
	return &Staged{hidden: hidden, name: name}, nil
}

// CopyInput copies the list into the directory, so that the check, the run and the
// reports read the same list even if the original changes. It returns the copy's
// SHA-256.
func (d *Staged) CopyInput(write func(io.Writer) error) (sum string, err error) {
	f, err := os.OpenFile(d.File(InputFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", fmt.Errorf("copy the list: %w", err)
	}
	hash := sha256.New()
	if err := write(io.MultiWriter(f, hash)); err != nil {
		return "", errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("copy the list: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// File is a file's path while the directory is hidden.
func (d *Staged) File(name string) string { return filepath.Join(d.hidden, name) }

// Publish writes the journal's first record and gives the directory its name.
func (d *Staged) Publish(h journal.Header, now time.Time) (*Dir, error) {
	dir, err := open(d.hidden, os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	if dir.Journal, err = journal.Create(journalFile{dir}, journal.Record{At: now, Header: &h}); err != nil {
		return nil, errors.Join(fmt.Errorf("write the journal: %w", err), dir.Close())
	}
	if dir.Path, err = d.rename(defaultName(h, now)); err != nil {
		return nil, errors.Join(fmt.Errorf("name the run directory: %w", err), dir.Close())
	}
	return dir, nil
}

// defaultName is a run directory's name if none was given.
func defaultName(h journal.Header, now time.Time) string {
	tenant := strings.ReplaceAll(h.Tenant, ":", "_")
	name := fmt.Sprintf("orgconn-%s-%s-%s", tenant, now.UTC().Format("20060102T150405Z"), h.Command)
	if h.Settings.DryRun {
		name += "-dry-run"
	}
	return name
}

// rename gives the directory its name, durably. If a default name exists already,
// perhaps made by another run at this moment, rename tries the next one.
func (d *Staged) rename(standard string) (string, error) {
	if err := journal.SyncDir(d.hidden); err != nil {
		return "", err
	}
	for n := 1; n <= nameTries; n++ {
		name := d.name
		if name == "" {
			name = standard
			if n > 1 {
				name = fmt.Sprintf("%s-%d", standard, n)
			}
		}
		_, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			if err = publish(d.hidden, name); err == nil {
				if err = journal.SyncDir(filepath.Dir(name)); err != nil {
					return "", errors.Join(err, os.RemoveAll(name)) // nothing may be left of what is refused
				}
				return name, nil
			}
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		if d.name != "" {
			break
		}
	}
	return "", fs.ErrExist
}

// Discard removes what still has the hidden name.
func (d *Staged) Discard() error { return os.RemoveAll(d.hidden) }

func refuse(err error, hint string) error { return &Error{err, hint} }
