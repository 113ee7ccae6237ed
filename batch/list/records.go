package list

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/orgconn/orgconn/batch/journal"
)

// Record is a record of the input, blank ones aside.
type Record struct {
	Line int // physical line at which the record starts, from 1
	// OrgID, ConnectionID, OrgName and ConnectionName are the cells as given,
	// trimmed, whether valid or not. An id that is not given is the one found
	// for the name; it is empty where that was not looked up yet, or found
	// nothing. OrgName is empty in a results file.
	OrgID, ConnectionID, OrgName, ConnectionName string
	// Outcome is what the list alone decides: journal.Invalid, Duplicate,
	// NotSelected, NotAttempted where beyond the limit, or NotFound where a name
	// was looked up in vain. It is empty for a row to be worked on.
	Outcome journal.Outcome
	Message string // why it has this outcome
	// Snapshot has the settings that restore is to give back; nil where there
	// are none, and for disable.
	Snapshot *journal.Snapshot
	Carried  []string // the carried-through cells, one for each of Carried's columns
}

// OrgToFind is the name of the organization of a row whose id is not known; ""
// where it is, or where the row is decided by something else than its names.
func (r Record) OrgToFind() string {
	if r.OrgID != "" || !r.goesByNames() {
		return ""
	}
	return r.OrgName
}

// ConnectionToFind is OrgToFind for the connection.
func (r Record) ConnectionToFind() string {
	if r.ConnectionID != "" || !r.goesByNames() {
		return ""
	}
	return r.ConnectionName
}

// goesByNames says whether what the row's names stand for matters. Of two that
// stand for nothing both are looked up, so that the message is always the same.
func (r Record) goesByNames() bool { return r.Outcome == "" || r.Outcome == journal.NotFound }

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
		duplicates := l.duplicates
		for n := 1; ; n++ {
			rec, err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			l.limit(&rec, n)
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
