package reports

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// These bounds keep the page below 4 MB, however long the list is.
const (
	maxPageRows  = 10_000
	maxPageBytes = 3_500_000 // of encoded rows
	cellLength   = 60        // characters of a cell
	textLength   = 300       // characters of a message
)

// pageRows are the rows that the page may show. Urgent rows have priority.
type pageRows struct{ urgent, others boundedRows }

// boundedRows are encoded rows in the list's order, the first that fit the page.
type boundedRows struct {
	rows  []encodedRow
	bytes int
}

type encodedRow struct {
	line int
	json string // json.Marshal escapes "<", so it cannot end the script element that it is in
}

func (b *boundedRows) full() bool { return len(b.rows) >= maxPageRows || b.bytes >= maxPageBytes }

func (b *boundedRows) add(row encodedRow) {
	b.rows = append(b.rows, row)
	b.bytes += len(row.json)
}

// add keeps a row if the page may have room for it.
func (p *pageRows) add(r list.Result, attention, urgent bool) error {
	rows := &p.others
	if urgent {
		rows = &p.urgent
	}
	if rows.full() {
		return nil
	}
	cells := pageCells(r, attention)
	values := make([]any, 0, len(cells)+len(r.Carried))
	for _, cell := range cells {
		values = append(values, cell.value)
	}
	for _, cell := range r.Carried {
		values = append(values, excerpt(cell, cellLength))
	}
	encoded, err := json.Marshal(values)
	if err != nil {
		return err
	}
	rows.add(encodedRow{r.Line, string(encoded)})
	return nil
}

// chosen returns the rows that the page shows, in the list's order.
func (p *pageRows) chosen() []string {
	shown := boundedRows{slices.Clone(p.urgent.rows), p.urgent.bytes}
	for _, row := range p.others.rows {
		if shown.full() {
			break
		}
		shown.add(row)
	}
	slices.SortFunc(shown.rows, func(a, b encodedRow) int { return cmp.Compare(a.line, b.line) })
	all := make([]string, len(shown.rows))
	for i, row := range shown.rows {
		all[i] = row.json
	}
	return all
}

// pageCell is a cell of a row in the page's data, with the name of its column.
type pageCell struct {
	column string
	value  any
}

// pageColumns are the columns of pageCells.
func pageColumns() (names []string) {
	for _, cell := range pageCells(list.Result{}, false) {
		names = append(names, cell.column)
	}
	return names
}

// pageCells are the cells of a row that page.js reads; the carried-through ones
// follow them. Long texts are shortened and invisible characters made visible.
func pageCells(r list.Result, attention bool) []pageCell {
	var call journal.Call
	if r.Call != nil {
		call = *r.Call
	}
	finished := int64(0) // Unix time in milliseconds
	if !r.FinishedAt.IsZero() {
		finished = r.FinishedAt.UnixMilli()
	}
	short := func(cell string) string { return excerpt(cell, cellLength) }
	return []pageCell{
		{"line", r.Line},
		{"attention", attention},
		{"org", short(r.OrgID)},
		{"orgName", short(r.OrgName)},
		{"connection", short(r.ConnectionID)},
		{"name", short(r.ConnectionName)},
		{"outcome", r.Outcome},
		{"message", excerpt(r.Message, textLength)},
		{"httpStatus", call.Status},
		{"errorCode", short(call.ErrorCode)},
		{"attempts", call.Attempts},
		{"finished", finished},
		{"duration", call.DurationMS},
		{"request", short(call.RequestID)},
		{"login", lastLogin(r.LastLogin)},
		{"correlation", short(r.CorrelationID)},
	}
}

// lastLogin is a last login as the page shows it. Its times sort as texts.
func lastLogin(cell string) string {
	if at := loginTime(cell); !at.IsZero() {
		return utc(at)
	}
	return excerpt(cell, cellLength)
}

// loginTime is the time of a last login; zero if there is none.
func loginTime(cell string) (at time.Time) {
	if cell != "" { // as in most runs
		at, _ = time.Parse(time.RFC3339, cell)
	}
	return at
}
