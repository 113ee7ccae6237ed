package rundir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/orgconn/orgconn/batch/journal"
)

// OpenFile opens a file of a run directory for reading. A run directory may come
// from somebody else, so everything but a regular file is refused: a link is not
// followed, and a named pipe is not waited for.
func OpenFile(dir, name string) (*os.File, error) {
	return openFile(filepath.Join(dir, name), os.O_RDONLY)
}

func openFile(path string, flags int) (*os.File, error) {
	// Before it is opened too, because opening a device may have an effect.
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, notRegular(path)
	}
	f, err := os.OpenFile(path, flags|noFollow, 0o644)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, notRegular(path)
	}
	return f, nil
}

func notRegular(path string) error {
	return &Error{fmt.Errorf("%q is not a regular file", path), "a run directory has regular files only: do not use one that somebody else has changed"}
}

// isFile reports whether a run directory has a regular file of this name.
func isFile(dir, name string) bool {
	info, err := os.Lstat(filepath.Join(dir, name))
	return err == nil && info.Mode().IsRegular()
}

// Interruptible returns a reader of a file that fails with the cause of ctx once ctx
// is done.
func Interruptible(ctx context.Context, file io.ReaderAt) *io.SectionReader {
	return io.NewSectionReader(interruptible{ctx, file}, 0, math.MaxInt64)
}

type interruptible struct {
	ctx  context.Context
	file io.ReaderAt
}

func (r interruptible) ReadAt(p []byte, offset int64) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.file.ReadAt(p, offset)
}

// InputLines returns how many lines the run's list has at most.
func InputLines(dir string) (int, error) {
	f, err := OpenFile(dir, InputFile)
	if err != nil {
		return 0, fmt.Errorf("open the run's list: %w", err)
	}
	defer f.Close()
	var n lineCounter
	if _, err := io.Copy(&n, f); err != nil {
		return 0, fmt.Errorf("read the run's list: %w", err)
	}
	return int(n) + 1, nil
}

// lineCounter counts the bytes that may end a line, in any encoding of a list.
type lineCounter int

func (n *lineCounter) Write(p []byte) (int, error) {
	for _, b := range p {
		if b == '\n' || b == '\r' {
			*n++
		}
	}
	return len(p), nil
}

// CheckInput refuses a run directory whose list is not the one that the run began
// with: rows would get each other's outcomes.
func CheckInput(dir string, run journal.Header) error {
	f, err := openInput(dir, run)
	if err != nil {
		return err
	}
	return f.Close()
}

// openInput opens the list that the run began with.
func openInput(dir string, run journal.Header) (*os.File, error) {
	f, err := OpenFile(dir, InputFile)
	if err != nil {
		return nil, fmt.Errorf("open the run's list: %w", err)
	}
	hash := sha256.New()
	_, err = io.Copy(hash, f) // the list is read from its start, whatever this leaves
	switch {
	case err != nil:
		err = fmt.Errorf("read the run's list: %w", err)
	case hex.EncodeToString(hash.Sum(nil)) != run.Input.SHA256:
		err = &Error{fmt.Errorf("%s is not the list that the run began with", f.Name()), "put the list there again as it was"}
	default:
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}
