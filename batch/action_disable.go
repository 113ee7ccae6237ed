package batch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// disabling removes connections from organizations or, to keep the links, switches
// them off. It never takes the last one by which an organization's members can log
// in, unless lockouts are allowed.
type disabling struct {
	keepLink, allowLockout bool
	unusedFor              time.Duration // a link with a login within this time is left alone; 0: no link is
	undo                   bool          // of an enable: what it posted is removed, what it switched on is switched off
}

func (disabling) already() journal.Outcome { return journal.AlreadyDisabled }

func (a disabling) done() journal.Outcome {
	if a.undo {
		return journal.Restored
	}
	return journal.Disabled
}

func (a disabling) would() journal.Outcome {
	if a.undo {
		return journal.WouldRestore
	}
	return journal.WouldDisable
}

// keeps reports whether a row's link is switched off and not removed. An enable that
// is undone has the snapshot of a link that was there before it.
func (a disabling) keeps(row *row) bool { return a.keepLink || a.undo && row.Wanted != nil }

// send removes a link by the older family's call, whatever the family: Auth0 documents
// it as generally available. Only the newer family can switch a link off.
func (a disabling) send(ctx context.Context, api API, _ apiclient.Family, row *row) (*apiclient.Response, error) {
	if a.keeps(row) {
		return api.SwitchConnection(ctx, row.OrgID, row.ConnectionID, false)
	}
	return api.DisableConnection(ctx, row.OrgID, row.ConnectionID)
}

// apply takes the link away. One that is switched off is no way in, too.
func (disabling) apply(links map[string]*apiclient.Link, row *row) { delete(links, row.ConnectionID) }

// ambiguous is true for a 404. Auth0 answers 204 also for a pair that is not
// enabled; compatible servers answer 404, and so do gateways in between.
func (disabling) ambiguous(_ *row, reply *reply) bool { return reply.class() == apiclient.NotFound }

const (
	messageLinkOff   = "the connection is linked and switched off (is_enabled: false); the link is kept"
	messageLockout   = "this is the organization's last enabled connection: its members could not log in"
	messageLockedOut = "this leaves the organization without an enabled connection: its members cannot log in"
	messageMayReturn = "the organization's own administrators can switch it on again (organization_access_level: %s)"
	messageUnknown   = "restore cannot give back settings that this version does not know: "
	messageHidden    = "only connections that are hidden from the login page are left in the organization"
	messageEarlier   = "an earlier attempt, whose answer was lost, has done it"
	messageCannotOff = "only the newer endpoints can switch the link off, as it was before"
	messageNoLog     = "read its last login from the tenant's log: "
	messageUsed      = "somebody logged in through it on %s (--unused-for %s)"
)

// decide disables what is there. Of the rows that together would leave the
// organization with no enabled connection, the last one is blocked.
func (a disabling) decide(rows []*row, family apiclient.Family, links map[string]*apiclient.Link) {
	var last *row
	for _, row := range rows {
		row.decision = a.decideRow(row, family, links[row.ConnectionID])
		if row.outcome == "" {
			last = row
			a.apply(links, row)
		}
	}
	n, visible := waysIn(links)
	switch {
	case last == nil:
		return
	case n == 0 && !a.allowLockout:
		last.outcome, last.message = journal.Blocked, messageLockout
		visible = !hidden(last.link.ShowAsButton)
	case n == 0:
		last.warn(messageLockedOut)
		return
	}
	if !visible {
		warnHidden(rows)
	}
}

// decideRow decides a row by its connection's link alone.
func (a disabling) decideRow(row *row, family apiclient.Family, link *apiclient.Link) decision {
	gone := link == nil
	switch {
	case row.maybeDone && (gone || link.Off() && a.keeps(row)):
		return decision{outcome: a.done(), message: messageEarlier}
	case gone:
		return decision{outcome: journal.AlreadyDisabled}
	case link.Off():
		return decision{outcome: journal.AlreadyDisabled, message: messageLinkOff, link: snapshot(link)}
	case a.undo && a.keeps(row) && family == apiclient.OlderFamily: // with --keep-link, foundFamily has stopped the run
		return decision{outcome: journal.Failed, message: messageCannotOff, link: snapshot(link)}
	case a.unusedFor > 0 && row.login.err != nil:
		return decision{outcome: journal.Failed, message: messageNoLog + row.login.err.Error(), link: snapshot(link)}
	case a.unusedFor > 0 && row.login.after(time.Now().Add(-a.unusedFor)):
		return decision{outcome: journal.Blocked, message: fmt.Sprintf(messageUsed, row.login, journal.Age(a.unusedFor)), link: snapshot(link)}
	default:
		d := decision{link: snapshot(link)}
		a.warn(&d, row, link)
		return d
	}
}

// warn adds what whoever disables a link should know of it.
func (a disabling) warn(d *decision, row *row, link *apiclient.Link) {
	if row.login.err != nil {
		d.warn(messageNoLog + row.login.err.Error())
	}
	level := link.AccessLevel
	switch {
	case a.keeps(row) && level != nil && (*level == "limited" || *level == "full"):
		d.warn(fmt.Sprintf(messageMayReturn, *level))
	case !a.keeps(row) && len(link.Unknown) > 0:
		d.warn(messageUnknown + quoteAll(slices.Sorted(maps.Keys(link.Unknown))))
	}
}

// quoteAll lists names that come from the tenant, at most ten.
func quoteAll(names []string) string {
	for i, name := range names {
		names[i] = fmt.Sprintf("%.60q", name)
	}
	return strings.Join(names[:min(len(names), 10)], ", ")
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

func warnHidden(rows []*row) {
	for _, row := range rows {
		if row.outcome == "" {
			row.warn(messageHidden)
		}
	}
}

// hidden says whether the login page leaves a connection out. Only enterprise
// connections have the setting; Auth0's default is to show them.
func hidden(showAsButton *bool) bool {
	return showAsButton != nil && !*showAsButton
}
