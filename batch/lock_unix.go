//go:build unix

package batch

import (
	"errors"
	"io"
	"os"
	"regexp"
	"syscall"

	"github.com/gofrs/flock"
)

// noFollow makes opening a symbolic link fail, and does not wait at a named pipe.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// lockFolder returns the same folder for every user, whatever TMPDIR says, since
// the lock is for the whole machine.
func lockFolder() string { return "/tmp" }

// openHolder opens the lock file for writeHolder. It must be the file that is locked,
// still at its path, and have no other name: whoever may write in the folder could
// otherwise have somebody else's file written to, or two processes lock two files.
func openHolder(path string, lock *flock.Flock) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|noFollow, 0)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	locked, lockErr := lock.Stat()
	if err = errors.Join(err, lockErr); err == nil {
		stat, ok := opened.Sys().(*syscall.Stat_t)
		if !os.SameFile(opened, locked) || !opened.Mode().IsRegular() || !ok || stat.Nlink != 1 {
			err = errors.New("somebody has replaced it, or it is not a plain file")
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// readHolder returns what writeHolder wrote. It accepts nothing else, since every
// user can write to the file and the text ends up in a message.
func readHolder(path string) string {
	const unknown = "its process id cannot be read"
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return unknown
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 200))
	if !regexp.MustCompile(`^process \d+, since [0-9TZ:-]+\n$`).Match(text) {
		return unknown
	}
	return string(text[:len(text)-1])
}
