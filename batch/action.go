package batch

import (
	"context"
	"fmt"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// action is what a run does to its rows. What else differs between disabling, enabling and
// restoring: connections that no organization has (New), what a resume remembers
// (history.go), and --keep-link (foundFamily).
type action interface {
	// done, already and would are the outcomes of a row that this run changed,
	// that was so before, and that a dry run would change.
	done() journal.Outcome
	already() journal.Outcome
	would() journal.Outcome
	// decide sets each row's decision, by all the links of its organization as the
	// family of endpoints shows them. Rows are in input order. It may change links, as
	// its decisions would.
	decide(rows []*row, family apiclient.Family, links map[string]*apiclient.Link)
	// apply changes links as a row's call is about to do.
	apply(links map[string]*apiclient.Link, row *row)
	// send makes a row's call.
	send(ctx context.Context, api API, family apiclient.Family, row *row) (*apiclient.Response, error)
	// ambiguous says whether an answer that is an error has to be understood by
	// another read.
	ambiguous(row *row, reply *reply) bool
}

func newAction(command, undoes string, settings journal.Settings) (action, error) {
	switch {
	case command == journal.CommandDisable, command == journal.CommandRestore && undoes == journal.CommandEnable:
		return disabling{
			keepLink: settings.KeepLink, allowLockout: settings.AllowLockout,
			unusedFor: time.Duration(settings.UnusedFor), undo: command == journal.CommandRestore,
		}, nil
	case command == journal.CommandEnable:
		return enabling{}, nil
	case command == journal.CommandRestore:
		return restoring{keepLink: settings.KeepLink, allowDefaults: settings.AllowDefaults}, nil
	default:
		return nil, fmt.Errorf("there is no command %q", command)
	}
}

// warn adds a sentence to what a decision says.
func (d *decision) warn(message string) {
	if d.message != "" {
		message = d.message + "; " + message
	}
	d.message = message
}

// byID are links by their connection.
func byID(links []apiclient.Link) map[string]*apiclient.Link {
	index := make(map[string]*apiclient.Link, len(links))
	for i := range links {
		index[links[i].ConnectionID] = &links[i]
	}
	return index
}

func snapshot(link *apiclient.Link) *journal.Snapshot {
	return &journal.Snapshot{Name: link.Connection.Name, LinkSettings: link.LinkSettings, Unknown: link.Unknown}
}
