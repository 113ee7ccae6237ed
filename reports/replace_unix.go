//go:build unix

package reports

import (
	"path/filepath"

	"github.com/google/renameio/v2"
)

// PendingFile is a temporary file that replaces another once it is complete.
type PendingFile = renameio.PendingFile

// newPendingFile is NewPendingFile, but it replaces a symbolic link.
func newPendingFile(path string) (*PendingFile, error) {
	// WithTempDir: otherwise renameio would first try the system's directory.
	return renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
}
