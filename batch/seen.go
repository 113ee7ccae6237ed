package batch

import (
	"crypto/rand"
	"sync"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

const messageUnconfirmed = "the organization's existence is not confirmed: the tenant answers an empty list for one that does not exist, too"

// provesAbsence says whether an empty list is one of an organization that
// exists: whether the tenant answers 404 for one that does not. Auth0 does not
// document it, so the run asks once, at the first empty list, for an
// organization that cannot exist.
func (r *Run) provesAbsence() bool {
	proof, _, _ := r.rereads.Do("", func() (any, error) {
		if known := r.proof.Load(); known != nil {
			return *known, nil
		}
		_, reply := readLinks(r.reads.extra(), r.API, "org_"+rand.Text()[:16])
		proof := reply.class() == apiclient.NotFound
		if proof || reply.err == nil { // else it was not answered; the next empty list asks again
			r.proof.Store(&proof)
		}
		r.Log.Debug("asked for an organization that does not exist", zap.Bool("not_found", proof))
		return proof, nil
	})
	return proof.(bool)
}

// seen remembers which connections of the list some organization had although
// the list does not pair them: they exist, so they are no typing errors.
type seen struct {
	listed *list.Connections

	mu          sync.Mutex
	connections map[string]bool
}

// see records what an organization has of the list's connections.
func (r *Run) see(p *plan, links []apiclient.Link) {
	paired := make(map[string]bool, len(p.rows))
	for _, row := range p.rows {
		paired[row.ConnectionID] = true
	}
	var fresh []string
	for _, link := range links {
		if id := link.ConnectionID; !paired[id] && r.seen.add(id) {
			fresh = append(fresh, id)
		}
	}
	if len(fresh) > 0 {
		r.record(journal.Record{Seen: &journal.Seen{Connections: fresh}})
	}
}

// add says whether the connection is one of the list that is new here.
func (s *seen) add(id string) bool {
	if !s.listed.Has(id) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.connections[id] {
		return false
	}
	if s.connections == nil {
		s.connections = map[string]bool{}
	}
	s.connections[id] = true
	return true
}
