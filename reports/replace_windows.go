package reports

import (
	"errors"
	"os"
	"path/filepath"
)

// pendingFile is renameio's, which has none here: it does not promise that a
// file is replaced at one instant where the power fails.
type pendingFile struct {
	*os.File
	path string
}

// newPending makes a file that takes the place of path when it is whole.
func newPending(path string) (*pendingFile, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"*")
	return &pendingFile{f, path}, err
}

// CloseAtomicallyReplace gives the file its name.
func (f *pendingFile) CloseAtomicallyReplace() error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), f.path)
}

// Cleanup removes the file, if it never got its name.
func (f *pendingFile) Cleanup() error {
	_ = f.Close()
	return os.Remove(f.Name())
}
