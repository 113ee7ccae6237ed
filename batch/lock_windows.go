package batch

import (
	"os"

	"github.com/gofrs/flock"
)

// noFollow is not needed: nobody else can create links in the user's own folder.
const noFollow = 0

// lockFolder returns the user's own folder, so the lock holds between the runs of
// one user only.
func lockFolder() string { return os.TempDir() }

// openHolder opens nothing: Windows lets nobody read or write a locked file, and
// removes no file that is open.
func openHolder(string, *flock.Flock) (*os.File, error) { return nil, nil }

// readHolder has nothing to read.
func readHolder(string) string { return "its process id is not known on Windows" }
