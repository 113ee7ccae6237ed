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

// row is a row to work on, and what the last check says of it.
type row struct {
	list.Row
	lost     bool // an earlier sitting's attempt may have taken effect
	begun    bool // its call is on its way: later checks leave it alone
	decision decision
}

// decision is what a check says of a row.
type decision struct {
	outcome  journal.Outcome // "": its call is to be sent
	message  string
	snapshot *journal.Snapshot // the link as it is; nil where there is none
}

// plan is an organization's rows. Once it is in the backlog its methods are the
// only way to the rows' decisions; they are safe for concurrent use.
type plan struct {
	org       string
	unchecked bool // --no-check: nothing was read

	mu        sync.Mutex
	rows      []*row
	checkedAt time.Time
}

func (p *plan) fresh() bool { return p.unchecked || time.Since(p.checkedAt) < checkAge }

// begin takes a row whose call is about to be sent out of later checks; false
// where its check is too old to act on, or another row's has decided it.
func (p *plan) begin(w *row) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.begun = p.fresh() && w.decision.outcome == ""
	return w.begun
}

// retract takes a row back whose check has grown too old since it was begun, and
// says whether it did.
func (p *plan) retract(w *row) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.begun = p.fresh()
	return !w.begun
}

// open are the rows whose calls are not on their way. Of the links, those that
// the other calls are about to take do not count any more.
func (p *plan) open(links []apiclient.Link) (rows []*row, left []apiclient.Link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.rows {
		if !w.begun {
			rows = append(rows, w)
			continue
		}
		links = slices.DeleteFunc(links, func(link apiclient.Link) bool {
			return link.ConnectionID == w.ConnectionID
		})
	}
	return rows, links
}

// check notes what a new check says of these rows.
func (p *plan) check(rows []*row, decisions []decision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range rows {
		w.decision = decisions[i]
	}
	p.checkedAt = time.Now().Round(0) // by the wall clock, which a suspended machine does not stop
}

// outcome is what the last check says of a row.
func (p *plan) outcome(w *row) decision {
	p.mu.Lock()
	defer p.mu.Unlock()
	return w.decision
}

// checkedSince says whether the last check is younger than that.
func (p *plan) checkedSince(t time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.checkedAt.After(t)
}
