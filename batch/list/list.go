// Package list reads and validates a run's input: a CSV list of pairs of
// organization and connection, or the results file of an earlier run.
//
// [Open] reads the whole file, and refuses it or keeps the rows to work on: about
// 100 bytes for each. [List.Records] reads the file again and yields every record
// with the outcome that the list alone decides. [Result] defines the columns of
// a results file.
package list

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

// maxProblems is how many rows Problems and Unknown keep.
const maxProblems = 10

// Options say what the list is for.
type Options struct {
	// Command is journal.CommandDisable, CommandEnable or CommandRestore. It decides
	// which command's results files are accepted, which of their rows are selected, and
	// whether the settings in a list's columns are read.
	Command string
	// Connection is the id or the name of a connection that takes the place of each
	// row's; empty leaves the rows theirs.
	Connection string
	// DryRun only changes the command's name in messages: a dry run selects the
	// same rows.
	DryRun bool
	// KeepLink is that of the command. A run goes the way that its dry run announced.
	KeepLink bool
	// AnyID accepts ids of 1 to 46 letters and digits after the prefix, which servers
	// that are compatible with Auth0 may have. Auth0's own ids have 16.
	AnyID bool
	// MinRows refuses a list of fewer records, blank ones aside.
	MinRows int
	// Limit leaves out all but the first Limit records of the input; 0 is no
	// limit.
	Limit int
	// Names has the ids that are known for names. Open notes there the names that
	// are to be looked up. Nil: none is known, and none is noted.
	Names *Names
	// Begun reports whether an invocation may have sent a row's call. Of the rows of a
	// pair, such a row counts as the first: a name may be found after the run has worked
	// on a later row of its pair. Nil: none was.
	Begun func(line int) bool
	// Organizations are the ids of the organizations whose rows are selected, or their
	// names in the column org_name; none selects all. Each must have a row.
	Organizations []string
}

// List is a validated list. It may be used by several goroutines at the same
// time; only Identify and DropRows change it.
type List struct {
	file        *os.File
	name        string
	opt         Options
	carried     []string
	origin      origin
	rows        []Row             // to work on: by organization, in each by line
	connections map[string]string // see shared
	starts      []int             // where in rows each organization begins, in order of first appearance
	duplicates  []duplicate       // by line
	counts      Counts
	problems    []Problem
	unknown     []Problem
	lastLine    int // of the last record within the limit; 0: all are within it
}

// Counts counts the rows. Rows is the sum of Pairs and the fields after it.
type Counts struct {
	Rows          int // records of the input, blank ones aside
	Organizations int // those with a row to work on
	Pairs         int // rows to work on
	Unidentified  int // rows to work on once their names are looked up
	Invalid       int
	Duplicates    int
	NotSelected   int
	BeyondLimit   int
	// Rows with a name that the tenant does not have.
	UnknownOrganizations int
	UnknownConnections   int
}

// Problem is an invalid row, or one with a name that the tenant does not have.
type Problem struct {
	Line    int // physical line of the input at which the row starts, from 1
	Message string
}

// Open reads and validates the whole file. Path is where it is on disk; name is
// what messages call it ("pairs.csv", "standard input"). A file that cannot be
// used is refused with an [*Error]; any other error came from reading the disk.
// The file is kept open until Close, so it may be moved, but its content must not
// change.
func Open(path, name string, opt Options) (*List, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return OpenFile(file, name, opt)
}

