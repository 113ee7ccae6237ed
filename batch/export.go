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
	Link                         journal.Snapshot
}

// Export reads what the organizations of a tenant have enabled. Make it with
// NewExport; Do may be called once, Progress at any time from any goroutine.
type Export struct {
	ExportConfig
	*reader
	wanted map[string]*atomic.Bool // ids of the connections to be exported, and whether an organization has it; empty: all
	total  atomic.Int64            // organizations; 0 where not known
	done   atomic.Int64            // organizations written
	reads  sync.WaitGroup          // of organizations
}

// NewExport prepares an export.
func NewExport(cfg ExportConfig) *Export {
	return &Export{ExportConfig: cfg, reader: newReader(cfg.API, cfg.Settings, cfg.Log), wanted: map[string]*atomic.Bool{}}
}

// Do hands the pairs to write, those of an organization at once, one organization
// after the other, in the order in which the tenant lists them. It returns why it
// stopped before its end; nil where it did not. What was handed over by then is
// the beginning of the whole, without gaps.
func (e *Export) Do(ctx context.Context, write func([]ExportedPair) error) *Stop {
	window := make(chan *exported, exportWindow)
	return e.do(ctx, func() error {
		defer close(window)
		return e.readAll(window)
	}, func() error {
		return e.writeAll(window, write)
	})
}

// exported is an organization of the export.
type exported struct {
	org   apiclient.Named
	pairs []ExportedPair
	read  chan struct{} // closed when it was read, or will not be
	ok    bool          // it was read
}

// findConnections finds the ids of the connections to be exported. The error ends
// the export.
func (e *Export) findConnections() error {
	for _, name := range e.Connections {
		id := name
		if !list.IsConnectionID(name) {
			found, err := e.connectionNamed(name)
			if err == nil && found.ID == "" {
				err = unknownName("--connection", "connection", name)
			}
			if err != nil {
				return err
			}
			id = found.ID
		}
		e.wanted[id] = new(atomic.Bool)
	}
	return nil
}

func unknownName(flag, what, name string) *Stop {
	return &Stop{Code: journal.ExitRefused, Reason: fmt.Sprintf("the tenant has no %s %q", what, name), Hint: "check " + flag}
}

// readAll puts the organizations into the window, and has each read. The error
// ends the export.
func (e *Export) readAll(window chan<- *exported) error {
	defer e.reads.Wait() // what was listed is exported, whatever ends the list
	if err := e.findConnections(); err != nil {
		return err
	}
	if len(e.Organizations) > 0 {
		orgs, err := e.findOrganizations()
		if err != nil {
			return err
		}
		e.expectTotal(len(orgs))
		return e.readEach(window, orgs)
	}
	if err := e.countOrganizations(); err != nil {
		return err
	}
	listed := 0
	_, err := readList(e.lists, e.api.Organizations, func(orgs []apiclient.Named) (more bool, err error) {
		listed += len(orgs)
		return true, e.readEach(window, orgs)
	})
	if total := int(e.total.Load()); err == nil && listed < total {
		err = &Stop{
			Code:   journal.ExitStopped,
			Reason: fmt.Sprintf("the tenant listed %d organizations and said that it has %d", listed, total),
			Hint:   "some may have been deleted meanwhile: export again",
		}
	}
	e.links.expect(listed - e.expected())
	return err
}

// countOrganizations asks how many organizations there are, for the ETA and for
// the throttle; that it is not known is no fault.
func (e *Export) countOrganizations() error {
	e.lists.expect(noEnd)
	n, reply, err := ask(e.lists, e.api.OrganizationCount)
	if reply.err != nil {
		n = 0
	}
	e.expectTotal(n)
	return err
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

// findOrganizations finds the organizations that were asked for. The error ends
// the export.
func (e *Export) findOrganizations() (orgs []apiclient.Named, err error) {
	for _, name := range e.Organizations {
		org, err := e.organization(name)
		if err == nil && org.ID == "" {
			err = unknownName("--org", "organization", name)
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(orgs, org) {
			orgs = append(orgs, org)
		}
	}
	return orgs, nil
}

// readEach has organizations read, each when there is a place in the window. The
// error ends the export.
func (e *Export) readEach(window chan<- *exported, orgs []apiclient.Named) error {
	for _, org := range orgs {
		x := &exported{org: org, read: make(chan struct{})}
		select {
		case window <- x:
		case <-e.stopping.Done():
			return context.Cause(e.stopping)
		}
		e.links.awaitTurn()
		e.reads.Add(1)
		e.spawn(func() error {
			defer e.reads.Done()
			defer close(x.read)
			return e.read(x)
		})
	}
	return nil
}

// read reads an organization, without links that are switched off. One that was
// deleted since it was listed has nothing to export. The error ends the export.
func (e *Export) read(x *exported) error {
	permit, err := e.links.acquire() // here, since who holds a permit may not wait for a worker
	if err != nil {
		return err
	}
	links, reply, err := e.links.read(permit, x.org.ID)
	switch {
	case err != nil:
		return err
	case reply.err != nil && reply.class() != apiclient.NotFound:
		stop := *asStop(reply.err)
		stop.Code, stop.Reason = journal.ExitStopped, fmt.Sprintf("organization %s: %s", x.org.ID, stop.Reason)
		return &stop
	}
	for _, link := range links {
		if !link.Off() && e.wants(link.ConnectionID) {
			x.pairs = append(x.pairs, ExportedPair{x.org.ID, x.org.Name, link.ConnectionID, *snapshot(&link)})
		}
	}
	x.ok = true
	return nil
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
// The error ends the export.
func (e *Export) writeAll(window <-chan *exported, write func([]ExportedPair) error) error {
	for x := range window {
		<-x.read
		if !x.ok {
			return context.Cause(e.stopping)
		}
		if len(x.pairs) > 0 {
			if err := write(x.pairs); err != nil {
				return &Stop{Code: journal.ExitStopped, Reason: "write the export: " + err.Error()}
			}
		}
		e.done.Add(1)
	}
	return nil
}

// Progress is how far the export is now, in organizations.
func (e *Export) Progress() Progress {
	p := Progress{Of: "organizations", Rows: int(e.total.Load()), Done: int(e.done.Load())}
	e.addETA(&p, e.links.caller)
	return p
}
