package batch

import (
	"context"
	"sync"
)

// backlog holds the checked organizations whose rows wait for their writes, in
// the order in which their checks came in. It is safe for concurrent use.
type backlog struct {
	mu      sync.Mutex
	changed *sync.Cond
	plans   []*plan
	rows    int  // rows checked and not yet sent
	closed  bool // nothing more will be pushed, or taken
}

func newBacklog() *backlog {
	b := &backlog{}
	b.changed = sync.NewCond(&b.mu)
	return b
}

// closeWhenDone makes every waiter return once ctx ends.
func (b *backlog) closeWhenDone(ctx context.Context) (release func() bool) {
	return context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.plans, b.closed = nil, true
		b.changed.Broadcast()
	})
}

func (b *backlog) push(p *plan) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.plans = append(b.plans, p)
	b.rows += len(p.rows)
	b.changed.Broadcast()
}

// pop waits for the next plan; ok is false once there will be none.
func (b *backlog) pop() (p *plan, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.plans) == 0 {
		if b.closed {
			return nil, false
		}
		b.changed.Wait()
	}
	p = b.plans[0]
	b.plans[0], b.plans = nil, b.plans[1:]
	return p, true
}

// sent takes a row off the count.
func (b *backlog) sent() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows--
	b.changed.Broadcast()
}

// waitBelow waits until less than limit rows are ahead; false once closed.
func (b *backlog) waitBelow(limit func() int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.closed && b.rows >= limit() {
		b.changed.Wait()
	}
	return !b.closed
}

// close says that nothing more will be pushed.
func (b *backlog) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.changed.Broadcast()
}
