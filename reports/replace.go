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
	if err := write(w); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
