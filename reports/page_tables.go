package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// These bounds keep the tables by connection and by organization readable, and the page
// below 4 MB.
const (
	maxConnectionsShown   = 200
	maxOrganizationsShown = 500
)

// tallies are what became of the list's rows by connection and by organization, for at
// most maxCounted of each.
type tallies struct {
	connections, organizations map[string]*tally
	logins                     bool // the run asked for last logins
	enables                    bool // rows that are changed give an organization a way in
	index                      *index
}

// tally is what became of the rows of a connection or of an organization.
type tally struct {
	id, name string
	rows     int // to work on
	found    int // the check found the connection enabled
	changed  int // or would be
	blocked  int
	failed   int
	left     int       // not reached
	logins   int       // rows with a login in the tenant's log
	login    time.Time // the latest; zero: none
	asked    bool      // for the last login

	// The ways in of an organization; -1 if the check did not tell. There may be up to
	// unsure more after the run than after says, as answers were lost.
	before, after, unsure int
}

func newTallies(ix *index) *tallies {
	return &tallies{connections: make(map[string]*tally), organizations: make(map[string]*tally),
		enables: ix.header.Enables(), index: ix}
}

// add adds a row, unless it is none to work on.
func (ts *tallies) add(r list.Result) {
	switch r.Outcome {
	case journal.Duplicate, journal.NotSelected, journal.Invalid:
		return
	}
	if t := tallyOf(ts.connections, r.ConnectionID); t != nil {
		t.name = cmp.Or(t.name, strings.Clone(excerpt(r.ConnectionName, cellLength)))
		ts.count(t, r)
	}
	if t := tallyOf(ts.organizations, r.OrgID); t != nil {
		if t.rows == 0 {
			ts.addWaysIn(t, r.OrgID)
		}
		t.name = cmp.Or(t.name, strings.Clone(excerpt(r.OrgName, cellLength)))
		ts.count(t, r)
		ts.changeWaysIn(t, r)
	}
}

// tallyOf returns the tally of an id, which may be new; nil if there is no room.
func tallyOf(all map[string]*tally, id string) *tally {
	if t := all[id]; t != nil || id == "" || len(all) >= maxCounted {
		return t
	}
	id = strings.Clone(id) // holds no reference to the whole record
	t := &tally{id: id, before: -1, after: -1}
	all[id] = t
	return t
}

func (ts *tallies) count(t *tally, r list.Result) {
	t.rows++
	switch o := r.Outcome; {
	case o.Changed(), o.Announced():
		t.changed++
	case o == journal.Blocked:
		t.blocked++
	case o.Failed(false):
		t.failed++
	case !o.Reached():
		t.left++
	}
	if ts.wasEnabled(r) {
		t.found++
	}
	if login := loginTime(r.LastLogin); !login.IsZero() {
		t.logins++
		if login.After(t.login) {
			t.login = login
		}
	}
	t.asked = t.asked || r.LastLogin != ""
	ts.logins = ts.logins || r.LastLogin != ""
}

// wasEnabled reports whether the check found the row's connection enabled. A run
// without a check found nothing.
func (ts *tallies) wasEnabled(r list.Result) bool {
	if ts.enables {
		return r.Outcome == journal.AlreadyEnabled
	}
	return r.Outcome != journal.AlreadyDisabled && (r.Snapshot != nil || r.Outcome.Announced() || r.Outcome == journal.Blocked || r.Outcome == journal.Restored)
}

// addWaysIn takes the ways in from what the last check of an organization read.
func (ts *tallies) addWaysIn(t *tally, org string) {
	if o, ok := ts.index.organizations[org]; ok {
		t.before, t.after = o.waysIn, o.waysIn
	}
}

// changeWaysIn counts a row that gives or takes a way in, or may have. The last check has
// already seen what was sent before it; of a call that was in flight then, nobody knows.
func (ts *tallies) changeWaysIn(t *tally, r list.Result) {
	if t.before < 0 || !r.Outcome.MayHaveChanged() && !r.Outcome.Announced() {
		return
	}
	by := -1
	if ts.enables {
		by = 1
	}
	records := ts.index.rows.of(r.Line)
	seen := cmp.Or(records.intentAt, records.outcomeAt) < ts.index.organizations[r.OrgID].at
	switch {
	case r.Outcome.Announced():
		t.after += by
	case r.Outcome == journal.Unknown:
		t.after += min(by, 0)
		t.unsure++
	case seen:
		t.before -= by
	default:
		t.after += by
	}
}

// touched reports whether the run took a way in from the organization, may have, or was
// to. Of others it says nothing: whatever ways in they have, they had before.
func (t *tally) touched() bool { return t.changed+t.blocked+t.unsure > 0 }

// table is a table by connection or by organization.
type table struct {
	Columns []tableColumn
	Rows    [][]tableCell
	Total   int
	Left    int  // rows that the page has no room for
	Some    bool // the list has more than were counted
}

// tableColumn is a column of a table, with its cell for each tally.
type tableColumn struct {
	Title  string
	Number bool
	cell   func(*tally) tableCell
}

// tableCell is a cell. Code, Link and Small are for ids. Group shows a cell that is
// Marked as one to be looked at. A column of cells that are Nothing is left out.
type tableCell struct {
	Text, Link, Small     string
	Code, Marked, Nothing bool
	Group                 outcomeGroup
}

