package batch

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// maxAsked is how many connections that no organization had are asked for.
const maxAsked = 100

// seen knows which connections of the list some organization has. One that none
// has may be a typing error, but its rows look as if they were already disabled, or as
// if they could be enabled. The run asks the tenant for these at its end. The reports
// find them in the journal once the run has come to its end (see reports/unseen.go). It is
// safe for concurrent use.
type seen struct {
	mu          sync.Mutex
	connections map[string]bool  // of the list, and whether they were seen; none in a restore or without a check
	missing     map[string][]int // lines of rows whose organization lacks a connection not seen so far
}

// expect takes the list's connections.
func (s *seen) expect(connections iter.Seq[string]) {
	s.connections = map[string]bool{}
	for id := range connections {
		s.connections[id] = false
	}
}

// add notes that a connection exists, and reports whether it is one of the list and that is
// news.
func (s *seen) add(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was, listed := s.connections[id]; was || !listed {
		return false
	}
	s.connections[id] = true
	delete(s.missing, id)
	return true
}

// miss notes that a row's organization does not have the row's connection.
func (s *seen) miss(row list.Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was, listed := s.connections[row.ConnectionID]; was || !listed {
		return
	}
	if s.missing == nil {
		s.missing = map[string][]int{}
	}
	s.missing[row.ConnectionID] = append(s.missing[row.ConnectionID], row.Line)
}

// never returns the connections that no organization had, those with most rows
// first.
func (s *seen) never() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.missing), func(a, b string) int {
		return cmp.Or(len(s.missing[b])-len(s.missing[a]), cmp.Compare(a, b))
	})
}

// lines are those of the rows that a connection was missed for.
func (s *seen) lines(id string) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missing[id]
}

// outcomeIfAbsent is the outcome of a row whose organization lacks the connection. It is
// the same if the connection does not exist at all.
func (r *Run) outcomeIfAbsent() journal.Outcome {
	if r.Command == journal.CommandEnable {
		return journal.WouldEnable
	}
	return journal.AlreadyDisabled
}

// askForUnseen asks for the connections that no organization had, where the token
// may. The rows of one that the tenant does not have are not found. Those that it has are
// recorded as seen. The error ends the run.
func (r *Run) askForUnseen() error {
	if !r.ReadConnections {
		return nil
	}
	unseen := r.books.seen.never()
	unseen = unseen[:min(len(unseen), maxAsked)]
	r.connections.expect(len(unseen))
	var exist []string // these are no typing errors
	for _, id := range unseen {
		_, reply, err := ask(r.connections, func(ctx context.Context) (apiclient.Named, *apiclient.Response, error) {
			return r.API.Connection(ctx, id)
		})
		switch {
		case err != nil:
		case reply.err == nil:
			exist = append(exist, id)
		case reply.class() == apiclient.NotFound:
			err = r.settleNoConnection(id, reply)
		}
		if err != nil {
			return err
		}
	}
	if len(exist) == 0 {
		return nil
	}
	return r.record(journal.Record{Seen: &journal.Seen{Connections: exist}})
}

// settleNoConnection records that a connection does not exist, for its rows.
func (r *Run) settleNoConnection(id string, reply *reply) error {
	for _, line := range r.books.seen.lines(id) {
		outcome := &journal.RowOutcome{
			Line: line, Outcome: journal.NotFound, NoConnection: true,
			Message: fmt.Sprintf("the tenant has no connection %s", id), Call: reply.record(),
		}
		if err := r.record(journal.Record{Outcome: outcome}); err != nil {
			return err
		}
		counts := &r.books.now
		if r.History.row(line).outcome == r.outcomeIfAbsent() {
			counts = &r.books.earlier
		}
		counts.move(r.outcomeIfAbsent(), journal.NotFound)
		r.books.noConnection.Add(1)
	}
	return nil
}
