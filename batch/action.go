package batch

import (
	"context"
	"fmt"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// action is what a run does to its rows. All that differs between disabling
// and restoring is here.
type action interface {
	// done, already and would are the outcomes of a row that this run changed,
	// that was so before, and that a dry run would change.
	done() journal.Outcome
	already() journal.Outcome
	would() journal.Outcome
	// decide says what is to be done with an organization's rows, given all
	// its connections. Rows are in input order.
	decide(rows []*row, links []apiclient.Link) []decision
	// send makes a row's call.
	send(ctx context.Context, api API, org string, row *row) (*apiclient.Response, error)
	// conclude is the outcome of a row by a class of answer that means something
	// to this action only; "" where it does not. Earlier says that an attempt
	// before may have taken effect.
	conclude(class apiclient.Class, earlier, unchecked bool) journal.Outcome
	// ambiguous says whether an answer has to be understood by another read.
	ambiguous(reply *reply) bool
}

func newAction(command string, settings journal.Settings) (action, error) {
	switch command {
	case journal.CommandDisable:
		return disabling{allowLockout: settings.AllowLockout}, nil
	case journal.CommandRestore:
		return restoring{allowDefaults: settings.AllowDefaults}, nil
	default:
		return nil, fmt.Errorf("there is no command %q", command)
	}
}
