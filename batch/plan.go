package batch

import (
	"slices"
	"sync"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// checkAge is how old a check may be when a row's call is sent.
const checkAge = 5 * time.Minute

// row is a row to work on. Lost says that an earlier sitting made an attempt
// that may have taken effect.
type row struct {
	list.Row
	lost bool
}

// decision is what a check says of a row.
type decision struct {
	outcome  string // "": its call is to be sent
	message  string
	snapshot *journal.Connection // the link as it is; nil where there is none
}

// plan is an organization's rows, and what its last check says of them. It is
// safe for concurrent use.
type plan struct {
	org       string
	rows      []row
	unchecked bool // --no-check: nothing was read

	mu        sync.Mutex
	decisions []decision // by row
	begun     []bool     // by row: its call is on its way; nil where none is
	checkedAt time.Time
}

// decision is what the last check says of row i; fresh is false where that is
// too long ago to act on.
func (p *plan) decision(i int) (d decision, fresh bool) {
	if p.unchecked {
		return decision{}, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.decisions[i], time.Since(p.checkedAt) < checkAge
}

// begin takes row i out of later checks: its call is about to be sent.
func (p *plan) begin(i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun == nil {
		p.begun = make([]bool, len(p.rows))
	}
	p.begun[i] = true
}

// retract takes row i back to the rows that are open, if its check has grown too
// old, and says whether it did.
func (p *plan) retract(i int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unchecked || time.Since(p.checkedAt) < checkAge {
		return false
	}
	p.begun[i] = false
	return true
}

// open are the rows whose call is not on its way, with their places in the
// plan. Of the links, those that calls on their way are about to take do not
// count any more.
func (p *plan) open(links []apiclient.EnabledConnection) (rows []row, places []int, left []apiclient.EnabledConnection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, row := range p.rows {
		if p.begun == nil || !p.begun[i] {
			rows, places = append(rows, row), append(places, i)
			continue
		}
		links = slices.DeleteFunc(links, func(link apiclient.EnabledConnection) bool {
			return link.ConnectionID == row.ConnectionID
		})
	}
	return rows, places, links
}

// check notes what a new check says of the rows at these places.
func (p *plan) check(places []int, decisions []decision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.decisions == nil {
		p.decisions = make([]decision, len(p.rows))
	}
	for n, d := range decisions {
		p.decisions[places[n]] = d
	}
	p.checkedAt = time.Now().Round(0) // by the wall clock, which a suspended machine does not stop
}

// checked is when the last check was made.
func (p *plan) checked() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.checkedAt
}

// pending is the plan without the rows that are decided.
func (p *plan) pending() *plan {
	rest := &plan{org: p.org, checkedAt: p.checkedAt}
	for i, d := range p.decisions {
		if d.outcome == "" {
			rest.rows = append(rest.rows, p.rows[i])
			rest.decisions = append(rest.decisions, d)
		}
	}
	return rest
}
