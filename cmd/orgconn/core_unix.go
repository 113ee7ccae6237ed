//go:build unix

package main

import "syscall"

// noCoreFile keeps a crash from writing the memory to a file.
func noCoreFile() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
