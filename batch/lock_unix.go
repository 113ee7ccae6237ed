//go:build unix

package batch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"syscall"
	"time"
)

// noFollow makes opening a symbolic link fail.
const noFollow = syscall.O_NOFOLLOW

// lockFolder returns the same folder for every user, whatever TMPDIR says, since
// the lock is for the whole machine.
func lockFolder() string { return "/tmp" }

// writeHolder writes into the lock file which process holds the lock.
func writeHolder(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|noFollow, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "process %d, since %s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	return errors.Join(err, f.Close())
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
