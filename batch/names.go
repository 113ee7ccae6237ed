package batch

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

const (
	// asksAnyway is up to how many names are asked for one by one without a look
	// at how long the tenant's list is.
	asksAnyway = 2
	// notedAtOnce is how many names without an id a record of the journal has.
	notedAtOnce = 500
)

// LookupConfig is what a lookup works with.
type LookupConfig struct {
	API      Directory
	List     *list.List
	Names    *list.Names // of the list; it is told what was found
	Journal  Journal
	Settings journal.Settings // headroom, pace and workers
	Log      *zap.Logger
}

// Lookup finds the ids of the names in a list. Every answer is in the journal
// before the list is told, so that whatever goes by it can be resumed. Make it
// with NewLookup; Do may be called once, Progress at any time from any goroutine.
type Lookup struct {
	LookupConfig
	*reading
	total int // names
}

// NewLookup prepares a lookup of the names that are missing.
func NewLookup(cfg LookupConfig) *Lookup {
	return &Lookup{LookupConfig: cfg, reading: newReading(cfg.API, cfg.Settings, cfg.Log), total: cfg.Names.Missing()}
}

// Do looks the names up. It returns why it stopped before its end; nil where it
// did not.
func (l *Lookup) Do(ctx context.Context) *Stop {
	return l.do(ctx, func() {
		var kinds sync.WaitGroup
		for _, k := range l.kinds() {
			kinds.Go(func() { l.safely(func() { l.lookUp(k) }) })
		}
		kinds.Wait()
	})
}

// Progress is how far the lookup is now, in names.
func (l *Lookup) Progress() Progress {
	p := Progress{Rows: l.total, Done: l.total - l.Names.Missing()}
	l.foresee(&p, l.lists, l.byName, l.connections)
	return p
}

// Calls counts the calls so far.
func (l *Lookup) Calls() journal.Calls { return l.calls() }

// kind is what differs between the names of organizations and of connections.
type kind struct {
	table  *list.NameTable
	asks   *lane // for single names
	lists  *lane // for pages
	isID   func(string) bool
	toFind func(list.Record) string // the name of a record that lacks the id
	find   func(name string) (apiclient.Named, *reply)
	count  func(context.Context) (int, *apiclient.Response, error)
	list   pager
	record func(ids map[string]string) *journal.Names
}

func (l *Lookup) kinds() [2]*kind {
	return [...]*kind{
		{
			table: &l.Names.Organizations, asks: l.byName, lists: l.lists,
			isID: list.IsOrganizationID, toFind: list.Record.OrgToFind,
			find: l.organizationNamed, count: l.api.OrganizationCount, list: l.api.Organizations,
			record: func(ids map[string]string) *journal.Names { return &journal.Names{Organizations: ids} },
		},
		{
			table: &l.Names.Connections, asks: l.connections, lists: l.connections,
			isID: list.IsConnectionID, toFind: list.Record.ConnectionToFind,
			find: l.connectionNamed, count: l.api.ConnectionCount,
			list: func(ctx context.Context, cursor string) ([]apiclient.Named, string, *apiclient.Response, error) {
				return l.api.Connections(ctx, "", cursor)
			},
			record: func(ids map[string]string) *journal.Names { return &journal.Names{Connections: ids} },
		},
	}
}

// lookUp looks the names of a kind up: in the tenant's list where that is fewer
// calls, else one by one.
func (l *Lookup) lookUp(k *kind) {
	names := k.table.Missing()
	if names > asksAnyway {
		k.lists.expect(1)
		total, reply := ask(k.lists, k.count)
		if reply.err == nil && total > 0 && pages(total) < names {
			l.inList(k, total)
		}
	}
	l.oneByOne(k)
}

// pages is how many calls a list of so many items takes.
func pages(items int) int { return (items + apiclient.PageSize - 1) / apiclient.PageSize }

// inList looks for the names in the tenant's list. What is not in it does not
// exist, if the list has as many items as the tenant says; else nothing is said.
func (l *Lookup) inList(k *kind, total int) {
	k.lists.expect(pages(total))
	listed := 0
	reply := readPages(k.lists, k.list, func(page []apiclient.Named) bool {
		listed += len(page)
		ids := map[string]string{}
		for _, item := range page {
			if k.table.IsMissing(item.Name) {
				ids[item.Name] = item.ID
			}
		}
		return l.note(k, ids) && k.table.Missing() > 0
	})
	if reply.err != nil {
		l.failed(reply)
	} else if listed >= total {
		l.noteUnknown(k)
	}
}

// noteUnknown notes that the names left do not exist.
func (l *Lookup) noteUnknown(k *kind) {
	ids := map[string]string{}
	for name := range l.left(k) {
		if ids[name] = ""; len(ids) == notedAtOnce {
			l.note(k, ids)
			ids = map[string]string{}
		}
	}
	l.note(k, ids)
}

// oneByOne asks for each name that is left.
func (l *Lookup) oneByOne(k *kind) {
	k.asks.expect(k.table.Missing())
	var pool errgroup.Group
	pool.SetLimit(cap(k.asks.turns))
	for name := range l.left(k) {
		pool.Go(func() error {
			l.safely(func() {
				found, reply := k.find(name)
				if reply.err != nil {
					l.failed(reply)
					return
				}
				l.note(k, map[string]string{name: found.ID})
			})
			return nil
		})
	}
	_ = pool.Wait()
}

// left yields the names that are still to be looked up, until the lookup stops.
func (l *Lookup) left(k *kind) iter.Seq[string] {
	return func(yield func(string) bool) {
		for rec, err := range l.List.Records() {
			if k.table.Missing() == 0 || l.control.stopping.Err() != nil {
				return
			}
			if err != nil {
				l.control.stop(&Stop{Code: journal.ExitStopped, Reason: err.Error()})
				return
			}
			if name := k.toFind(rec); name != "" && k.table.Take(name) && !yield(name) {
				return
			}
		}
	}
}

// note puts on disk what was found for names, "" for nothing, and tells the
// list; false where the lookup stops.
func (l *Lookup) note(k *kind, ids map[string]string) bool {
	for name, id := range ids {
		if id != "" && !k.isID(id) {
			l.control.stop(&Stop{Code: journal.ExitStopped, Reason: fmt.Sprintf("the tenant's id of %q, %q, is none that this program can use", name, id)})
			return false
		}
	}
	if len(ids) == 0 {
		return true
	}
	err := l.Journal.Commit(l.control.calls, stamp(journal.Record{Names: k.record(ids)}))
	if err != nil {
		l.control.stop(journalFailed(err))
		return false
	}
	for name, id := range ids {
		k.table.Set(name, id)
	}
	return true
}
