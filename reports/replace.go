package reports

import (
	"bufio"
	"fmt"
	"path/filepath"
)

// NewPendingFile creates a temporary file that is to replace the file at path, or the
// one to which a symbolic link there leads. Call CloseAtomicallyReplace once it is
// complete, and always call Cleanup.
func NewPendingFile(path string) (*PendingFile, error) { return newPendingFile(resolveLink(path)) }

// resolveLink returns the path to which a symbolic link leads, so that its target
// is replaced and the link stays. Any other path is returned as it is.
func resolveLink(path string) string {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		return to
	}
	return path
}

// replace replaces a file of a run directory atomically: its path names the old
// content or the new, never a part. A symbolic link is replaced too, because somebody
// else may have put it there.
func replace(path string, write func(*bufio.Writer) error) error {
	f, err := newPendingFile(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return complete(f, path, write)
}

// complete writes a pending file and lets it replace the one at path.
func complete(f *PendingFile, path string, write func(*bufio.Writer) error) error {
	defer f.Cleanup()
	w := bufio.NewWriterSize(f, 1<<16)
	err := write(w)
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
