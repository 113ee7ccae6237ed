package batch

import (
	"iter"
	"sync"
)

// queue holds the checked organizations whose rows wait for their writes, in the
// order in which their checks came in. Its length is the backpressure on the
// reads. It is safe for concurrent use.
type queue struct {
	mu            sync.Mutex
	changed       *sync.Cond
	organizations []*organization
	next          int  // row of the first organization
	rows          int  // rows pushed and not done
	closed        bool // nothing more will be pushed
}

func newQueue() *queue {
	q := &queue{}
	q.changed = sync.NewCond(&q.mu)
	return q
}

func (q *queue) push(o *organization) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.organizations = append(q.organizations, o)
	q.rows += len(o.rows)
	q.changed.Broadcast()
}

// all yields the rows as they come, until the queue is closed and empty. Several
// goroutines may iterate at once; each row is yielded once.
func (q *queue) all() iter.Seq2[*organization, *row] {
	return func(yield func(*organization, *row) bool) {
		for {
			o, row := q.pop()
			if row == nil || !yield(o, row) {
				return
			}
		}
	}
}

// pop waits for the next row; nil once there will be none.
func (q *queue) pop() (*organization, *row) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.organizations) == 0 && !q.closed {
		q.changed.Wait()
	}
	if len(q.organizations) == 0 {
		return nil, nil
	}
	o := q.organizations[0]
	row := o.rows[q.next]
	if q.next++; q.next == len(o.rows) {
		q.organizations[0], q.organizations, q.next = nil, q.organizations[1:], 0
	}
	return o, row
}

// done says that a row's write is over.
func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rows--
	q.changed.Broadcast()
}

// waitBelow waits until fewer than limit rows are not done, or the queue is
// closed.
func (q *queue) waitBelow(limit func() int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && q.rows >= limit() {
		q.changed.Wait()
	}
}

// waitClosed waits until nothing more will be pushed.
func (q *queue) waitClosed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed {
		q.changed.Wait()
	}
}

// close says that nothing more will be pushed.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}

// abandon empties and closes the queue, so that nobody waits any more.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.organizations, q.closed = nil, true
	q.changed.Broadcast()
}
