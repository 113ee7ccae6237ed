package batch

import (
	"sync"
	"time"

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

// check notes a new check.
func (p *plan) check(decisions []decision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decisions, p.checkedAt = decisions, time.Now().Round(0) // by the wall clock, which a suspended machine does not stop
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
