package list

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/orgconn/orgconn/batch/journal"
)

// Organization is an organization of the list with its rows to work on.
type Organization struct {
	ID string
	// Rows are in input order, at least one. They are part of the list and must
	// not be changed.
	Rows []Row
}

// Row is a row to work on.
type Row struct {
	Line                int // physical line of the input at which the row starts, from 1
	OrgID, ConnectionID string
	// Wanted is the Snapshot of the row's record: the settings that enable or restore is to
	// give. It is nil if the row has none, and for disable. If a restore undoes an enable,
	// it is the link as it was before, switched off; nil if there was none.
	Wanted *journal.Snapshot
}

// duplicate is a row whose pair another row has, which is the first of the pair.
type duplicate struct{ line, first int }

// group sorts the rows by organization and moves the duplicates out of them. It
// sorts in place: maps of a million entries would need far more memory.
func (l *List) group() {
	slices.SortFunc(l.rows, func(a, b Row) int {
		if c := strings.Compare(a.OrgID, b.OrgID); c != 0 {
			return c
		}
		if c := strings.Compare(a.ConnectionID, b.ConnectionID); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(l.opt.turn(a), l.opt.turn(b)), byLine(a, b))
	})
	l.separateDuplicates()
	for start := 0; start < len(l.rows); {
		rows := l.organization(start)
		for i := range rows {
			rows[i].OrgID = rows[0].OrgID // one text for all
		}
		slices.SortFunc(rows, byLine)
		l.starts = append(l.starts, start)
		start += len(rows)
	}
	slices.SortFunc(l.starts, func(a, b int) int { return byLine(l.rows[a], l.rows[b]) })
	l.counts.Organizations = len(l.starts)
	l.counts.Pairs = len(l.rows)
	l.counts.Duplicates = len(l.duplicates)
}

func byLine(a, b Row) int { return cmp.Compare(a.Line, b.Line) }

// turn orders the rows of a pair; those of the same turn go by line.
func (o Options) turn(r Row) int {
	if o.Begun != nil && o.Begun(r.Line) {
		return 0
	}
	return 1
}

// separateDuplicates moves each row that repeats the pair before it from the
// sorted rows to the duplicates.
func (l *List) separateDuplicates() {
	kept := l.rows[:0]
	for _, row := range l.rows {
		if n := len(kept); n > 0 && kept[n-1].OrgID == row.OrgID && kept[n-1].ConnectionID == row.ConnectionID {
			l.duplicates = append(l.duplicates, duplicate{line: row.Line, first: kept[n-1].Line})
			continue
		}
		kept = append(kept, row)
	}
	clear(l.rows[len(kept):])
	l.rows = kept
	slices.SortFunc(l.duplicates, func(a, b duplicate) int { return cmp.Compare(a.line, b.line) })
}

// organization returns the rows of the organization that begins at start.
func (l *List) organization(start int) []Row {
	end := start + 1
	for end < len(l.rows) && l.rows[end].OrgID == l.rows[start].OrgID {
		end++
	}
	return l.rows[start:end:end]
}

// Organizations yields the organizations in the order of their first
// appearance, with the rows that are valid, selected, within the limit and not
// a duplicate. It copies and allocates nothing.
func (l *List) Organizations() iter.Seq[Organization] {
	return func(yield func(Organization) bool) {
		for _, start := range l.starts {
			rows := l.organization(start)
			if !yield(Organization{ID: rows[0].OrgID, Rows: rows}) {
				return
			}
		}
	}
}

// DropRows frees the memory of the rows to work on, once they are done: Organizations and
// Connections yield none from then on. Counts and Records do not need them. The list must
// not be used by another goroutine at the same time.
func (l *List) DropRows() { l.rows, l.starts, l.connections = nil, nil, nil }

// Connections yields the connection of each row to work on.
func (l *List) Connections() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, row := range l.rows {
			if !yield(row.ConnectionID) {
				return
			}
		}
	}
}
