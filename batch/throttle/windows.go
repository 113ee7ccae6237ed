package throttle

import "time"

// windows finds out whether the server fills its bucket in steps instead of by
// a drip. In a fixed window holding a level is no use: what is left at its end is
// lost. Where a part of the bucket comes in once a second the level has to leave
// room for that.
type windows struct {
	fixed bool // Reset is the end of a window

	reset int64     // the Reset last seen,
	since time.Time // since when,
	first int64     // and Remaining then

	full    int       // answers in a row from a bucket that was full and should not have been
	fullAt  time.Time // the last of them
	stepped time.Time // taken for a bucket that fills in steps until then
}

const (
	standstill = 2 * time.Second  // of Reset, until it is taken for a window's end
	fullEnough = 3                // answers from a full bucket
	fullApart  = 10 * time.Second // at most, to count as in a row
	stepsLast  = 5 * time.Minute  // until the next look
	oneStep    = 1.0              // seconds: Auth0 fills buckets per minute once a second
)

// step is the time in seconds between two steps; 0: the bucket drips.
func (w *windows) step(now time.Time) float64 {
	if now.Before(w.stepped) {
		return oneStep
	}
	return 0
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

// watchFull counts answers from a bucket that was full although the picture of
// it was held below. A drip cannot do that; a step did.
func (w *windows) watchFull(now time.Time) {
	if now.Sub(w.fullAt) > fullApart {
		w.full = 0
	}
	w.full, w.fullAt = w.full+1, now
	if w.full >= fullEnough {
		w.stepped = now.Add(stepsLast)
	}
}
