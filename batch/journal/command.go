package journal

// The commands that work on a list.
const (
	CommandDisable = "disable"
	CommandRestore = "restore"
)

// Label is a command as it is typed, and as results.csv has it.
func Label(command string, dryRun bool) string {
	if dryRun {
		return command + " --dry-run"
	}
	return command
}
