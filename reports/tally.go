package reports

import (
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// tally counts rows.
type tally struct {
	run       journal.Header
	announced bool // by a dry run, whose results file the list is
	outcomes  map[journal.Outcome]int
	decided   int // by calls
	drifted   int
	unseen    unseen // nil where nothing was read
}

func newTally(run journal.Header, l *list.List) *tally {
	t := &tally{run: run, announced: l.Announced(), outcomes: make(map[journal.Outcome]int)}
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
	if t.announced && r.Outcome.Drifted() {
		t.drifted++
	}
	if t.unseen == nil {
		return
	}
	switch {
	case r.Snapshot != nil:
		t.unseen.saw(r.ConnectionID)
	case r.Outcome == journal.AlreadyDisabled:
		t.unseen.missed(r.ConnectionID)
	}
}
