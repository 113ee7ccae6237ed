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

// noFollow has a file not opened where its name is a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// lockFolder is the same for every user and every TMPDIR, since the lock is for
// the machine.
func lockFolder() string { return "/tmp" }

// sign writes into the lock file whose it is.
func sign(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|noFollow, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "process %d, since %s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	return errors.Join(err, f.Close())
}

// holder is what the lock's holder wrote about itself.
func holder(path string) string {
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return "who it is cannot be read"
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 200))
	if !regexp.MustCompile(`^process \d+, since [0-9TZ:-]+\n$`).Match(text) {
		return "who it is cannot be read"
	}
	return string(text[:len(text)-1])
}
