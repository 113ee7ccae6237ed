package reports

import (
	"bufio"
	"fmt"
	"path/filepath"
)

// target is what a path leads to: a link is kept, and what it names replaced.
func target(path string) string {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		return to
	}
	return path
}

// replace writes a file so that its path names the old content or the new, never
// a part.
func replace(path string, write func(*bufio.Writer) error) error {
	f, err := NewPendingFile(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer f.Cleanup()
	w := bufio.NewWriterSize(f, 1<<16)
	err = write(w)
	if flushed := w.Flush(); flushed != nil { // also what write failed with, if it was the file
		return fmt.Errorf("write %s: %w", path, flushed)
	}
	if err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
