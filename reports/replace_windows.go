package reports

import (
	"errors"
	"os"
	"path/filepath"
)

// PendingFile is a temporary file that replaces another once it is complete. On
// other systems it is renameio's type, which does not support Windows. Here the
// replacement may not be atomic if the power fails.
type PendingFile struct {
	*os.File
	path string
}

// newPendingFile is NewPendingFile, but it replaces a symbolic link.
func newPendingFile(path string) (*PendingFile, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"*")
	return &PendingFile{f, path}, err
}

// CloseAtomicallyReplace closes the file and renames it to its path.
func (f *PendingFile) CloseAtomicallyReplace() error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), f.path)
}

// Cleanup removes the file if it was not renamed.
func (f *PendingFile) Cleanup() error {
	_ = f.Close()
	return os.Remove(f.Name())
}
