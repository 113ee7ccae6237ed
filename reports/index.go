package reports

import (
	"cmp"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// index is what reports need to know of a journal. A list may have a million
// rows, so the index holds only the positions of their records.
type index struct {
	journal io.ReaderAt

	header      journal.Header // of the last invocation
	invocations []invocation   // at least one
	rows        rowTable
	seen        []string // connections named by Seen records

	organizations map[string]organization // the first maxCounted

	family   apiclient.Family
	timeline timeline
}

// organization is what the last check of an organization read, and where the journal
// has it.
type organization struct {
	waysIn int
	at     position
}

// rowRecords are the positions of a row's last intent and last outcome.
type rowRecords struct{ intentAt, outcomeAt position }

// rowTable has the records of rows by line, in blocks of lines. That takes half the memory
// of a map of rows. A list may have lines without a row, in any number, so the blocks are
// small.
type rowTable map[int]*[rowBlock]rowRecords

const rowBlock = 16

// at returns a row's records, to change them.
func (t rowTable) at(line int) *rowRecords {
	block := t[line/rowBlock]
	if block == nil {
		block = new([rowBlock]rowRecords)
		t[line/rowBlock] = block
	}
	return &block[line%rowBlock]
}

// of returns a row's records.
func (t rowTable) of(line int) rowRecords {
	if block := t[line/rowBlock]; block != nil {
		return block[line%rowBlock]
	}
	return rowRecords{}
}

// unanswered reports whether no outcome follows the last intent.
func (r rowRecords) unanswered() bool { return r.intentAt > r.outcomeAt }

// size is the length of the records in bytes.
func (r rowRecords) size() int { return int(r.intentAt&lengthMask + r.outcomeAt&lengthMask) }

// position is where a record is in the journal: its offset and, in the low bits, its
// length, both in bytes. A row has two, and there may be a million rows. 0 means
// that there is no record: the journal begins with a header. A length of 0 means that
// the record need not be read again.
type position uint64

const (
	lengthBits = 21 // a record has at most 1 MiB
	lengthMask = 1<<lengthBits - 1
)

func positionOf(e journal.Entry) position {
	return position(e.Offset)<<lengthBits | position(e.Length)
}

// invocation is one process at work on the run. A run has one, and one more each
// time it is resumed.
type invocation struct {
	header       journal.Header
	started      time.Time
	last         time.Time     // of its last record
	workedBefore time.Duration // by earlier invocations
	sample       journal.Sample
	intents      int
	end          *journal.End // nil: it still works or was killed
}

// readIndex reads a journal up to its tail; lines is how many lines the list has at
// most. If names is not nil, the ids that the run found for names are added to it.
func readIndex(r interface {
	io.Reader
	io.ReaderAt
}, lines int, names *list.Names) (*index, error) {
	ix := &index{journal: r, rows: make(rowTable), organizations: make(map[string]organization)}
	reader := journal.NewReader(r)
	reader.Lines = lines
	for e, err := range reader.Entries() {
		if err != nil {
			return nil, err
		}
		if e.Names != nil && names != nil {
			names.Add(*e.Names)
		}
		ix.add(e)
	}
	return ix, nil
}

// add adds a record.
func (ix *index) add(e journal.Entry) {
	if e.Seen != nil {
		ix.seen = append(ix.seen, e.Seen.Connections...)
	}
	answersWrite := ix.addRowRecord(e)
	if e.Organization != nil {
		ix.addOrganization(*e.Organization, positionOf(e))
	}
	if e.Family != nil {
		ix.family = e.Family.Name
	}
	inv := ix.invocationOf(e.Record)
	ix.timeline.add(e.Record, inv, answersWrite)
	inv.add(e.Record)
}

// addOrganization remembers the ways in of an organization. They are a help to the
// reader, so the index has room for those of a long list, but not of any list.
func (ix *index) addOrganization(o journal.Organization, at position) {
	if _, known := ix.organizations[o.ID]; known || len(ix.organizations) < maxCounted {
		ix.organizations[strings.Clone(o.ID)] = organization{o.WaysIn, at}
	}
}

// addRowRecord remembers the position of an intent or an outcome. It reports
// whether the record is an outcome that follows an intent, so that it answers a
// write.
func (ix *index) addRowRecord(e journal.Entry) (answersWrite bool) {
	at := positionOf(e)
	switch {
	case e.Intent != nil:
		if e.Intent.Snapshot == nil {
			at = at &^ lengthMask
		}
		ix.rows.at(e.Intent.Line).intentAt = at
	case e.Outcome != nil:
		r := ix.rows.at(e.Outcome.Line)
		answersWrite = r.unanswered()
		r.outcomeAt = at
	}
	return answersWrite
}

// begun reports whether a row's call may have been sent.
func (ix *index) begun(line int) bool { return ix.rows.of(line).intentAt != 0 }

// invocationOf returns the invocation that wrote the next record. A header begins a new
// one.
func (ix *index) invocationOf(rec journal.Record) *invocation {
	n := len(ix.invocations)
	if rec.Header == nil {
		return &ix.invocations[n-1]
	}
	ix.header = *rec.Header
	next := invocation{header: ix.header, started: rec.At}
	if n > 0 {
		previous := &ix.invocations[n-1]
		next.workedBefore = min(previous.workedBefore+previous.worked(), maxWorked)
		ix.timeline.pause(next.workedBefore, rec.At.Sub(previous.last))
	}
	ix.invocations = append(ix.invocations, next)
	return &ix.invocations[n]
}

// lastEnd is how the run ended; nil if it still goes on or was killed.
func (ix *index) lastEnd() *journal.End { return ix.invocations[len(ix.invocations)-1].end }

// add adds a record of the invocation.
func (inv *invocation) add(rec journal.Record) {
	inv.last = rec.At
	switch {
	case rec.Intent != nil:
		inv.intents++
	case rec.Sample != nil:
		inv.sample = *rec.Sample
	case rec.End != nil:
		inv.sample = rec.End.Final
		inv.end = rec.End // there is another one if the reports failed
	}
}

// calls returns the invocation's calls as far as they are known. If it was killed
// after its last sample, its intents tell how many writes it sent.
func (inv *invocation) calls() journal.Calls {
	calls := inv.sample.Calls
	if inv.end == nil {
		calls.Writes = max(calls.Writes, inv.intents)
	}
	return calls
}

// maxWorked keeps times that are no times of a run from overflowing when they are
// added.
const maxWorked = 100 * 365 * 24 * time.Hour

// worked is how long the invocation worked.
func (inv *invocation) worked() time.Duration { return inv.until(inv.last) }

// until is the time from the invocation's start; 0 if the clock was set back.
func (inv *invocation) until(t time.Time) time.Duration {
	return min(max(0, t.Sub(inv.started)), maxWorked)
}

var errChanged = errors.New("the journal has changed since it was read")

// readAt reads the record at a position.
func readAt(r io.ReaderAt, at position) (journal.Record, error) {
	return journal.ReadAt(r, int64(at>>lengthBits), int(at&lengthMask))
}

// join finds out what became of a record.
func (ix *index) join(rec list.Record) (list.Result, error) {
	r := list.Result{
		Record:  rec,
		Command: ix.header.Label().String(),
		Tenant:  ix.header.Tenant,
	}
	if rec.Outcome != "" { // decided by the list alone
		return r, nil
	}
	records := ix.rows.of(rec.Line)
	link, err := ix.addOutcome(&r, records)
	if link == nil && err == nil {
		link, err = ix.intendedLink(records.intentAt)
	}
	if err != nil {
		return list.Result{}, err
	}
	if ix.begun(rec.Line) || r.Outcome.Announced() {
		r.CorrelationID = journal.CorrelationID(ix.header.RunID, rec.Line, rec.OrgID, rec.ConnectionID)
	}
	r.Snapshot = shownSettings(ix.header.Command, r, link)
	if link != nil {
		r.ConnectionName = cmp.Or(link.Name, r.ConnectionName)
	}
	return r, nil
}

// shownSettings returns what the settings' columns of a row show. link is as the run
// found it, nil if it did not find one. An enable that changed the row shows the link as
// it was: restore goes by that, and removes what was not there. An enable that did not
// shows the settings that it was to give, for the run that follows its dry run.
func shownSettings(command string, r list.Result, link *journal.Snapshot) *journal.Snapshot {
	switch {
	case command == journal.CommandDisable:
		return link
	case command == journal.CommandEnable && r.Outcome.MayHaveChanged():
		return link
	}
	return r.Record.Snapshot
}

// addOutcome adds what became of a row, and returns the link that the outcome has.
func (ix *index) addOutcome(r *list.Result, records rowRecords) (link *journal.Snapshot, err error) {
	switch {
	case records == rowRecords{}:
		r.Outcome = journal.NotAttempted
		r.Message = "the run did not reach this row"
		return nil, nil
	case records.unanswered():
		r.Outcome = journal.Unknown
		r.Message = "the run ended before it recorded an answer; the call may have taken effect"
		return nil, nil
	}
	rec, err := readAt(ix.journal, records.outcomeAt)
	if err != nil {
		return nil, err
	}
	if rec.Outcome == nil {
		return nil, errChanged
	}
	r.Outcome = rec.Outcome.Outcome
	r.Message = rec.Outcome.Message
	r.Call = rec.Outcome.Call
	r.NoConnection = rec.Outcome.NoConnection
	r.LastLogin = rec.Outcome.LastLogin
	if r.Outcome.Reached() {
		r.FinishedAt = rec.At
	}
	return rec.Outcome.Snapshot, nil
}

// intendedLink returns the link as it was when the intent at a position was recorded,
// nil if there is no intent or it has no link.
func (ix *index) intendedLink(at position) (*journal.Snapshot, error) {
	if at&lengthMask == 0 {
		return nil, nil
	}
	rec, err := readAt(ix.journal, at)
	if err != nil {
		return nil, err
	}
	if rec.Intent == nil {
		return nil, errChanged
	}
	return rec.Intent.Snapshot, nil
}
