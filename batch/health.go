package batch

import (
	"sync"
	"time"
)

const (
	// outageAnswers is how many bad answers in a row are an outage rather than
	// bad luck, and outageAtStart how many where there was no good one at all.
	outageAnswers = 10
	outageAtStart = 3
	// outageTime is how long a tenant may give no good answer before the run
	// stops.
	outageTime = 60 * time.Second
	// probePause is the time between two probes of a tenant that is out.
	probePause = time.Second
)

// health tells an outage of the tenant from the faults of single calls. A bad
// answer is none at all, or one that says that the tenant is at fault (5xx).
// It is safe for concurrent use.
type health struct {
	dead    func()        // called once where nothing good came for outageTime
	onOut   func(bool)    // told when an outage begins and ends
	probing chan struct{} // holds the one probe

	mu       sync.Mutex
	answered bool      // anything ever came back
	worked   bool      // and something good
	since    time.Time // when the first bad call since the last good answer was sent
	bad      int       // bad answers since the last good one
	first    *reply
	several  bool // the bad ones are from more than one call
	deadline *time.Timer
}

func newHealth(onOut func(bool), dead func()) *health {
	return &health{onOut: onOut, dead: dead, probing: make(chan struct{}, 1)}
}

// probe waits until it is a call's turn to probe a tenant that is out, or the
// run stops. Done ends the probe.
func (h *health) probe(c *control) (done func()) {
	select {
	case h.probing <- struct{}{}:
		c.sleep(probePause)
		return func() { <-h.probing }
	case <-c.stopping.Done():
		return func() {}
	}
}

// good notes an answer that shows the tenant at work.
func (h *health) good() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deadline != nil {
		h.deadline.Stop()
		h.deadline = nil
		h.onOut(false)
	}
	h.answered, h.worked = true, true
	h.bad, h.first, h.several = 0, nil, false
}

// fault notes a bad answer for call, and says whether this is an outage.
func (h *health) fault(call *reply) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answered = h.answered || call.resp.Status != 0
	if h.first == nil {
		h.first, h.since = call, call.resp.Sent
	}
	h.bad++
	h.several = h.several || h.first != call
	enough := outageAnswers
	if !h.worked {
		enough = outageAtStart
	}
	if h.deadline == nil && h.bad >= enough && h.several {
		h.deadline = time.AfterFunc(time.Until(h.since.Add(outageTime)), h.dead)
		h.onOut(true)
	}
	return h.deadline != nil
}

// out says whether there is an outage.
func (h *health) out() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.deadline != nil
}

// silent says whether the tenant has never answered.
func (h *health) silent() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.answered
}

// rest ends the watch, at the run's end.
func (h *health) rest() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deadline != nil {
		h.deadline.Stop()
	}
}
