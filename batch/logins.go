package batch

import (
	"context"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// login is what the tenant's log says of the last login through a link. The tenant
// keeps its log for days and indexes it late, so a login may be missing.
type login struct {
	asked bool
	at    time.Time // zero if the log has none
	err   error     // why the log could not be read
}

func (l login) after(t time.Time) bool { return l.at.After(t) }

// String is the form of the journal and of results.csv.
func (l login) String() string {
	switch {
	case !l.asked || l.err != nil:
		return ""
	case l.at.IsZero():
		return journal.NoLogin
	}
	return l.at.UTC().Format(time.RFC3339)
}

// loginTurns is how many checks read last logins side by side. A check grows old while it
// waits for its rows' reads of the log, which is slow. If many took turns, all would be too
// old in the end. With 4, there are enough calls at a time for any tenant's log.
const loginTurns = 4

// awaitLoginTurn waits until a check that reads last logins may begin, or the run stops.
func (r *Run) awaitLoginTurn() {
	if !r.Settings.ReadsLogins() {
		return
	}
	select {
	case r.loginTurns <- struct{}{}:
	case <-r.stopping.Done():
	}
}

// endLoginTurn lets another check begin.
func (r *Run) endLoginTurn() {
	select {
	case <-r.loginTurns:
	default: // no logins are read, or the run stops
	}
}

// readLogins reads the last login through each link of the rows that the run may disable.
// It is part of the check, so a login after that counts only if the row is checked again.
// If the run stops meanwhile, the reply says so, and the check came to nothing. The error
// ends the run.
func (r *Run) readLogins(rows []*row, links []apiclient.Link) (map[*row]login, *reply, error) {
	there, logins := byID(links), make(map[*row]login)
	for _, row := range rows {
		link := there[row.ConnectionID]
		if link == nil || link.Off() {
			r.logs.expect(-1)
			continue
		}
		at, reply, err := ask(r.logs, func(ctx context.Context) (time.Time, *apiclient.Response, error) {
			return r.API.LastLogin(ctx, row.OrgID, row.ConnectionID)
		})
		if err != nil || reply.stopped {
			return nil, reply, err
		}
		logins[row] = login{asked: true, at: at, err: reply.err}
	}
	return logins, &reply{}, nil
}
