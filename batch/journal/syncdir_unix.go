//go:build unix

package journal

import (
	"errors"
	"os"
)

// SyncDir puts a directory's entries on disk: that a file is there, and under
// which name.
func SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
