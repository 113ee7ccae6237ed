package list

import (
	"fmt"
	"iter"

	"github.com/orgconn/orgconn/batch/journal"
)

// Record is a record of the input, blank ones aside.
type Record struct {
	Line int // physical line at which the record starts, from 1
	Size int // about what the record takes in memory, in bytes; the cells share its text
	// OrgID, ConnectionID, OrgName and ConnectionName are the cells as given,
	// trimmed, whether valid or not. Where the cell of an id is empty, it is the
	// id found for the name, if any. In a results file, names identify nothing.
	OrgID, ConnectionID, OrgName, ConnectionName string
	// Outcome is what the list alone decides: journal.Invalid, Duplicate,
	// NotSelected, NotAttempted (beyond the limit), or NotFound (the tenant lacks
	// a name). It is empty for a row to work on.
	Outcome journal.Outcome
	Message string // why it has this outcome
	// Snapshot has the settings that enable or restore is to give, without the
	// connection's name; nil if there are none, and for disable.
	Snapshot *journal.Snapshot
	Carried  []string // the carried-through cells, one for each of Carried's columns
}

// OrgToFind returns the name of the organization if its id is to be looked up, else
// "".
func (r Record) OrgToFind() string {
	if r.OrgID != "" || !r.needsNames() {
		return ""
	}
	return r.OrgName
}

// ConnectionToFind is OrgToFind for the connection.
func (r Record) ConnectionToFind() string {
	if r.ConnectionID != "" || !r.needsNames() {
		return ""
	}
	return r.ConnectionName
}

// needsNames reports whether the record's names matter. If one name is unknown,
// the other is still looked up, so that the message does not depend on which
// answer came first.
func (r Record) needsNames() bool { return r.Outcome == "" || r.Outcome == journal.NotFound }

// Records reads the file again, in constant memory, and yields every record in
// input order. An error ends the sequence; there is none unless the disk fails
// or the file has changed since Open.
func (l *List) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s, err := newScanner(l.content(), l.name, l.opt)
		if err != nil {
			yield(Record{}, err)
			return
		}
		n, duplicates := 0, l.duplicates
		for rec, err := range s.records() {
			if err != nil {
				yield(Record{}, err)
				return
			}
			n++
			l.opt.applyLimit(&rec, n)
			if len(duplicates) > 0 && rec.Line == duplicates[0].line {
				rec.Outcome = journal.Duplicate
				rec.Message = fmt.Sprintf("same pair as in line %d", duplicates[0].first)
				duplicates = duplicates[1:]
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// applyLimit leaves the n-th record out, counted from 1, if it is beyond the
// limit.
func (o Options) applyLimit(rec *Record, n int) {
	if o.Limit > 0 && n > o.Limit {
		rec.Outcome = journal.NotAttempted
		rec.Message = fmt.Sprintf("not among the first %d rows", o.Limit)
	}
}
