package batch

import "os"

// noFollow has no equivalent, and the folder is the user's own.
const noFollow = 0

// lockFolder is the user's: the lock holds among the runs of one user.
func lockFolder() string { return os.TempDir() }

// sign does nothing: a file that is locked cannot be read here.
func sign(string) error { return nil }

// holder cannot tell who it is.
func holder(string) string { return "which process it is cannot be told on this system" }
