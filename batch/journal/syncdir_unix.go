//go:build unix

package journal

import (
	"errors"
	"os"
	"syscall"
)

// SyncDir makes the entries of a directory durable: which files exist, and under
// which names. A file system that cannot sync a directory, such as CIFS, keeps its
// entries by other means.
func SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}
