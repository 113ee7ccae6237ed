package journal

// The exit codes of a sitting, and so of the program. An unknown code is a
// failure.
const (
	ExitOK          = 0   // every row ended as wanted
	ExitFailedRows  = 1   // finished, some rows failed
	ExitRefused     = 2   // usage, configuration or input refused; nothing was sent
	ExitCredentials = 3   // the tenant refused the credentials or the scope
	ExitLocked      = 4   // another run holds the tenant's lock
	ExitStopped     = 5   // stopped before the end, worth going on
	ExitInternal    = 70  // a panic, recovered
	ExitInterrupted = 130 // SIGINT
	ExitTerminated  = 143 // SIGTERM
)
