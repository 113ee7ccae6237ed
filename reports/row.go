package reports

import (
	"cmp"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// row is a record of the input with what became of it. Its Snapshot has the settings
// from before the change, in a restore those to be given back.
type row struct {
	list.Record
	Call       *journal.Call // nil: none to tell of
	FinishedAt time.Time     // zero where nothing was finished
}

// connectionName is the name that was read, or else the one in the list.
func (r row) connectionName() string {
	if r.Snapshot == nil {
		return r.ConnectionName
	}
	return cmp.Or(r.Snapshot.Name, r.ConnectionName)
}

// join finds out what became of a record.
func (ix *index) join(rec list.Record) (row, error) {
	r := row{Record: rec}
	if rec.Outcome != "" { // the list has decided
		return r, nil
	}
	records := ix.rows[rec.Line]
	switch {
	case records == rowRecords{}:
		r.Outcome = journal.NotAttempted
		r.Message = "the run did not reach it"
	case records.unanswered():
		r.Outcome = journal.Unknown
		r.Message = "the run was cut off before it noted an answer: the call may have taken effect"
	default:
		if err := ix.addOutcome(&r, records.outcomeAt); err != nil {
			return row{}, err
		}
	}
	if records.intentAt.length > 0 && r.Snapshot == nil {
		rec, err := ix.read(records.intentAt)
		if err != nil {
			return row{}, err
		}
		r.Snapshot = rec.Intent.Snapshot
	}
	return r, nil
}

// addOutcome adds the outcome that was noted.
func (ix *index) addOutcome(r *row, at recordPlace) error {
	rec, err := ix.read(at)
	if err != nil {
		return err
	}
	r.Outcome = rec.Outcome.Outcome
	r.Message = rec.Outcome.Message
	r.Call = rec.Outcome.Call
	if r.Outcome.Decided() {
		r.FinishedAt = rec.At
	}
	if r.Snapshot == nil {
		r.Snapshot = rec.Outcome.Snapshot
	}
	return nil
}
