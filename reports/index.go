package reports

import (
	"cmp"
	"io"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// index holds what is needed of a journal. Of a row it holds only where its
// records are: a list may have a million rows.
type index struct {
	journal  io.ReaderAt
	header   journal.Header // the last sitting's
	sittings []sitting      // at least one
	rows     map[int]rowRecords
	seen     []string // connections that the Seen records name
	timeline timeline
}

// rowRecords are the places of a row's last intent and last outcome.
type rowRecords struct{ intentAt, outcomeAt recordPlace }

// unanswered reports whether the last intent has no outcome yet.
func (r rowRecords) unanswered() bool { return r.intentAt.offset > r.outcomeAt.offset }

// recordPlace is where a record is in the journal, in bytes. The zero value is
// none, as the first record is never a row's.
type recordPlace struct {
	offset int64
	length int
}

// sitting is the time at work of one process: a run has one, and one more each
// time that it is resumed.
type sitting struct {
	header  journal.Header
	started time.Time
	last    time.Time     // of its last record
	offset  time.Duration // at work before it
	sample  journal.Sample
	intents int
	end     *journal.End // nil: it goes on or was killed
}

// readIndex reads a journal up to its tail. Names, where they are wanted, are told
// what was looked up.
func readIndex(r interface {
	io.Reader
	io.ReaderAt
}, names *list.Names) (*index, error) {
	ix := &index{journal: r, rows: make(map[int]rowRecords)}
	for e, err := range journal.NewReader(r).Entries() {
		if err != nil {
			return nil, err
		}
		if e.Names != nil && names != nil {
			names.Add(*e.Names)
		}
		if e.Seen != nil {
			ix.seen = append(ix.seen, e.Seen.Connections...)
		}
		s := ix.sittingOf(e.Record)
		ix.timeline.add(e.Record, s, ix.addRowRecord(e))
		s.add(e.Record)
	}
	return ix, nil
}

// addRowRecord notes the place of an intent or an outcome, and reports whether
// the record answers a write, whose intent came before.
func (ix *index) addRowRecord(e journal.Entry) (answersWrite bool) {
	place := recordPlace{e.Offset, e.Length}
	switch {
	case e.Intent != nil:
		r := ix.rows[e.Intent.Line]
		r.intentAt = place
		ix.rows[e.Intent.Line] = r
	case e.Outcome != nil:
		r := ix.rows[e.Outcome.Line]
		answersWrite = r.unanswered()
		r.outcomeAt = place
		ix.rows[e.Outcome.Line] = r
	}
	return answersWrite
}

// sittingOf is the sitting that a record belongs to, which may be a new one.
func (ix *index) sittingOf(rec journal.Record) *sitting {
	if rec.Header != nil {
		ix.header = *rec.Header
	}
	n := len(ix.sittings)
	if rec.Header == nil && ix.sittings[n-1].end == nil {
		return &ix.sittings[n-1]
	}
	next := sitting{header: ix.header, started: rec.At}
	if n > 0 {
		former := &ix.sittings[n-1]
		next.offset = former.offset + former.worked()
		ix.timeline.pause(next.offset, rec.At.Sub(former.last))
	}
	ix.sittings = append(ix.sittings, next)
	return &ix.sittings[n]
}

// add takes in a record of the sitting.
func (s *sitting) add(rec journal.Record) {
	s.last = rec.At
	switch {
	case rec.Intent != nil:
		s.intents++
	case rec.Sample != nil:
		s.sample = *rec.Sample
	case rec.End != nil:
		s.sample = rec.End.Final
		s.end = rec.End
	}
}

// calls are the sitting's calls, as far as they are known: what was killed between
// two samples has noted an intent for each write.
func (s *sitting) calls() journal.Calls {
	calls := s.sample.Calls
	if s.end == nil {
		calls.Writes = max(calls.Writes, s.intents)
	}
	return calls
}

// worked is the sitting's time; a clock that went backwards makes it 0.
func (s *sitting) worked() time.Duration { return max(0, s.last.Sub(s.started)) }

// read reads the record at a place.
func (ix *index) read(at recordPlace) (journal.Record, error) {
	return journal.ReadAt(ix.journal, at.offset, at.length)
}

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
