package batch

import (
	"iter"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// History is what earlier invocations of a run did to its rows. Nil is that of a
// run's first invocation.
type History struct {
	Header journal.Header // of the last invocation
	First  journal.Header // of the first one, with the settings of the run
	End    *journal.End   // of the last invocation; nil where it was killed
	Names  list.Names     // of the list, as far as they were looked up

	// If Unblock is set, blocked rows are tried again.
	Unblock bool

	knownFamily  apiclient.Family // of endpoints; "" where that was not known yet
	rows         map[int]past     // by line
	seen         []string         // connections of the list that organizations had unpaired
	noConnection int              // rows whose connection does not exist
}

// past is what earlier invocations did to a row.
type past struct {
	outcome journal.Outcome
	begun   bool // it has an intent
	off     bool // its link was found there, switched off
	// link is that of an unknown row, as it was before the attempt that may have taken
	// effect. Without a check, a new attempt keeps it: nobody reads another one.
	link *journal.Snapshot
}

// Replay reads what a journal's records say. A row whose call was begun and not
// settled is unknown.
func Replay(entries iter.Seq2[journal.Entry, error]) (*History, error) {
	begun := false
	h := &History{rows: map[int]past{}}
	for e, err := range entries {
		switch {
		case err != nil:
			return nil, err
		case e.Header != nil:
			if !begun {
				begun, h.First = true, *e.Header
			}
			h.Header, h.End = *e.Header, nil
		case e.End != nil:
			h.End = e.End
		case e.Names != nil:
			h.Names.Add(*e.Names)
		case e.Family != nil:
			h.knownFamily = e.Family.Name
		case e.Intent != nil:
			h.addIntent(*e.Intent)
		case e.Seen != nil:
			h.seen = append(h.seen, e.Seen.Connections...)
		case e.Outcome != nil:
			h.addOutcome(*e.Outcome)
		}
	}
	return h, nil
}

func (h *History) addIntent(i journal.Intent) {
	row := h.rows[i.Line]
	row.outcome, row.begun, row.link = journal.Unknown, true, i.Snapshot
	row.off = row.off || h.Header.Enables() && i.Snapshot != nil
	h.rows[i.Line] = row
}

func (h *History) addOutcome(o journal.RowOutcome) {
	row := h.rows[o.Line]
	row.outcome = o.Outcome
	if o.Outcome != journal.Unknown {
		row.link = nil
	}
	// With these outcomes, only a link that is switched off has a snapshot.
	row.off = row.off || o.Snapshot != nil && (o.Outcome == journal.AlreadyDisabled || o.Outcome == journal.WouldEnable)
	h.rows[o.Line] = row
	if o.NoConnection {
		h.noConnection++
	}
}

// Begun reports whether a row's call may have been sent.
func (h *History) Begun(line int) bool { return h.rows[line].begun }

// Left counts the rows of the run's list that are to be tried, or tried again.
func (h *History) Left(l *list.List) int {
	left := l.Counts().Unidentified
	for org := range l.Organizations() {
		for _, row := range org.Rows {
			if h.toDo(row.Line) {
				left++
			}
		}
	}
	return left
}

// HasRowsBeyond reports whether rows beyond the list's limit were decided, whose
// outcomes a shorter slice would lose.
func (h *History) HasRowsBeyond(l *list.List) bool {
	for line, row := range h.rows {
		if row.outcome.Reached() && !l.Within(line) {
			return true
		}
	}
	return false
}

// family is the family of endpoints that the run goes by, "" where that is not known.
func (h *History) family() apiclient.Family {
	if h == nil {
		return ""
	}
	return h.knownFamily
}

// row is what was done to a row.
func (h *History) row(line int) past {
	if h == nil {
		return past{}
	}
	return h.rows[line]
}

// toDo reports whether a row is to be tried, or tried again.
func (h *History) toDo(line int) bool { return h == nil || h.rows[line].outcome.Open(h.Unblock) }

// organizations yields what is to be done. In the first invocation that is every
// organization of the list with its rows. Later ones take the rows that are to do,
// beginning with organizations that have a row never attempted.
func (r *Run) organizations() iter.Seq2[string, []*row] {
	return func(yield func(string, []*row) bool) {
		for _, untried := range []bool{true, false} {
			for org := range r.List.Organizations() {
				rows, hasUntried := r.rowsToDo(org.Rows)
				if len(rows) > 0 && hasUntried == untried && !yield(org.ID, rows) {
					return
				}
			}
			if r.History == nil {
				return
			}
		}
	}
}

// rowsToDo are the rows that are to be tried.
func (r *Run) rowsToDo(all []list.Row) (rows []*row, untried bool) {
	for _, listed := range all {
		if r.History.toDo(listed.Line) {
			before := r.History.row(listed.Line)
			todo := &row{Row: listed, maybeDone: before.outcome == journal.Unknown, wasOff: before.off}
			todo.link = before.link
			rows = append(rows, todo)
			untried = untried || !before.outcome.Reached()
		}
	}
	return rows, untried
}

// countEarlier counts what is to be done, and what earlier invocations did.
func (r *Run) countEarlier() {
	if r.History == nil {
		counts := r.List.Counts()
		r.books.todo.organizations, r.books.todo.rows = counts.Organizations, counts.Pairs
		return
	}
	for _, id := range r.History.seen {
		r.books.seen.add(id)
	}
	if r.History.noConnection > 0 { // their organizations exist
		r.books.noConnection.Store(int64(r.History.noConnection))
		r.books.found.Store(true)
	}
	for org := range r.List.Organizations() {
		open := 0
		for _, row := range org.Rows {
			before := r.History.row(row.Line)
			outcome := before.outcome
			if r.History.toDo(row.Line) {
				open++
			} else {
				r.countEarlierRow(outcome)
			}
			switch {
			case outcome.Changed(), outcome == journal.AlreadyEnabled, outcome == journal.Blocked && r.Command == journal.CommandDisable, before.off:
				r.books.seen.add(row.ConnectionID)
			case outcome == r.outcomeIfAbsent():
				r.books.seen.miss(row)
			}
		}
		r.books.todo.rows += open
		if open > 0 {
			r.books.todo.organizations++
		}
	}
}

// countEarlierRow counts a row that is not tried again.
func (r *Run) countEarlierRow(outcome journal.Outcome) {
	r.books.earlier.add(outcome)
	if outcome.Changed() || outcome.Announced() {
		r.books.changes.Add(1)
	}
	if outcome != journal.NotFound {
		r.books.found.Store(true)
	}
}
