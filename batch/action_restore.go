package batch

import (
	"context"
	"net/http"
	"strings"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// restoring gives connections back to organizations, with the settings that
// they had. It leaves alone what somebody has enabled again meanwhile.
type restoring struct{ allowDefaults bool }

func (restoring) done() journal.Outcome    { return journal.Restored }
func (restoring) already() journal.Outcome { return journal.AlreadyEnabled }
func (restoring) would() journal.Outcome   { return journal.WouldRestore }

func (restoring) send(ctx context.Context, api API, org string, row *row) (*apiclient.Response, error) {
	link := apiclient.Link{ConnectionID: row.ConnectionID}
	if former := row.Snapshot; former != nil {
		link.LinkSettings = former.LinkSettings
	}
	return api.EnableConnection(ctx, org, link)
}

// ambiguous knows the answers for a pair that is enabled already: what Auth0
// answers is not documented, 409 or 400.
func (restoring) ambiguous(reply *reply) bool {
	return reply.class() == apiclient.Conflict ||
		reply.class() == apiclient.Refused && reply.resp.Status == http.StatusBadRequest
}

const (
	messageNoSettings = "its settings are not known, as it was disabled without a check (--allow-defaults takes Auth0's default ones)"
	messageDefaults   = "restored with Auth0's default settings, as its own are not known"
	messageOther      = "enabled with other settings by now: "
	messageKeptOff    = "the connection is linked and switched off (is_enabled: false) by now; left alone"
)

// decide enables what is not there.
func (a restoring) decide(rows []*row, links []apiclient.Link) {
	present := byID(links)
	for _, row := range rows {
		row.decision = a.decideRow(row, present[row.ConnectionID])
	}
}

func (a restoring) decideRow(row *row, link *apiclient.Link) decision {
	switch {
	case link != nil && link.Off():
		return decision{outcome: journal.Failed, message: messageKeptOff}
	case link != nil:
		return decideEnabled(row, link)
	case row.Snapshot != nil:
		return decision{}
	case a.allowDefaults:
		return decision{message: messageDefaults}
	default:
		return decision{outcome: journal.Blocked, message: messageNoSettings}
	}
}

// decideEnabled decides a row whose connection is enabled. By an earlier attempt
// of ours it would have the settings that were sent.
func decideEnabled(row *row, link *apiclient.Link) decision {
	other := differences(row.Snapshot, link)
	if row.lost && other == "" {
		return decision{outcome: journal.Restored, message: messageEarlier}
	}
	return decision{outcome: journal.AlreadyEnabled, message: other}
}

// differences names the settings that a link has otherwise than it had.
func differences(former *journal.Snapshot, link *apiclient.Link) string {
	if former == nil {
		return ""
	}
	names := former.Differences(link.LinkSettings)
	if len(names) == 0 {
		return ""
	}
	return messageOther + strings.Join(names, ", ")
}
