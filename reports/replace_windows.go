package reports

import (
	"errors"
	"os"
	"path/filepath"
)

// PendingFile is a file in the making, which gets its name when it is whole. It
// is renameio's elsewhere, which has none here: it does not promise that a file
// is replaced at one instant where the power fails.
type PendingFile struct {
	*os.File
	path string
}

// NewPendingFile makes a file that takes the place of path when it is whole.
func NewPendingFile(path string) (*PendingFile, error) {
	path = target(path)
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"*")
	return &PendingFile{f, path}, err
}

// CloseAtomicallyReplace gives the file its name.
func (f *PendingFile) CloseAtomicallyReplace() error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), f.path)
}

// Cleanup removes the file, if it never got its name.
func (f *PendingFile) Cleanup() error {
	_ = f.Close()
	return os.Remove(f.Name())
}
