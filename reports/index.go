package reports

import (
	"io"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// index holds what of a journal does not grow with the list, and for each row
// where its records are: 16 bytes, as there may be millions of rows.
type index struct {
	journal  io.ReaderAt
	run      journal.Header // the last sitting's
	sittings []sitting      // at least one
	seen     []ref          // the Seen records
	lines    lines[places]
	timeline timeline
}

// places are where a line's last intent and last outcome are.
type places struct{ intent, outcome ref }

// ref is the place of a record: its offset, and in the low bits its length.
// 0 is none, as the first record is never a row's.
type ref uint64

const lengthBits = 21 // a record has up to 1 MiB

// sitting is the time at work of one process: a run has one, and one more each
// time that it is resumed.
type sitting struct {
	run     journal.Header
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
	ix := &index{journal: r}
	for e, err := range journal.NewReader(r).Entries() {
		if err != nil {
			return nil, err
		}
		at := ref(e.Offset)<<lengthBits | ref(e.Length)
		answered := false // to a write: its intent came before
		switch {
		case e.Intent != nil:
			ix.lines.at(e.Intent.Line).intent = at
		case e.Outcome != nil:
			places := ix.lines.at(e.Outcome.Line)
			answered = places.intent > places.outcome
			places.outcome = at
		case e.Names != nil && names != nil:
			names.Add(*e.Names)
		case e.Seen != nil:
			ix.seen = append(ix.seen, at)
		}
		s := ix.sittingOf(e.Record)
		ix.timeline.add(e.Record, s, answered)
		s.add(e.Record)
	}
	return ix, nil
}

// sittingOf is the sitting that a record belongs to, which may be a new one.
func (ix *index) sittingOf(rec journal.Record) *sitting {
	if rec.Header != nil {
		ix.run = *rec.Header
	}
	n := len(ix.sittings)
	if rec.Header == nil && ix.sittings[n-1].end == nil {
		return &ix.sittings[n-1]
	}
	next := sitting{run: ix.run, started: rec.At}
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
func (ix *index) read(at ref) (journal.Record, error) {
	return journal.ReadAt(ix.journal, int64(at>>lengthBits), int(at&(1<<lengthBits-1)))
}
