package batch

import (
	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// restoring gives connections back to organizations, with the settings that
// they had. What a run with --keep-link switched off, it switches on. It leaves alone
// what somebody has enabled again meanwhile. What an enable did is undone by disabling.
type restoring struct {
	enabling
	keepLink, allowDefaults bool
}

func (restoring) done() journal.Outcome  { return journal.Restored }
func (restoring) would() journal.Outcome { return journal.WouldRestore }

const (
	messageNoSettings = "its settings are not known, as it was disabled without a check (--allow-defaults takes Auth0's default ones)"
	messageDefaults   = "restored with Auth0's default settings, as its own are not known"
	messageOther      = "enabled with other settings by now: "
	messageUnseen     = "the older endpoints do not show these settings, so they were not compared: "
	messageLost       = "the tenant lacks the newer endpoints, so these settings are not given back: "
	messageKeptOff    = "the connection is linked and switched off (is_enabled: false) by now; left alone"
)

// decide enables what is not there.
func (a restoring) decide(rows []*row, family apiclient.Family, links map[string]*apiclient.Link) {
	for _, row := range rows {
		row.decision = a.decideRow(row, family, links[row.ConnectionID])
	}
}

func (a restoring) decideRow(row *row, family apiclient.Family, link *apiclient.Link) decision {
	switch {
	case link != nil && link.Off() && a.keepLink:
		return decision{link: snapshot(link), message: differences(messageOther, row.Wanted, family, link)}
	case link != nil && link.Off():
		return decision{outcome: journal.Failed, message: messageKeptOff}
	case link != nil:
		return decideEnabled(row, journal.Restored, link, compare(row.Wanted, family, link))
	case row.Wanted != nil:
		return decision{message: lostSettings(messageLost, row.Wanted, family)}
	case a.allowDefaults:
		return decision{message: messageDefaults}
	default:
		return decision{outcome: journal.Blocked, message: messageNoSettings}
	}
}

// compare says how an enabled link differs from what is to be given back, as far as the
// family shows it.
func compare(wanted *journal.Snapshot, family apiclient.Family, link *apiclient.Link) string {
	d := decision{message: differences(messageOther, wanted, family, link)}
	if unseen := lostSettings(messageUnseen, wanted, family); unseen != "" {
		d.warn(unseen)
	}
	return d.message
}
