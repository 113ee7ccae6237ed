package list

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// Result is a row of results.csv: a record of the input with what became of it. Its
// ConnectionName is the one that the run read, if it read one. Its Snapshot has the
// settings from before the change or, in a restore, the settings to give back.
type Result struct {
	Record
	Call            *journal.Call // nil: no call to report
	FinishedAt      time.Time     // zero: not finished
	NoConnection    bool          // of a not_found: it is the connection
	Command, Tenant string        // of the run; Command is its journal.Label
	LastLogin       string        // RFC 3339, or none; empty if nobody asked
	CorrelationID   string        // of the write, or of the one that a dry run announces; may be empty
}

// Cells are cells of a row of a CSV file, in the order of their columns.
type Cells []Cell

// Cell is a cell with the name of its column.
type Cell struct{ Column, Text string }

// Columns returns the names of the columns.
func (cells Cells) Columns() (names []string) {
	for _, cell := range cells {
		names = append(names, cell.Column)
	}
	return names
}

// Texts returns the contents of the cells.
func (cells Cells) Texts() []string {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = cell.Text
	}
	return texts
}

// ResultsColumns returns the columns that every results.csv has, in their order;
// the carried-through ones follow them.
func ResultsColumns() []string { return Result{}.Cells().Columns() }

// Cells returns the cells of ResultsColumns.
func (r Result) Cells() Cells {
	var status, errorCode, attempts, duration, requestID string
	if c := r.Call; c != nil {
		if c.Status != 0 {
			status = strconv.Itoa(c.Status)
		}
		errorCode, requestID = c.ErrorCode, c.RequestID
		attempts, duration = strconv.Itoa(c.Attempts), strconv.FormatInt(c.DurationMS, 10)
	}
	settings := SettingCells(r.Snapshot)
	// A new column goes to the end, also that of a new setting: scripts count columns.
	return slices.Concat(Cells{
		{"line", strconv.Itoa(r.Line)},
		{"org_id", r.OrgID},
		{"connection_id", r.ConnectionID},
		{"outcome", string(r.Outcome)},
		{"http_status", status},
		{"error_code", errorCode},
		{"message", r.Message},
		{"attempts", attempts},
		{"finished_at", timestamp(r.FinishedAt)},
		{"duration_ms", duration},
		{"request_id", requestID},
		{"connection_name", r.ConnectionName},
	}, settings[:FirstSettings], Cells{
		{"command", r.Command},
		{"tenant", r.Tenant},
	}, settings[FirstSettings:], Cells{
		{"last_login", r.LastLogin},
		{"correlation_id", r.CorrelationID},
	})
}

// FirstSettings is how many settings the first version of results.csv had. The columns
// of others came later, so they are further to the right, and a file may lack them.
const FirstSettings = 3

// timestamp formats a time as RFC 3339 in UTC with milliseconds; the zero time is
// "".
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// SettingCells returns a cell for each setting of a link. It says yes or no, as
// spreadsheets translate true and false. It is empty if the setting is not known, and
// all are if s is nil.
func SettingCells(s *journal.Snapshot) Cells {
	if s == nil {
		s = new(journal.Snapshot)
	}
	settings := s.All()
	cells := make(Cells, len(settings))
	for i, setting := range settings {
		cells[i] = Cell{setting.Name, formatSetting(setting)}
	}
	return cells
}

func formatSetting(setting apiclient.Setting) string {
	switch value := setting.Value(); value {
	case nil:
		return ""
	case true:
		return "yes"
	case false:
		return "no"
	default:
		return value.(string)
	}
}

func settingColumns() []string { return SettingCells(nil).Columns() }

// parseSetting sets a setting to what SettingCells formats; true and false will do,
// too. It returns false if the cell has no value of the setting.
func (s *scanner) parseSetting(setting apiclient.Setting, cell string) bool {
	if cell == "" {
		return true
	}
	flag, isFlag := setting.Field.(**bool)
	if !isFlag {
		*setting.Field.(**string) = s.text(cell)
		return true
	}
	switch strings.ToLower(cell) {
	case "yes", "true":
		*flag = new(true)
	case "no", "false":
		*flag = new(false)
	}
	return *flag != nil
}

