package batch

import (
	"sync"
	"time"

	"github.com/orgconn/orgconn/apiclient"
)

const (
	// outageAnswers is how many bad answers in a row are an outage rather than
	// bad luck. outageAtStart is how many where there was no good one at all.
	outageAnswers = 10
	outageAtStart = 3
	// outageTime is how long a tenant may give no good answer before the pool
	// stops.
	outageTime = 60 * time.Second
	// trialPause is the time between two calls that try a tenant that is out.
	trialPause = time.Second
)

// breaker is a circuit breaker: it tells an outage of the tenant from the faults
// of single calls. A bad answer is none at all, or one that says that the tenant
// is at fault (5xx). In an outage the breaker is open, and at once half-open: one
// call at a time tries whether the outage is over. It is safe for concurrent use.
type breaker struct {
	halfOpen func(bool)             // told when an outage begins and ends
	giveUp   func(*apiclient.Error) // called once where nothing good came for outageTime, with the last bad answer
	trial    chan struct{}          // a semaphore of one: the call that tries

	mu       sync.Mutex
	answered bool      // anything ever came back
	worked   bool      // and something good
	bad      streak    // bad answers since the last good one,
	since    time.Time // when the first of them came,
	last     *apiclient.Error
	deadline *time.Timer
}

func newBreaker(halfOpen func(bool), giveUp func(*apiclient.Error)) *breaker {
	return &breaker{halfOpen: halfOpen, giveUp: giveUp, trial: make(chan struct{}, 1)}
}

// admit waits, while the breaker is open, until it is a call's turn to try the
// tenant, or until the outage is over or the pool stops. Done ends the call.
func (b *breaker) admit(p *pool) (done func()) {
	if !b.open() {
		return func() {}
	}
	select {
	case b.trial <- struct{}{}:
	case <-p.stopping.Done():
		return func() {}
	}
	if !b.open() { // it is over by now
		<-b.trial
		return func() {}
	}
	p.sleep(trialPause)
	return func() { <-b.trial }
}

// good notes an answer that shows the tenant at work, which closes the breaker.
func (b *breaker) good() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.deadline != nil {
		b.deadline.Stop()
		b.deadline = nil
		b.halfOpen(false)
	}
	b.answered, b.worked = true, true
	b.bad, b.last = streak{}, nil
}

// fault notes a bad answer for call, and reports whether the breaker is open. A
// token request that failed is one bad answer, however many calls waited for it.
func (b *breaker) fault(call *reply, failure *apiclient.Error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answered = b.answered || failure.Status != 0
	if b.bad.answers == 0 {
		b.since = time.Now()
	}
	b.bad.add(call, failure != b.last)
	b.bad.several = b.bad.several || !call.resp.Tried // the token is every call's
	b.last = failure
	enough := outageAnswers
	if !b.worked {
		enough = outageAtStart
	}
	if b.deadline == nil && b.bad.several && b.bad.answers >= enough {
		b.deadline = time.AfterFunc(time.Until(b.since.Add(outageTime)), b.expire)
		b.halfOpen(true)
	}
	return b.deadline != nil
}

// streak counts answers of one kind in a row.
type streak struct {
	answers int
	first   *reply // the call that got the first of them
	several bool   // they are from more than one call
}

func (s *streak) add(call *reply, isNew bool) {
	if s.first == nil {
		s.first = call
	}
	s.several = s.several || s.first != call
	if isNew {
		s.answers++
	}
}

// expire gives up on the tenant.
func (b *breaker) expire() {
	b.mu.Lock()
	last := b.last
	b.mu.Unlock()
	if last != nil { // else a good answer came at this instant
		b.giveUp(last)
	}
}

// open reports whether there is an outage.
func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.deadline != nil
}

// silent reports whether the tenant has never answered.
func (b *breaker) silent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.answered
}

// hasWorked reports whether any answer was good.
func (b *breaker) hasWorked() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.worked
}

// close ends the watch, at the pool's end.
func (b *breaker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.deadline != nil {
		b.deadline.Stop()
	}
}
