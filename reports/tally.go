package reports

import (
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// tally counts rows.
type tally struct {
	run       journal.Run
	announced bool // by a dry run, whose results file the list is
	outcomes  map[string]int
	decided   int // by calls
	drifted   int
	unseen    *unseen
}

func newTally(run journal.Run, l *list.List) *tally {
	t := &tally{run: run, announced: l.Announced(), outcomes: make(map[string]int)}
	if !run.Settings.NoCheck {
		t.unseen = newUnseen(l.Connections())
	}
	return t
}

func (t *tally) add(r row) {
	t.outcomes[r.Outcome]++
	if !r.FinishedAt.IsZero() {
		t.decided++
	}
	if t.announced && !asAnnounced(r.Outcome) {
		t.drifted++
	}
	if t.unseen == nil {
		return
	}
	switch {
	case r.Connection != nil:
		t.unseen.saw(r.ConnectionID)
	case r.Outcome == journal.AlreadyDisabled:
		t.unseen.missed(r.ConnectionID)
	}
}

// asAnnounced reports whether the outcome is what a dry run said that the row's
// would be, or says nothing about it.
func asAnnounced(outcome string) bool {
	switch outcome {
	case journal.Disabled, journal.WouldDisable, journal.Restored, journal.WouldRestore,
		journal.NotAttempted, journal.NotSelected:
		return true
	}
	return false
}