// resultsHint names both ways to go on with the results of a run that has changed
// something.
const resultsHint = `to retry rows that failed or were not reached, use "orgconn resume RUNDIR"; ` +
	"or correct them, delete all other rows, and remove the column outcome, which turns the file into a list"

// origin is the run that a results file is from. It is zero until the first row is
// read.
type origin struct {
	command journal.Label
	tenant  string
	run     string       // its id; set by the first row that has one, in a dry run's by the first selected one
	lines   map[int]bool // of a dry run's rows so far
	last    time.Time    // when the last row was finished
}

// isResults reports whether the columns are those of a results file.
func isResults(names []string) bool {
	return slices.Contains(names, "outcome") && slices.ContainsFunc(names, func(column string) bool {
		return column == "line" || column == "command" || column == "tenant"
	})
}

// validateOwnOutcome refuses a row of a list whose column outcome has a word of a
// results file: without the columns command and tenant, rows that a reviewer has left
// out would be worked on.
func (c *columns) validateOwnOutcome(r *csvRecord) *Error {
	if c.outcome < 0 || c.outcome >= len(r.Carried) {
		return nil
	}
	outcome := r.Carried[c.outcome]
	if !journal.Outcome(normalize(outcome)).Known() {
		return nil
	}
	return &Error{
		Message: "the outcome " + quote(outcome) + " is one of a results file, but the file has no columns command and tenant",
		Hint:    "put these columns back, and correlation_id, as the run wrote them; if the column outcome is your own, rename it",
	}
}

// validateResultsColumns refuses a results file without the columns that the
// command needs, and for restore any other file.
func validateResultsColumns(names []string, results bool, opt Options) *Error {
	restores := opt.Command == journal.CommandRestore
	if !results && restores {
		return &Error{Message: "not a results file: one has the columns outcome, command and tenant",
			Hint: "give restore the run directory or the results.csv of a disable or an enable"}
	}
	if !results {
		return nil
	}
	if opt.Connection != "" {
		return &Error{Message: "a results file names each row's connection, so --connection cannot replace it",
			Hint: "leave --connection out to do what the dry run announced"}
	}
	needed := []string{"command", "tenant"}
	if restores {
		needed = append(needed, settingColumns()[:FirstSettings]...)
	}
	for _, column := range needed {
		if !slices.Contains(names, column) {
			return &Error{Message: "the results file has no column " + column, Hint: "put it back as the run wrote it; orgconn report RUNDIR makes the file anew, without what a reviewer has changed"}
		}
	}
	return nil
}

// selectedOutcomes returns the outcomes of the rows that a command selects from
// the results of another, the origin; none if it does not accept them. A run does what
// its dry run announced, in the same way; a restore follows either way.
func (o Options) selectedOutcomes(origin journal.Label) []journal.Outcome {
	if o.Command == journal.CommandRestore {
		return restoredOutcomes(origin)
	}
	if (origin != journal.Label{Command: o.Command, KeepLink: o.KeepLink, DryRun: true}) {
		return nil
	}
	if o.Command == journal.CommandEnable {
		return []journal.Outcome{journal.WouldEnable}
	}
	return []journal.Outcome{journal.WouldDisable}
}

// restoredOutcomes is selectedOutcomes for restore.
func restoredOutcomes(origin journal.Label) []journal.Outcome {
	switch {
	case origin.Command == journal.CommandRestore && origin.DryRun:
		return []journal.Outcome{journal.WouldRestore}
	case origin.DryRun:
		return nil
	case origin.Command == journal.CommandDisable:
		return []journal.Outcome{journal.Disabled, journal.Unknown}
	case origin.Command == journal.CommandEnable:
		return []journal.Outcome{journal.Enabled, journal.Unknown}
	}
	return nil
}

// normalizeOutcome corrects an outcome that a person has typed, such as
// "Not selected".
func (r *csvRecord) normalizeOutcome() {
	if !journal.Outcome(r.Outcome).Known() {
		r.Outcome = cell(normalize(string(r.Outcome)))
	}
}

