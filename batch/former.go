package batch

import (
	"iter"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// Former is what earlier sittings of a run made of its rows. Nil is a run's first
// sitting.
type Former struct {
	Run journal.Header // of the last sitting
	End *journal.End   // of the last sitting; nil where that was killed
	// Names are those of the list that were looked up.
	Names list.Names

	fates   journal.Fates
	unblock bool
}

// ReadFormer reads what a journal's records say.
func ReadFormer(entries iter.Seq2[journal.Entry, error]) (*Former, error) {
	f := &Former{}
	for e, err := range entries {
		switch {
		case err != nil:
			return nil, err
		case e.Header != nil:
			f.Run, f.End = *e.Header, nil
		case e.End != nil:
			f.End = e.End
		case e.Names != nil:
			f.Names.Add(*e.Names)
		}
		f.fates.Add(e.Record)
	}
	return f, nil
}

// Unblock has rows that were blocked tried again.
func (f *Former) Unblock() { f.unblock = true }

// Left counts the rows of the run's list that are to be tried, or tried again.
func (f *Former) Left(l *list.List) int {
	left := l.Counts().Unidentified
	for org := range l.Organizations() {
		for _, row := range org.Rows {
			if f.open(f.outcome(row.Line)) {
				left++
			}
		}
	}
	return left
}

// Exceeds reports whether calls were made, or decided against, for rows beyond
// the list's limit, whose outcomes a shorter slice would lose.
func (f *Former) Exceeds(l *list.List) bool {
	for line := range f.fates.Lines() {
		if outcome := f.outcome(line); outcome != "" && outcome != journal.NotAttempted && !l.Within(line) {
			return true
		}
	}
	return false
}

// outcome is a row's outcome so far, "" where it has none.
func (f *Former) outcome(line int) journal.Outcome {
	if f == nil {
		return ""
	}
	return f.fates.Outcome(line)
}

// open says whether a row with this outcome is to be tried, or tried again.
// Every other outcome is final.
func (f *Former) open(outcome journal.Outcome) bool {
	switch outcome {
	case "", journal.Failed, journal.Unknown, journal.NotAttempted:
		return true
	case journal.Blocked:
		return f.unblock
	}
	return false
}

// organizations yields what is to be done: in the first sitting every
// organization of the list with its rows. Later ones take the rows that are
// open, beginning with organizations that have a row never attempted.
func (r *Run) organizations() iter.Seq2[string, []*row] {
	return func(yield func(string, []*row) bool) {
		for _, untried := range []bool{true, false} {
			for org := range r.List.Organizations() {
				rows, hasUntried := r.openRows(org.Rows)
				if len(rows) > 0 && hasUntried == untried && !yield(org.ID, rows) {
					return
				}
			}
			if r.Former == nil {
				return
			}
		}
	}
}

// openRows are the rows that are to be tried.
func (r *Run) openRows(all []list.Row) (rows []*row, untried bool) {
	for _, candidate := range all {
		outcome := r.Former.outcome(candidate.Line)
		if r.Former.open(outcome) {
			rows = append(rows, &row{Row: candidate, lost: outcome == journal.Unknown})
			untried = untried || outcome == "" || outcome == journal.NotAttempted
		}
	}
	return rows, untried
}

// takeOver counts what is to be done, and what earlier sittings did.
func (r *Run) takeOver() {
	if r.Former == nil {
		counts := r.List.Counts()
		r.todo.organizations, r.todo.rows = counts.Organizations, counts.Pairs
		return
	}
	for org := range r.List.Organizations() {
		rows, _ := r.openRows(org.Rows)
		r.todo.rows += len(rows)
		if len(rows) > 0 {
			r.todo.organizations++
		}
		for _, row := range org.Rows {
			r.takeOverRow(r.Former.outcome(row.Line))
		}
	}
}

// takeOverRow counts a row that is not tried again.
func (r *Run) takeOverRow(outcome journal.Outcome) {
	if r.Former.open(outcome) {
		return
	}
	r.before.add(outcome)
	if outcome == r.action.done() {
		r.changes.Add(1)
	}
	if outcome != journal.NotFound {
		r.found.Store(true)
	}
}
