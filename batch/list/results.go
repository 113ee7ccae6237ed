package list

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orgconn/orgconn/batch/journal"
)

// A results file is refused with both ways on.
const resultsHint = `for rows that failed or were not reached use "orgconn resume RUNDIR"; ` +
	"or mend them and remove the column outcome, which makes the file a list"

// source is the run that a results file is from; it is zero until the first row
// is read.
type source struct{ command, tenant string }

func (s source) dryRun() bool {
	return s.command == journal.Label(journal.CommandDisable, true) || s.command == journal.Label(journal.CommandRestore, true)
}

// isResults reports whether columns are a results file's.
func isResults(columns []string) bool {
	return slices.Contains(columns, "outcome") && slices.ContainsFunc(columns, func(column string) bool {
		return column == "line" || column == "command" || column == "tenant"
	})
}

// checkResultsColumns refuses a results file without the columns that a command
// needs, and for restore what is no results file.
func checkResultsColumns(columns []string, results bool, command string) *Error {
	if !results && command == journal.CommandRestore {
		return &Error{Message: "not a results file, which has the columns outcome, command and tenant",
			Hint: "restore takes the run directory or the results.csv of a disable"}
	}
	if !results {
		return nil
	}
	needed := []string{"command", "tenant"}
	if command == journal.CommandRestore {
		needed = append(needed, "assign_membership_on_login", "show_as_button", "is_signup_enabled")
	}
	for _, column := range needed {
		if !slices.Contains(columns, column) {
			return &Error{Message: "a results file without the column " + column, Hint: resultsHint}
		}
	}
	return nil
}

// takes returns the outcomes that a command takes from the results of a run of
// another, the source; none where it does not follow the source.
func takes(command, source string) []journal.Outcome {
	switch {
	case command == journal.CommandDisable && source == journal.Label(journal.CommandDisable, true):
		return []journal.Outcome{journal.WouldDisable}
	case command == journal.CommandRestore && source == journal.CommandDisable:
		return []journal.Outcome{journal.Disabled, journal.Unknown}
	case command == journal.CommandRestore && source == journal.Label(journal.CommandRestore, true):
		return []journal.Outcome{journal.WouldRestore}
	}
	return nil
}

// check refuses a row of a results file that the file's other rows or the
// command do not go with. The first row says what run the file is from. The
// error lacks its place.
func (s *source) check(r *row, opt Options) *Error {
	refuse := func(hint, format string, args ...any) *Error {
		return &Error{Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	if *s == (source{}) {
		*s = source{command: string(r.Command), tenant: string(r.Tenant)}
	}
	switch {
	case !journal.Outcome(r.Outcome).Known():
		return refuse("set it to not_selected to leave the row out", "the outcome %s is not known", quote(string(r.Outcome)))
	case r.Command == "" || r.Tenant == "":
		return refuse(resultsHint, "there is no command or no tenant")
	case string(r.Command) != s.command:
		return refuse("take one run's results at a time", "the command %s is another than %s above",
			quote(string(r.Command)), quote(s.command))
	case string(r.Tenant) != s.tenant:
		return refuse("take one run's results at a time", "the tenant %s is another than %s above",
			quote(string(r.Tenant)), quote(s.tenant))
	case takes(opt.Command, s.command) == nil:
		return refuse(resultsHint, "these are the results of %s, which %s does not go on from", quote(s.command), opt.label())
	}
	return nil
}

// label is the command as it is typed.
func (o Options) label() string { return journal.Label(o.Command, o.DryRun) }

// readSetting reads what FormatSetting writes. Spreadsheets write true in capitals
// or in their own language, which is why results.csv has yes and no.
func readSetting(cell string) (value *bool, ok bool) {
	switch strings.ToLower(cell) {
	case "":
		return nil, true
	case "yes", "true":
		return new(true), true
	case "no", "false":
		return new(false), true
	}
	return nil, false
}

// FormatSetting writes a setting of a results file; nil is one that is not there.
func FormatSetting(value *bool) string {
	switch {
	case value == nil:
		return ""
	case *value:
		return "yes"
	}
	return "no"
}