// OpenFile is Open for a file that is open already. The list closes it, also if it
// is refused.
func OpenFile(file *os.File, name string, opt Options) (*List, error) {
	l := &List{file: file, name: name, opt: opt}
	if err := l.read(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// Identify reads the file again with the names that are known by now. The list
// must not be used by another goroutine at the same time.
func (l *List) Identify() error {
	*l = List{file: l.file, name: l.name, opt: l.opt}
	return l.read()
}

// Close closes the file; Records cannot be used after it.
func (l *List) Close() error { return l.file.Close() }

// read reads the whole file and keeps the rows to work on.
func (l *List) read() error {
	s, err := newScanner(l.content(), l.name, l.opt)
	if err != nil {
		return err
	}
	if err := l.readAll(s); err != nil {
		return err
	}
	if len(s.missing) > 0 {
		return &Error{File: l.name, Message: "no row of organization " + quote(s.missing[0]), Hint: "check --org", Organization: s.missing[0]}
	}
	l.carried, l.origin = s.columns.carried, s.origin
	l.group()
	return nil
}

// content reads the file from its start. Several readers may do so at once.
func (l *List) content() io.Reader { return io.NewSectionReader(l.file, 0, math.MaxInt64) }

// readAll counts the records and keeps those to work on.
func (l *List) readAll(s *scanner) error {
	usable := false
	var invalid Record // the first
	for rec, err := range s.records() {
		if err != nil {
			return err
		}
		usable = usable || rec.Outcome == "" || rec.Outcome == journal.NotFound
		if rec.Outcome == journal.Invalid && invalid.Line == 0 {
			invalid = rec
		}
		l.counts.Rows++
		if l.counts.Rows == l.opt.Limit {
			l.lastLine = rec.Line
		}
		l.opt.applyLimit(&rec, l.counts.Rows)
		l.add(rec)
	}
	if l.counts.Rows < l.opt.MinRows {
		return &Error{File: l.name, Message: fmt.Sprintf("%d rows are fewer than --min-rows %d", l.counts.Rows, l.opt.MinRows),
			Hint: "see whether the list is complete; if it is, give a smaller --min-rows"}
	}
	if invalid.Line > 0 && !usable {
		return noUsableRow(l.name, invalid, l.opt)
	}
	return nil
}

// add counts a record by its outcome, and keeps it if there is work to do on it.
func (l *List) add(rec Record) {
	switch rec.Outcome {
	case journal.NotAttempted:
		l.counts.BeyondLimit++
	case journal.NotSelected:
		l.counts.NotSelected++
	case journal.Invalid:
		l.counts.Invalid++
		l.problems = appendProblem(l.problems, rec)
	case journal.NotFound:
		if rec.OrgID == "" {
			l.counts.UnknownOrganizations++
		} else {
			l.counts.UnknownConnections++
		}
		l.unknown = appendProblem(l.unknown, rec)
		l.want(rec)
	default:
		if rec.OrgID == "" || rec.ConnectionID == "" {
			l.counts.Unidentified++
			l.want(rec)
			return
		}
		l.rows = append(l.rows, Row{rec.Line, rec.OrgID, l.shared(rec.ConnectionID), rec.Snapshot})
	}
}

// maxShared bounds the connections that shared remembers. Most lists have few.
const maxShared = 10_000

// shared returns the same text for the same connection, which saves memory.
func (l *List) shared(connection string) string {
	if known, ok := l.connections[connection]; ok {
		return known
	}
	if l.connections == nil {
		l.connections = map[string]string{}
	}
	if len(l.connections) < maxShared {
		l.connections[connection] = connection
	}
	return connection
}

func appendProblem(problems []Problem, rec Record) []Problem {
	if len(problems) == maxProblems {
		return problems
	}
	return append(problems, Problem{rec.Line, rec.Message})
}

// want notes the names of a record that are to be looked up.
func (l *List) want(rec Record) {
	if l.opt.Names == nil {
		return
	}
	if name := rec.OrgToFind(); name != "" {
		l.opt.Names.Organizations.Want(name)
	}
	if name := rec.ConnectionToFind(); name != "" {
		l.opt.Names.Connections.Want(name)
	}
}

// Carried returns the names that the carried-through columns have in
// results.csv, in the order of the input.
func (l *List) Carried() []string { return slices.Clone(l.carried) }

// Within reports whether the record at a line is within the limit.
func (l *List) Within(line int) bool { return l.lastLine == 0 || line <= l.lastLine }

// Tenant returns the tenant that a results file is from, as written there;
// empty for a plain list, and for a results file without a row.
func (l *List) Tenant() string { return l.origin.tenant }

// RunID returns the id of the run whose results the list is; empty for any other list, and
// if no row that is selected says it.
func (l *List) RunID() string { return l.origin.run }

// FinishedAt returns when the last row of a results file was finished, as the file says;
// the zero time for a plain list, and if the file does not say it.
func (l *List) FinishedAt() time.Time { return l.origin.last }

// FollowsDryRun reports whether the list is the results file of a dry run, which
// announced what would be done with its rows.
func (l *List) FollowsDryRun() bool { return l.origin.command.DryRun }

// KeepsLinks reports whether the list is the results file of a run that switched
// links off, with --keep-link.
func (l *List) KeepsLinks() bool { return l.origin.command.KeepLink }

// UndoesEnable reports whether the list is the results file of an enable that a
// restore undoes, or of such a restore's dry run.
func (l *List) UndoesEnable() bool {
	return l.opt.Command == journal.CommandRestore &&
		(l.origin.command.Command == journal.CommandEnable || l.origin.command.Undoes != "")
}

// RowsWithSettings counts the rows to work on that have settings of a link.
func (l *List) RowsWithSettings() (rows int) {
	for _, row := range l.rows {
		if row.Wanted != nil {
			rows++
		}
	}
	return rows
}

// Counts returns the numbers of rows.
func (l *List) Counts() Counts { return l.counts }

// Problems returns the first ten invalid rows.
func (l *List) Problems() []Problem { return slices.Clone(l.problems) }

// Unknown returns the first ten rows with a name that the tenant does not have.
func (l *List) Unknown() []Problem { return slices.Clone(l.unknown) }
