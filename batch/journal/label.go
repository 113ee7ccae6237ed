package journal

import "strings"

// The commands that work on a list.
const (
	CommandDisable = "disable"
	CommandEnable  = "enable"
	CommandRestore = "restore"
)

// Label is a command as the column command of results.csv shows it. A restore has the
// --keep-link of the run that it undoes, though nobody types it there. Its dry run also
// names an enable that it undoes.
type Label struct {
	Command          string
	Undoes           string // CommandEnable or ""
	KeepLink, DryRun bool
}

const (
	keepLinkSuffix = " --keep-link"
	dryRunSuffix   = " --dry-run"
	undoesSuffix   = " " + CommandEnable
)

// ParseLabel reads what String writes. Any other text is an unknown command.
func ParseLabel(text string) (l Label) {
	text, l.DryRun = strings.CutSuffix(text, dryRunSuffix)
	text, l.KeepLink = strings.CutSuffix(text, keepLinkSuffix)
	var undoesEnable bool
	if l.Command, undoesEnable = strings.CutSuffix(text, undoesSuffix); undoesEnable {
		l.Undoes = CommandEnable
	}
	return l
}

// String is the text of the column command.
func (l Label) String() string {
	text := l.Command
	if l.Undoes != "" {
		text += undoesSuffix
	}
	if l.KeepLink {
		text += keepLinkSuffix
	}
	if l.DryRun {
		text += dryRunSuffix
	}
	return text
}

// Label is the command of the run.
func (h Header) Label() Label {
	l := Label{Command: h.Command, KeepLink: h.Settings.KeepLink, DryRun: h.Settings.DryRun}
	if l.DryRun {
		l.Undoes = h.Undoes
	}
	return l
}
