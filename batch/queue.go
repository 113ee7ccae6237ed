package batch

import (
	"context"
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

// all yields the organizations as they come, until the queue is closed and empty.
func (q *queue) all() iter.Seq[*organization] {
	return func(yield func(*organization) bool) {
		for {
			o := q.pop()
			if o == nil || !yield(o) {
				return
			}
		}
	}
}

// pop waits for the next organization; nil once there will be none.
func (q *queue) pop() *organization {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.organizations) == 0 && !q.closed {
		q.changed.Wait()
	}
	if len(q.organizations) == 0 {
		return nil
	}
	o := q.organizations[0]
	q.organizations[0], q.organizations = nil, q.organizations[1:]
	return o
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

// closeWhenDone empties and closes the queue once ctx ends, so that nobody waits
// any more.
func (q *queue) closeWhenDone(ctx context.Context) (release func() bool) {
	return context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.organizations, q.closed = nil, true
		q.changed.Broadcast()
	})
}
