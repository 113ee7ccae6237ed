package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Repair cuts off the torn tail that a Reader found in the journal at path, so that
// Append can continue at tail.Offset. It keeps the cut part beside the journal, as
// path.torn or, if that exists, path.torn.2, path.torn.3 and so on. It returns the
// name of that file, or "" if there was no tail. Only the process that holds the
// journal's lock may call it.
func Repair(path string, tail Tail) (kept string, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("repair journal: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("repair journal: %w", err)
	}
	if info.Size() != tail.Offset+tail.Length {
		return "", fmt.Errorf("repair journal: %s has changed since it was read", path)
	}
	if tail.Length > 0 {
		if kept, err = keepTail(f, path, tail); err != nil {
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

// keepTail copies the tail to a new file beside the journal and returns its path.
// The file and its name are on disk when keepTail returns.
func keepTail(journal io.ReaderAt, path string, tail Tail) (string, error) {
	out, err := createTorn(path)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, io.NewSectionReader(journal, tail.Offset, tail.Length))
	err = errors.Join(err, out.Sync(), out.Close())
	if err != nil {
		return "", err
	}
	return out.Name(), SyncDir(filepath.Dir(path))
}

// createTorn creates the first of path.torn, path.torn.2 and so on that does not
// exist.
func createTorn(path string) (*os.File, error) {
	name := path + ".torn"
	for n := 2; ; n++ {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, os.ErrExist) {
			return f, err
		}
		name = fmt.Sprintf("%s.torn.%d", path, n)
	}
}
