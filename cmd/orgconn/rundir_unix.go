//go:build unix

package main

import "os"

// publish gives a directory in the making its name.
func publish(hidden, name string) error { return os.Rename(hidden, name) }

// lockOf is the file whose lock is the journal's.
func lockOf(journal string) string { return journal }
