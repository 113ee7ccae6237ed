//go:build unix

package reports

import (
	"path/filepath"

	"github.com/google/renameio/v2"
)

// PendingFile is a file in the making, which gets its name when it is whole.
type PendingFile = renameio.PendingFile

// NewPendingFile makes a file that takes the place of path when it is whole.
func NewPendingFile(path string) (*PendingFile, error) {
	path = target(path)
	// Without a directory of its own renameio would try the system's first.
	return renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
}
