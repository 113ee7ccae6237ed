package batch

import (
	"context"
	"net/http"
	"strings"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// restoring gives connections back to organizations, with the settings that
// they had. What a run with --keep-link switched off, it switches on. It leaves alone
// what somebody has enabled again meanwhile.
type restoring struct{ keepLink, allowDefaults bool }

func (restoring) done() journal.Outcome    { return journal.Restored }
func (restoring) already() journal.Outcome { return journal.AlreadyEnabled }
func (restoring) would() journal.Outcome   { return journal.WouldRestore }

func (restoring) send(ctx context.Context, api API, family apiclient.Family, row *row) (*apiclient.Response, error) {
	if row.link != nil {
		return api.SwitchConnection(ctx, row.OrgID, row.ConnectionID, true)
	}
	link := apiclient.Link{ConnectionID: row.ConnectionID}
	if former := row.Snapshot; former != nil {
		link.LinkSettings = former.LinkSettings
	}
	return api.EnableConnection(ctx, family, row.OrgID, link)
}

// ambiguous knows the answers for a pair that is enabled already: what Auth0
// answers is not documented, 409 or 400. A link that was to be switched on may be gone.
func (restoring) ambiguous(row *row, reply *reply) bool {
	if row.link != nil { // it was to be switched on
		return reply.class() == apiclient.NotFound
	}
	return reply.class() == apiclient.Conflict ||
		reply.class() == apiclient.Refused && reply.resp.Status == http.StatusBadRequest
}

const (
	messageNoSettings = "its settings are not known, as it was disabled without a check (--allow-defaults takes Auth0's default ones)"
	messageDefaults   = "restored with Auth0's default settings, as its own are not known"
	messageOther      = "enabled with other settings by now: "
	messageLost       = "the tenant lacks the newer endpoints, so these settings are not given back: "
	messageKeptOff    = "the connection is linked and switched off (is_enabled: false) by now; left alone"
)

// decide enables what is not there.
func (a restoring) decide(rows []*row, family apiclient.Family, links []apiclient.Link) {
	present := byID(links)
	for _, row := range rows {
		row.decision = a.decideRow(row, family, present[row.ConnectionID])
	}
}

func (a restoring) decideRow(row *row, family apiclient.Family, link *apiclient.Link) decision {
	switch {
	case link != nil && link.Off() && a.keepLink:
		return decision{link: snapshot(link), message: differences(row.Snapshot, family, link)}
	case link != nil && link.Off():
		return decision{outcome: journal.Failed, message: messageKeptOff}
	case link != nil:
		return decideEnabled(row, family, link)
	case row.Snapshot != nil:
		return decision{message: lostSettings(row.Snapshot, family)}
	case a.allowDefaults:
		return decision{message: messageDefaults}
	default:
		return decision{outcome: journal.Blocked, message: messageNoSettings}
	}
}

// decideEnabled decides a row whose connection is enabled. By an earlier attempt
// of ours it would have the settings that were sent.
func decideEnabled(row *row, family apiclient.Family, link *apiclient.Link) decision {
	other := differences(row.Snapshot, family, link)
	if row.maybeDone && other == "" {
		return decision{outcome: journal.Restored, message: messageEarlier}
	}
	return decision{outcome: journal.AlreadyEnabled, message: other}
}

// differences names the settings that a link has otherwise than it had, of those that
// the family shows.
func differences(former *journal.Snapshot, family apiclient.Family, link *apiclient.Link) string {
	if former == nil {
		return ""
	}
	return naming(messageOther, former.In(family).Differences(link.LinkSettings))
}

// lostSettings names the settings that a link had and that the family cannot give
// back. Access level none is Auth0's default.
func lostSettings(former *journal.Snapshot, family apiclient.Family) string {
	had := former.LinkSettings
	if had.AccessLevel != nil && *had.AccessLevel == "none" {
		had.AccessLevel = nil
	}
	return naming(messageLost, had.Differences(had.In(family)))
}

// naming is a message that names settings, "" if there are none.
func naming(message string, settings []string) string {
	if len(settings) == 0 {
		return ""
	}
	return message + strings.Join(settings, ", ")
}
