package rundir

import (
	"os"
	"path/filepath"
)

// publish makes a second directory with the same files. A directory with open files
// cannot be renamed on Windows. The hidden one is discarded at the end.
func publish(hidden, name string) error {
	entries, err := os.ReadDir(hidden)
	if err != nil {
		return err
	}
	if err := os.Mkdir(name, 0o777); err != nil {
		return err
	}
	for _, entry := range entries { // by name: the journal after the list
		if err := os.Link(filepath.Join(hidden, entry.Name()), filepath.Join(name, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// noFollow is nothing: openFile looks at the file before and after.
const noFollow = 0

// lockFile is the file whose lock is that of another file, and the flag to make it.
// A locked file cannot be written, or even read, through another handle on Windows.
func lockFile(path string) (string, int) { return path + ".lock", os.O_CREATE }
