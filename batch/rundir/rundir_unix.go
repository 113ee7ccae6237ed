//go:build unix

package rundir

import "os"

// publish gives a staged directory its name.
func publish(hidden, name string) error { return os.Rename(hidden, name) }

// lockFile is the file whose lock is the journal's.
func lockFile(journal string) string { return journal }
