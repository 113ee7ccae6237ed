package batch

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

const (
	// exportWindow is how many organizations may be read and not yet written,
	// since they are written in order. It bounds the memory.
	exportWindow = 512
	// noEnd is a number of calls to come that stands for one not known yet.
	noEnd = 1 << 30
)

// ExportConfig is what an export works with.
type ExportConfig struct {
	API Directory
	// Organizations and Connections, where there are any, are the only ones to
	// be exported, by id or by name.
	Organizations, Connections []string
	Settings                   journal.Settings // headroom, pace and workers
	Log                        *zap.Logger
}

// ExportedPair is an enabled connection of an organization.
type ExportedPair struct {
	OrgID, OrgName, ConnectionID string
	Link                         *journal.Snapshot
}

// Export reads what the organizations of a tenant have enabled. Make it with
// NewExport; Do may be called once, Progress at any time from any goroutine.
type Export struct {
	ExportConfig
	*reading
	wanted map[string]*atomic.Bool // ids of the connections to be exported, and whether an organization has it; empty: all
	total  atomic.Int64            // organizations; 0 where not known
	done   atomic.Int64            // organizations written
}

// NewExport prepares an export.
func NewExport(cfg ExportConfig) *Export {
	return &Export{ExportConfig: cfg, reading: newReading(cfg.API, cfg.Settings, cfg.Log), wanted: map[string]*atomic.Bool{}}
}

// Do hands the pairs to write, those of an organization at once, one organization
// after the other, in the order in which the tenant lists them. It returns why it
// stopped before its end; nil where it did not. What was handed over by then is
// the beginning of the whole, without gaps.
func (e *Export) Do(ctx context.Context, write func([]ExportedPair) error) *Stop {
	return e.do(ctx, func() {
		if !e.findConnections() {
			return
		}
		window := make(chan *slot, exportWindow)
		var writing sync.WaitGroup
		writing.Go(func() { e.safely(func() { e.writeAll(window, write) }) })
		e.safely(func() { e.readAll(window) })
		close(window)
		writing.Wait()
	})
}

// slot is the place of an organization in the export.
type slot struct {
	org   apiclient.Named
	pairs []ExportedPair
	read  chan struct{} // closed when it was read, or will not be
	ok    bool          // it was read
}

// findConnections finds the ids of the connections to be exported; false where
// the export stops.
func (e *Export) findConnections() bool {
	for _, name := range e.Connections {
		id := name
		if !list.IsConnectionID(name) {
			found, reply := e.connectionNamed(name)
			switch {
			case reply.err != nil:
				e.failed(reply)
				return false
			case found.ID == "":
				e.control.stop(unknownName("--connection", "connection", name))
				return false
			}
			id = found.ID
		}
		e.wanted[id] = new(atomic.Bool)
	}
	return true
}

func unknownName(flag, what, name string) *Stop {
	return &Stop{Code: journal.ExitRefused, Reason: fmt.Sprintf("the tenant has no %s %q", what, name), Hint: "check " + flag}
}

// readAll puts the organizations into the window, and reads each.
func (e *Export) readAll(window chan<- *slot) {
	var pool sync.WaitGroup
	defer pool.Wait()
	read := func(orgs []apiclient.Named) bool {
		for _, org := range orgs {
			if !e.readNext(&pool, window, org) {
				return false
			}
		}
		return true
	}
	if len(e.Organizations) > 0 {
		if orgs, ok := e.findOrganizations(); ok {
			e.expectTotal(len(orgs))
			read(orgs)
		}
		return
	}
	e.countOrganizations()
	listed := 0
	reply := readPages(e.lists, e.api.Organizations, func(orgs []apiclient.Named) bool {
		listed += len(orgs)
		return read(orgs)
	})
	total := int(e.total.Load())
	switch {
	case reply.err != nil:
		e.failed(reply)
	case listed < total:
		e.control.stop(&Stop{
			Code:   journal.ExitStopped,
			Reason: fmt.Sprintf("the tenant listed %d organizations and said that it has %d", listed, total),
			Hint:   "some may have been deleted meanwhile: export again",
		})
	}
	e.links.expect(listed - e.expected())
}

// countOrganizations asks how many organizations there are, for the ETA and for
// the throttle; that it is not known is no fault.
func (e *Export) countOrganizations() {
	e.lists.expect(noEnd)
	n, reply := ask(e.lists, e.api.OrganizationCount)
	if reply.err != nil {
		n = 0
	}
	e.expectTotal(n)
}

func (e *Export) expectTotal(n int) {
	e.total.Store(int64(n))
	e.links.expect(e.expected())
}

// expected is how many organizations are to be read, as far as is known.
func (e *Export) expected() int {
	if n := int(e.total.Load()); n > 0 {
		return n
	}
	return noEnd
}

// findOrganizations finds the organizations that were asked for; not ok where
// the export stops.
func (e *Export) findOrganizations() (orgs []apiclient.Named, ok bool) {
	for _, name := range e.Organizations {
		org, reply := e.organization(name)
		if reply.err != nil {
			e.failed(reply)
			return nil, false
		}
		if org.ID == "" {
			e.control.stop(unknownName("--org", "organization", name))
			return nil, false
		}
		if !slices.Contains(orgs, org) {
			orgs = append(orgs, org)
		}
	}
	return orgs, true
}

// readNext begins to read an organization when there is a place in the window
// and the throttle permits it; false where the export stops.
func (e *Export) readNext(pool *sync.WaitGroup, window chan<- *slot, org apiclient.Named) bool {
	s := &slot{org: org, read: make(chan struct{})}
	select {
	case window <- s:
	case <-e.control.stopping.Done():
		return false
	}
	turn := e.links.turn()
	if turn.err != nil {
		close(s.read)
		return false
	}
	pool.Go(func() {
		defer close(s.read)
		e.safely(func() { e.read(s, turn) })
	})
	return true
}

// read reads an organization, without links that are switched off. One that was
// deleted since it was listed has nothing to export.
func (e *Export) read(s *slot, turn *turn) {
	links, reply := readLinks(turn, e.api, s.org.ID)
	if reply.err != nil && reply.class() != apiclient.NotFound {
		e.failed(reply)
		return
	}
	for _, link := range links {
		if !link.Off() && e.wants(link.ConnectionID) {
			s.pairs = append(s.pairs, ExportedPair{s.org.ID, s.org.Name, link.ConnectionID, snapshot(&link)})
		}
	}
	s.ok = true
}

// wants reports whether a connection is to be exported.
func (e *Export) wants(connection string) bool {
	if len(e.wanted) == 0 {
		return true
	}
	seen := e.wanted[connection]
	if seen != nil {
		seen.Store(true)
	}
	return seen != nil
}

// Unseen are the connections asked for that no organization has.
func (e *Export) Unseen() (ids []string) {
	for id, seen := range e.wanted {
		if !seen.Load() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// writeAll hands over what was read, up to the first organization that was not.
func (e *Export) writeAll(window <-chan *slot, write func([]ExportedPair) error) {
	for s := range window {
		<-s.read
		if !s.ok {
			return
		}
		if len(s.pairs) > 0 {
			if err := write(s.pairs); err != nil {
				e.control.stop(&Stop{Code: journal.ExitStopped, Reason: "write the export: " + err.Error()})
				return
			}
		}
		e.done.Add(1)
	}
}

// Progress is how far the export is now, in organizations.
func (e *Export) Progress() Progress {
	p := Progress{Rows: int(e.total.Load()), Done: int(e.done.Load())}
	e.foresee(&p, e.links)
	return p
}
