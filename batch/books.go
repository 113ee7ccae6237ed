package batch

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/orgconn/orgconn/batch/journal"
)

// books are what a run counts.
type books struct {
	now     counts // outcomes of this invocation
	earlier counts // outcomes of earlier ones that are final
	todo    struct{ organizations, rows int }
	checked struct{ rows, writes atomic.Int64 } // rows of this invocation, and those that need a write
	changes atomic.Int64                        // rows that are or will be changed, by earlier invocations too
	found   atomic.Bool                         // an organization of the list exists
	seen    seen

	noConnection atomic.Int64 // rows whose connection does not exist
}

// counts are rows by outcome. The zero value is ready, and safe for concurrent
// use.
type counts struct {
	mu   sync.Mutex
	rows map[journal.Outcome]int
}

func (c *counts) add(outcome journal.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows == nil {
		c.rows = map[journal.Outcome]int{}
	}
	c.rows[outcome]++
}

// sum counts the rows whose outcome is one of those.
func (c *counts) sum(those func(journal.Outcome) bool) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for outcome, rows := range c.rows {
		if those(outcome) {
			n += rows
		}
	}
	return n
}

// failed counts the rows that did not end as wanted.
func (c *counts) failed(missingOK bool) int {
	return c.sum(func(o journal.Outcome) bool { return o.Failed(missingOK) })
}

// move counts a row under another outcome than before.
func (c *counts) move(from, to journal.Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows[from]--
	c.rows[to]++
}

func (c *counts) snapshot() map[journal.Outcome]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.rows)
}
