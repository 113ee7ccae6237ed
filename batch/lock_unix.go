//go:build unix

package batch

import "syscall"

// noFollow has a file not opened where its name is a symbolic link.
const noFollow = syscall.O_NOFOLLOW
