//go:build unix

package journal

import (
	"errors"
	"os"
)

// SyncDir makes the entries of a directory durable: which files exist, and under
// which names.
func SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
