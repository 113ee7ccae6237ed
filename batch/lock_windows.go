package batch

import "os"

// noFollow is not needed: nobody else can create links in the user's own folder.
const noFollow = 0

// lockFolder returns the user's own folder, so the lock holds between the runs of
// one user only.
func lockFolder() string { return os.TempDir() }

// writeHolder does nothing: Windows lets no other process read a locked file.
func writeHolder(string) error { return nil }

// readHolder has nothing to read.
func readHolder(string) string { return "its process id is not known on Windows" }
