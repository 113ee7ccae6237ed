//go:build unix

package reports

import (
	"path/filepath"

	"github.com/google/renameio/v2"
)

// PendingFile is a temporary file that replaces another once it is complete.
type PendingFile = renameio.PendingFile

// NewPendingFile creates a temporary file that is to replace the file at path. Call
// CloseAtomicallyReplace once it is complete, and always call Cleanup.
func NewPendingFile(path string) (*PendingFile, error) {
	path = resolveLink(path)
	// WithTempDir: otherwise renameio would first try the system's directory.
	return renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
}
