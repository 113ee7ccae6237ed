package batch

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// maxLinks is how many connections an organization may have, according to Auth0's entity
// limit policy. Links that are switched off are counted too.
const maxLinks = 10

// enabling gives connections to organizations, with the settings of the list. A link
// that is there and switched off it switches on.
type enabling struct{}

func (enabling) done() journal.Outcome    { return journal.Enabled }
func (enabling) already() journal.Outcome { return journal.AlreadyEnabled }
func (enabling) would() journal.Outcome   { return journal.WouldEnable }

// send makes a link, unless it is there: then the check found it switched off.
func (enabling) send(ctx context.Context, api API, family apiclient.Family, row *row) (*apiclient.Response, error) {
	if row.link != nil {
		return api.SwitchConnection(ctx, row.OrgID, row.ConnectionID, true)
	}
	link := apiclient.Link{ConnectionID: row.ConnectionID}
	if listed := row.Wanted; listed != nil {
		link.LinkSettings = listed.LinkSettings
	}
	return api.EnableConnection(ctx, family, row.OrgID, link)
}

// ambiguous is true for the answers of a pair that is enabled already, 409 or 400: which
// one Auth0 gives is not documented. It is also true for the 404 of a link that was to be
// switched on, as it may be gone.
func (enabling) ambiguous(row *row, reply *reply) bool {
	if row.link != nil { // it was to be switched on
		return reply.class() == apiclient.NotFound
	}
	return reply.class() == apiclient.Conflict ||
		reply.class() == apiclient.Refused && reply.resp.Status == http.StatusBadRequest
}

// apply adds the link.
func (enabling) apply(links map[string]*apiclient.Link, row *row) {
	links[row.ConnectionID] = &apiclient.Link{ConnectionID: row.ConnectionID}
}

const (
	messageFull      = "the organization has %d connections already, as many as Auth0 allows"
	messageDiffers   = "its settings differ from the list's: "
	messageCannotOn  = "the connection is linked and switched off (is_enabled: false); only the newer endpoints can switch it on"
	messageLostInNew = "the tenant lacks the newer endpoints, so these settings are not set: "
)

// decide enables what is not there, as far as the organization has room.
func (a enabling) decide(rows []*row, family apiclient.Family, links map[string]*apiclient.Link) {
	for _, row := range rows {
		row.decision = a.decideRow(row, family, links)
		if row.outcome == "" && row.link == nil {
			a.apply(links, row)
		}
	}
}

func (enabling) decideRow(row *row, family apiclient.Family, links map[string]*apiclient.Link) decision {
	link := links[row.ConnectionID]
	switch {
	case link == nil && len(links) >= maxLinks:
		return decision{outcome: journal.Blocked, message: fmt.Sprintf(messageFull, len(links))}
	case link == nil:
		return decision{message: lostSettings(messageLostInNew, row.Wanted, family)}
	case !link.Off():
		return decideEnabled(row, journal.Enabled, link, differences(messageDiffers, row.Wanted, family, link))
	case family == apiclient.OlderFamily:
		return decision{outcome: journal.Failed, message: messageCannotOn}
	default:
		return decision{link: offSnapshot(link), message: differences(messageDiffers, row.Wanted, family, link)}
	}
}

// offSnapshot is the snapshot of a link that is switched off. It is never without a
// setting: in results.csv, that means that there was no link, and restore would remove it.
func offSnapshot(link *apiclient.Link) *journal.Snapshot {
	s := snapshot(link)
	if s.LinkSettings == (apiclient.LinkSettings{}) {
		s.AccessLevel = new("none") // Auth0's default
	}
	return s
}

// decideEnabled decides a row whose connection is enabled, with settings that differ
// from the row's as far as other says. An earlier attempt of ours has made the link if
// its settings do not contradict the row's, and a link that we switched on has kept its own.
func decideEnabled(row *row, done journal.Outcome, link *apiclient.Link, other string) decision {
	if row.maybeDone && (row.wasOff || row.Wanted == nil || !row.Wanted.Contradicts(link.LinkSettings)) {
		return decision{outcome: done, message: messageEarlier}
	}
	return decision{outcome: journal.AlreadyEnabled, message: other}
}

// differences names the settings that a link has otherwise than wanted, of those that
// the family shows.
func differences(message string, wanted *journal.Snapshot, family apiclient.Family, link *apiclient.Link) string {
	if wanted == nil {
		return ""
	}
	return naming(message, wanted.In(family).Differences(link.LinkSettings))
}

// lostSettings names the settings that are wanted and that the family cannot give.
// Access level none is Auth0's default.
func lostSettings(message string, wanted *journal.Snapshot, family apiclient.Family) string {
	if wanted == nil {
		return ""
	}
	had := wanted.LinkSettings
	if had.AccessLevel != nil && *had.AccessLevel == "none" {
		had.AccessLevel = nil
	}
	return naming(message, had.Differences(had.In(family)))
}

// naming is a message that names settings, "" if there are none.
func naming(message string, settings []string) string {
	if len(settings) == 0 {
		return ""
	}
	return message + strings.Join(settings, ", ")
}