// tableOf makes a table of tallies that are sorted. It leaves out empty columns, and
// rows beyond a number.
func tableOf(all []*tally, columns []tableColumn, most int) *table {
	t := &table{Total: len(all), Left: max(0, len(all)-most), Some: len(all) >= maxCounted}
	all = all[:len(all)-t.Left]
	columns = slices.DeleteFunc(columns, func(c tableColumn) bool {
		return !slices.ContainsFunc(all, func(row *tally) bool { return !c.cell(row).Nothing })
	})
	for _, row := range all {
		var cells []tableCell
		for _, c := range columns {
			cells = append(cells, c.cell(row))
		}
		t.Rows = append(t.Rows, cells)
	}
	t.Columns = columns
	return t
}

// byConnection is the table by connection: those with the latest logins first, then
// those with the most rows that failed, then those with the most that are changed.
func (v *pageView) byConnection(ts *tallies) *table {
	all := slices.SortedFunc(maps.Values(ts.connections), func(a, b *tally) int {
		return cmp.Or(b.login.Compare(a.login), cmp.Compare(b.attention(), a.attention()), cmp.Compare(b.changed, a.changed), cmp.Compare(b.rows, a.rows), cmp.Compare(a.id, b.id))
	})
	found := "Had it enabled"
	if v.DryRun {
		found = "Have it enabled"
	}
	columns := []tableColumn{
		{Title: "Connection", cell: func(t *tally) tableCell { return tableCell{Text: excerpt(t.id, cellLength), Code: true, Small: t.name} }},
		numbers("Organizations in the list", func(t *tally) int { return t.rows }),
		numbers(found, func(t *tally) int { return t.found }),
	}
	columns = append(columns, v.outcomeColumns()...)
	columns = slices.Insert(columns, len(columns)-1, tableColumn{Title: "With a login", Number: true, cell: func(t *tally) tableCell {
		if !t.asked {
			return tableCell{Nothing: true}
		}
		return tableCell{Text: grouped(t.logins)}
	}})
	return tableOf(all, columns, maxConnectionsShown)
}

// byOrganization is the table by organization: those with the fewest ways in first, then
// those that need attention. It also counts the organizations for the verdict.
func (v *pageView) byOrganization(ts *tallies) *table {
	unknown := func(t *tally) int { // last
		if t.after < 0 {
			return 1
		}
		return 0
	}
	all := slices.SortedFunc(maps.Values(ts.organizations), func(a, b *tally) int {
		return cmp.Or(cmp.Compare(unknown(a), unknown(b)), cmp.Compare(a.after, b.after), cmp.Compare(b.attention(), a.attention()),
			cmp.Compare(b.changed, a.changed), cmp.Compare(a.id, b.id))
	})
	for _, t := range all {
		if t.changed > 0 {
			v.changedIn++
		}
		switch {
		case ts.enables || t.after < 0 || !t.touched():
		case t.unsure > 0:
			v.UnsureWaysIn++
		case t.after == 0:
			v.NoWayIn++
		case t.after == 1:
			v.OneWayIn++
		}
	}
	if len(all) >= maxCounted {
		v.changedIn = -1
	}
	columns := []tableColumn{
		{Title: "Organization", cell: func(t *tally) tableCell {
			return tableCell{Text: excerpt(t.id, cellLength), Code: true, Link: v.Link(t.id), Small: t.name}
		}},
		{Title: "Ways in before", Number: true, cell: func(t *tally) tableCell { return waysIn(t.before, 0, false) }},
		{Title: "Ways in after", Number: true, cell: func(t *tally) tableCell { return waysIn(t.after, t.unsure, !ts.enables && t.touched()) }},
		numbers("Connections in the list", func(t *tally) int { return t.rows }),
	}
	return tableOf(all, append(columns, v.outcomeColumns()...), maxOrganizationsShown)
}

func (t *tally) attention() int { return t.blocked + t.failed }

// outcomeColumns are the columns that both tables have.
func (v *pageView) outcomeColumns() []tableColumn {
	verb, again := v.verb()
	done := capitalized(verb + again)
	if v.DryRun {
		done = "Would be " + verb + again
	}

	return []tableColumn{
		numbers(done, func(t *tally) int { return t.changed }),
		numbers("Blocked", func(t *tally) int { return t.blocked }),
		numbers("Failed, unknown, not found", func(t *tally) int { return t.failed }),
		numbers("Not reached", func(t *tally) int { return t.left }),
		{Title: "Last login", cell: func(t *tally) tableCell { return v.loginCell(t) }},
	}
}

func numbers(title string, n func(*tally) int) tableColumn {
	return tableColumn{Title: title, Number: true, cell: func(t *tally) tableCell { return tableCell{Text: grouped(n(t)), Nothing: n(t) == 0} }}
}

// waysIn marks a last way in, and that there is none.
func waysIn(n, unsure int, mark bool) tableCell {
	if n < 0 {
		return tableCell{Nothing: true}
	}
	c := tableCell{Text: strconv.Itoa(n), Marked: mark && n <= 1, Group: blocked}
	if unsure > 0 {
		c.Text += fmt.Sprintf(" to %d", n+unsure)
	}
	if n == 0 {
		c.Group = failed
	}
	return c
}

// loginCell says when the latest login was, and how long before the run.
func (v *pageView) loginCell(t *tally) tableCell {
	switch days := int(v.StartedAt.Sub(t.login).Hours() / 24); {
	case !t.asked:
		return tableCell{Nothing: true}
	case t.login.IsZero():
		return tableCell{Text: "none"}
	case days < 1:
		return tableCell{Text: utc(t.login), Small: "less than a day before the run"}
	default:
		return tableCell{Text: utc(t.login), Small: fmt.Sprintf("%s before the run", Counted(days, "day"))}
	}
}
