package batch

import (
	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// decision is what a check says of a row.
type decision struct {
	outcome  string // "": to be disabled
	message  string
	snapshot *journal.Connection // nil where the organization does not have the connection
}

const (
	messageLinkOff = "the connection is linked and switched off (is_enabled: false); the link is kept"
	messageLockout = "this is the organization's last enabled connection: its members could not log in"
	messageHidden  = "only connections that are hidden from the login page are left in the organization"
)

// decide says what is to be done with an organization's rows, given all its
// connections. Rows are in input order. Of the rows that together would leave
// the organization with no enabled connection, the last one is blocked.
func decide(rows []list.Row, links []apiclient.EnabledConnection, allowLockout bool) []decision {
	byID := make(map[string]*apiclient.EnabledConnection, len(links))
	for i := range links {
		byID[links[i].ConnectionID] = &links[i]
	}
	decisions := make([]decision, len(rows))
	last := -1
	for i, row := range rows {
		decisions[i] = decideRow(byID[row.ConnectionID])
		if decisions[i].outcome == "" {
			last = i
			delete(byID, row.ConnectionID)
		}
	}
	left, visible := waysIn(byID)
	switch {
	case last < 0:
		return decisions
	case left == 0 && !allowLockout:
		decisions[last].outcome, decisions[last].message = journal.Blocked, messageLockout
		visible = !hidden(decisions[last].snapshot.ShowAsButton)
	case left == 0:
		return decisions
	}
	if !visible {
		warnHidden(decisions)
	}
	return decisions
}

// decideRow judges a row by its connection's link alone.
func decideRow(link *apiclient.EnabledConnection) decision {
	switch {
	case link == nil:
		return decision{outcome: journal.AlreadyDisabled}
	case off(link):
		return decision{outcome: journal.AlreadyDisabled, message: messageLinkOff, snapshot: snapshot(link)}
	default:
		return decision{snapshot: snapshot(link)}
	}
}

// waysIn counts the connections by which an organization's members can log in,
// and says whether its login page shows one of them.
func waysIn(links map[string]*apiclient.EnabledConnection) (n int, visible bool) {
	for _, link := range links {
		if !off(link) {
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

// off says whether a link is kept but switched off, as the Dashboard and newer
// tools do it.
func off(link *apiclient.EnabledConnection) bool {
	return link.IsEnabled != nil && !*link.IsEnabled
}

// hidden says whether the login page leaves a connection out. Only enterprise
// connections have the setting; Auth0's default is to show them.
func hidden(showAsButton *bool) bool {
	return showAsButton != nil && !*showAsButton
}

func snapshot(link *apiclient.EnabledConnection) *journal.Connection {
	return &journal.Connection{
		Name:                    link.Name,
		AssignMembershipOnLogin: link.AssignMembershipOnLogin,
		ShowAsButton:            link.ShowAsButton,
		IsSignupEnabled:         link.IsSignupEnabled,
	}
}
