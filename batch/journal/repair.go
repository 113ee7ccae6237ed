package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Repair cuts off the torn tail that a Reader found in a journal, so that Append can
// continue at tail.Offset. It keeps the cut part beside the journal, in a file called
// like it with .torn at the end (see Keep), and returns the name of that file, or ""
// if there was no tail. Only the process that holds the journal's lock may call it.
func Repair(f *os.File, tail Tail) (kept string, err error) {
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("repair journal: %w", err)
	}
	if info.Size() != tail.Offset+tail.Length {
		return "", fmt.Errorf("repair journal: %s has changed since it was read", f.Name())
	}
	if tail.Length > 0 {
		if kept, err = Keep(f, tail, f.Name()+".torn"); err != nil {
			return "", fmt.Errorf("keep the journal's torn tail: %w", err)
		}
		if err := f.Truncate(tail.Offset); err != nil {
			return kept, fmt.Errorf("cut off the journal's torn tail: %w", err)
		}
	}
	// The records before the tail may have been read from the page cache only.
	if err := f.Sync(); err != nil {
		return kept, fmt.Errorf("sync journal: %w", err)
	}
	return kept, nil
}

// Keep copies a part of a journal to a new file: to path or, if that exists, to
// path.2, path.3 and so on. It returns the file's path. The file and its name are on
// disk then.
func Keep(journal io.ReaderAt, part Tail, path string) (string, error) {
	out, err := createNew(path)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, io.NewSectionReader(journal, part.Offset, part.Length))
	err = errors.Join(err, out.Sync(), out.Close())
	if err != nil {
		return "", err
	}
	return out.Name(), SyncDir(filepath.Dir(path))
}

// createNew creates the first of path, path.2, path.3 and so on that does not exist.
func createNew(path string) (*os.File, error) {
	name := path
	for n := 2; ; n++ {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, os.ErrExist) {
			return f, err
		}
		name = fmt.Sprintf("%s.%d", path, n)
	}
}
