package throttle

import "time"

// windows finds out whether the server fills its bucket in steps instead of by
// a drip: fixed windows of a minute, say, or of a second. Holding a level is no
// use there, since what is left at the end of a window is lost.
type windows struct {
	fixed bool // Reset is the end of a window

	reset int64     // the Reset last seen,
	since time.Time // since when,
	first int64     // and Remaining then

	last    Observation // the answer before
	lastAt  time.Time
	leaps   int       // in a row
	leaptAt time.Time // the last leap
	until   time.Time // taken for a bucket that leaps until then
}

const (
	standstill  = 2 * time.Second  // of Reset, until it is taken for a window's end
	leapsEnough = 3                // leaps to full that a drip does not explain
	leapsApart  = 10 * time.Second // at most, to count as in a row
	leapsCount  = time.Minute      // for so long
)

// stepped reports whether tokens left over are lost rather than kept.
func (w *windows) stepped(now time.Time) bool { return w.fixed || now.Before(w.until) }

// watch looks at an answer. Answers come in the order in which they were sent.
func (w *windows) watch(now time.Time, o Observation) {
	w.watchReset(now, o)
	w.watchLeap(now, o)
	w.last, w.lastAt = o, now
}

// watchReset compares Reset with the one before. Every token that is taken from
// a dripping bucket moves Reset on, so one that stands still while Remaining
// falls is the end of a window; one that moves before its time is not.
func (w *windows) watchReset(now time.Time, o Observation) {
	if o.Reset == w.reset {
		w.fixed = w.fixed || now.Sub(w.since) > standstill && o.Remaining < w.first
		return
	}
	if o.clock(now).Unix() < w.reset {
		w.fixed = false
	}
	w.reset, w.since, w.first = o.Reset, now, o.Remaining
}

// watchLeap counts rises to nearly full of more than a fifth of the bucket that
// would need a drip of more than twice its size per second.
func (w *windows) watchLeap(now time.Time, o Observation) {
	burst, rise := float64(o.Limit), float64(o.Remaining-w.last.Remaining)
	drip := 2 * burst * now.Sub(w.lastAt).Seconds()
	if w.lastAt.IsZero() || float64(o.Remaining) < 0.8*burst || rise <= max(0.2*burst, drip) {
		return
	}
	if now.Sub(w.leaptAt) > leapsApart {
		w.leaps = 0
	}
	w.leaps, w.leaptAt = w.leaps+1, now
	if w.leaps >= leapsEnough {
		w.until = now.Add(leapsCount)
	}
}
