package batch

import (
	"context"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// disabling takes connections from organizations. It never takes the last one
// by which an organization's members can log in, unless lockouts are allowed.
type disabling struct{ allowLockout bool }

func (disabling) done() journal.Outcome    { return journal.Disabled }
func (disabling) already() journal.Outcome { return journal.AlreadyDisabled }
func (disabling) would() journal.Outcome   { return journal.WouldDisable }

func (disabling) send(ctx context.Context, api API, org string, row *row) (*apiclient.Response, error) {
	return api.DisableConnection(ctx, org, row.ConnectionID)
}

// conclude knows the 404s. Auth0 answers 204 also for a pair that is not
// enabled; compatible servers answer 404. After a check it is the pair that was
// not found, and an attempt whose answer was lost has done it.
func (disabling) conclude(class apiclient.Class, earlier, unchecked bool) journal.Outcome {
	switch {
	case class != apiclient.NotFound || unchecked:
		return ""
	case earlier:
		return journal.Disabled
	default:
		return journal.AlreadyDisabled
	}
}

func (disabling) ambiguous(*reply) bool { return false }

const (
	messageLinkOff   = "the connection is linked and switched off (is_enabled: false); the link is kept"
	messageLockout   = "this is the organization's last enabled connection: its members could not log in"
	messageLockedOut = "this leaves the organization without an enabled connection: its members cannot log in"
	messageHidden    = "only connections that are hidden from the login page are left in the organization"
	messageEarlier   = "an earlier attempt, whose answer was lost, has done it"
)

// decide disables what is there. Of the rows that together would leave the
// organization with no enabled connection, the last one is blocked.
func (a disabling) decide(rows []*row, links []apiclient.Link) []decision {
	left := byID(links)
	decisions := make([]decision, len(rows))
	last := -1
	for i, row := range rows {
		decisions[i] = decideDisable(row, left[row.ConnectionID])
		if decisions[i].outcome == "" {
			last = i
			delete(left, row.ConnectionID)
		}
	}
	n, visible := waysIn(left)
	switch {
	case last < 0:
		return decisions
	case n == 0 && !a.allowLockout:
		decisions[last].outcome, decisions[last].message = journal.Blocked, messageLockout
		visible = !hidden(decisions[last].snapshot.ShowAsButton)
	case n == 0:
		decisions[last].message = messageLockedOut
		return decisions
	}
	if !visible {
		warnHidden(decisions)
	}
	return decisions
}

// decideDisable judges a row by its connection's link alone.
func decideDisable(row *row, link *apiclient.Link) decision {
	switch {
	case link == nil && row.lost:
		return decision{outcome: journal.Disabled, message: messageEarlier}
	case link == nil:
		return decision{outcome: journal.AlreadyDisabled}
	case link.Off():
		return decision{outcome: journal.AlreadyDisabled, message: messageLinkOff, snapshot: snapshot(link)}
	default:
		return decision{snapshot: snapshot(link)}
	}
}

// waysIn counts the connections by which an organization's members can log in,
// and says whether its login page shows one of them.
func waysIn(links map[string]*apiclient.Link) (n int, visible bool) {
	for _, link := range links {
		if !link.Off() {
			n++
			visible = visible || !hidden(link.ShowAsButton)
		}
	}
	return n, visible
}

func warnHidden(decisions []decision) {
	for i := range decisions {
		if decisions[i].outcome == "" {
			decisions[i].message = messageHidden
		}
	}
}

func byID(links []apiclient.Link) map[string]*apiclient.Link {
	index := make(map[string]*apiclient.Link, len(links))
	for i := range links {
		index[links[i].ConnectionID] = &links[i]
	}
	return index
}

// hidden says whether the login page leaves a connection out. Only enterprise
// connections have the setting; Auth0's default is to show them.
func hidden(showAsButton *bool) bool {
	return showAsButton != nil && !*showAsButton
}

func snapshot(link *apiclient.Link) *journal.Snapshot {
	return &journal.Snapshot{Name: link.Connection.Name, LinkSettings: link.LinkSettings}
}
