package batch

import (
	"sync"
	"time"
)

const (
	// outageAnswers is how many bad answers in a row are an outage rather than
	// bad luck. outageAtStart is how many where there was no good one at all.
	outageAnswers = 10
	outageAtStart = 3
	// outageTime is how long a tenant may give no good answer before the job
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
	halfOpen func(bool)    // told when an outage begins and ends
	giveUp   func()        // called once where nothing good came for outageTime
	trial    chan struct{} // a semaphore of one: the call that tries

	mu       sync.Mutex
	answered bool      // anything ever came back
	worked   bool      // and something good
	since    time.Time // when the first bad call since the last good answer was sent
	bad      int       // bad answers since the last good one
	first    *reply
	several  bool // the bad ones are from more than one call
	deadline *time.Timer
}

func newBreaker(halfOpen func(bool), giveUp func()) *breaker {
	return &breaker{halfOpen: halfOpen, giveUp: giveUp, trial: make(chan struct{}, 1)}
}

// admit waits, while the breaker is open, until it is a call's turn to try the
// tenant, or until the outage is over or the job stops. Done ends the call.
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
	b.bad, b.first, b.several = 0, nil, false
}

// fault notes a bad answer for call, and says whether the breaker is open.
func (b *breaker) fault(call *reply) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answered = b.answered || call.resp.Status != 0
	if b.first == nil {
		b.first, b.since = call, call.resp.Sent
	}
	b.bad++
	b.several = b.several || b.first != call
	enough := outageAnswers
	if !b.worked {
		enough = outageAtStart
	}
	if b.deadline == nil && b.bad >= enough && b.several {
		b.deadline = time.AfterFunc(time.Until(b.since.Add(outageTime)), b.giveUp)
		b.halfOpen(true)
	}
	return b.deadline != nil
}

// open says whether there is an outage.
func (b *breaker) open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.deadline != nil
}

// silent says whether the tenant has never answered.
func (b *breaker) silent() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.answered
}

// rest ends the watch, at the job's end.
func (b *breaker) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.deadline != nil {
		b.deadline.Stop()
	}
}
