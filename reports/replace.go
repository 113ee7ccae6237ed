package reports

import (
	"bufio"
	"fmt"
	"path/filepath"
)

// resolveLink returns the path to which a symbolic link leads, so that its target
// is replaced and the link stays. Any other path is returned as it is.
func resolveLink(path string) string {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		return to
	}
	return path
}

// replace replaces a file atomically: its path names the old content or the new,
// never a part.
func replace(path string, write func(*bufio.Writer) error) error {
	f, err := NewPendingFile(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer f.Cleanup()
	w := bufio.NewWriterSize(f, 1<<16)
	err = write(w)
	// If the file itself made write fail, Flush returns that error again. Any
	// other error of write is not about this file.
	if flushErr := w.Flush(); flushErr != nil {
		return fmt.Errorf("write %s: %w", path, flushErr)
	}
	if err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