// validate refuses a row of a results file that is of another run than the first
// row, or of a run that the command does not accept. HasCorrelationID
// says that the file has the column correlation_id, which a restore can do without: earlier
// versions had none. The error lacks its place.
func (o *origin) validate(r *csvRecord, opt Options, hasCorrelationID bool) *Error {
	refuse := func(hint, format string, args ...any) *Error {
		return &Error{Message: fmt.Sprintf(format, args...), Hint: hint}
	}
	command := journal.ParseLabel(string(r.Command))
	if o.lines == nil {
		*o = origin{command: command, tenant: string(r.Tenant), lines: map[int]bool{}}
	}
	if at, err := time.Parse(time.RFC3339, string(r.FinishedAt)); err == nil && at.After(o.last) { // else a spreadsheet has changed it
		o.last = at
	}
	switch {
	case !journal.Outcome(r.Outcome).Known():
		return refuse("set it to not_selected to leave the row out", "unknown outcome %s", quote(string(r.Outcome)))
	case r.Command == "" || r.Tenant == "":
		return refuse("put them back as they are in the other rows, or delete the row", "the row has no command or no tenant")
	case command != o.command:
		return refuse(oneRunHint, "the command %s differs from %s in earlier rows",
			quote(string(r.Command)), quote(o.command.String()))
	case string(r.Tenant) != o.tenant:
		return refuse(oneRunHint, "the tenant %s differs from %s in earlier rows",
			quote(string(r.Tenant)), quote(o.tenant))
	case opt.selectedOutcomes(o.command) == nil:
		return refuse(opt.otherRunHint(o.command), "these are the results of %s, which %s does not accept", quote(o.command.String()), opt.label())
	case o.command.DryRun && hasCorrelationID:
		return o.validateAnnounced(r, opt)
	case o.command.DryRun && opt.Command != journal.CommandRestore:
		return refuse("put it back as the dry run wrote it", "the results file has no column correlation_id")
	case o.run == "":
		o.run, _, _ = journal.ParseCorrelationID(string(r.CorrelationID))
	}
	return nil
}

const oneRunHint = "use the results of one run at a time"

// validateAnnounced refuses a row that is not as the dry run wrote it, by its correlation
// id, which has run, line, and a check over these and the pair. That finds mistakes, and
// no forger.
func (o *origin) validateAnnounced(r *csvRecord, opt Options) *Error {
	id := string(r.CorrelationID)
	run, line, whole := journal.ParseCorrelationID(id)
	if cell := string(r.Line); cell != "" && (!whole || cell != strconv.Itoa(line)) {
		whole = false
		line, _ = strconv.Atoi(cell)
	}
	if line > 0 && o.lines[line] {
		return &Error{Message: fmt.Sprintf("line %d of the dry run's list appears twice", line), Hint: "delete one of the rows, or both"}
	}
	o.lines[line] = true
	if !slices.Contains(opt.selectedOutcomes(o.command), journal.Outcome(r.Outcome)) {
		return nil
	}
	if o.run == "" {
		o.run = run
	}
	switch {
	case !whole, journal.CorrelationID(run, line, string(r.OrgID), string(r.ConnectionID)) != id:
		return &Error{
			Message: fmt.Sprintf("the row was not announced: its line, ids and correlation_id %s do not belong together", quote(id)),
			Hint:    "delete the row or set its outcome to not_selected; to have it done, add it to the list and make a new dry run",
		}
	case run != o.run:
		return &Error{Message: fmt.Sprintf("the row is of the dry run %s, earlier rows are of %s", run, o.run), Hint: oneRunHint}
	}
	return nil
}

// otherRunHint says what to do with the results of a run that the command does not
// accept. It keeps what a reviewer has decided.
func (o Options) otherRunHint(origin journal.Label) string {
	o.KeepLink = !o.KeepLink
	switch {
	case o.selectedOutcomes(origin) != nil:
		return "a run goes the way of its dry run: with --keep-link if that had it, else without"
	case origin.DryRun:
		return "orgconn " + origin.Command + " does what this dry run announced"
	case origin.Command == journal.CommandRestore:
		return "no command undoes a restore: use the list of the run that it undid"
	case o.Command == journal.CommandRestore:
		return "give restore the results of a disable or an enable"
	}
	return resultsHint
}

// label is the command as a user types it.
func (o Options) label() string {
	return journal.Label{Command: o.Command, KeepLink: o.KeepLink && o.Command == journal.CommandDisable, DryRun: o.DryRun}.String()
}
