package journal

// SyncDir does nothing: a directory cannot be synced on Windows, and NTFS journals
// its changes itself.
func SyncDir(string) error { return nil }
