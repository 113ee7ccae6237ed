//go:build unix

package rundir

import (
	"os"
	"syscall"
)

// noFollow makes opening a symbolic link fail, and does not wait for whoever writes
// into a named pipe.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// publish gives a staged directory its name.
func publish(hidden, name string) error { return os.Rename(hidden, name) }

// lockFile is the file whose lock is that of another file, and the flag to make it.
func lockFile(path string) (string, int) { return path, 0 }
