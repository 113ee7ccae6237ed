package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

const (
	// asksAnyway is up to how many names are asked for one by one without a look
	// at how long the tenant's list is.
	asksAnyway = 2
	// notedAtOnce is how many names a record of the journal has at most, which may be no
	// longer than a line.
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
	*reader
	total int // names
	kinds []*nameKind
}

// NewLookup prepares a lookup of the names that are missing.
func NewLookup(cfg LookupConfig) *Lookup {
	l := &Lookup{LookupConfig: cfg, reader: newReader(cfg.API, cfg.Settings, cfg.Log), total: cfg.Names.Missing()}
	l.kinds = l.nameKinds()
	return l
}

// Do looks the names up. Rows with a name for which no answer could be got have
// failed; the others go on. Do returns why it stopped before its end; nil where it
// did not.
func (l *Lookup) Do(ctx context.Context) *Stop {
	var stages []func() error
	for _, k := range l.kinds {
		stages = append(stages, func() error { return l.lookUp(k) })
	}
	if stop := l.do(ctx, stages...); stop != nil {
		return stop
	}
	if err := l.settleUnanswered(); err != nil {
		return asStop(err)
	}
	return nil
}

// Progress is how far the lookup is now, in names.
func (l *Lookup) Progress() Progress {
	p := Progress{Of: "names", Rows: l.total, Done: l.total - l.Names.Missing()}
	l.addETA(&p, l.lists, l.byName, l.connections)
	return p
}

// Calls counts the calls so far.
func (l *Lookup) Calls() journal.Calls { return l.callsSoFar() }

// nameKind is what differs between the names of organizations and of connections.
type nameKind struct {
	table  *list.NameTable
	asks   *caller // for single names
	lists  *caller // for pages
	isID   func(string) bool
	toFind func(list.Record) string // the name of a record that lacks the id
	find   func(name string) (apiclient.Named, error)
	count  func(context.Context) (int, *apiclient.Response, error)
	list   pager
	record func(ids map[string]string) *journal.Names

	unanswered sync.Map // names for which no answer could be got, and why: string to error
}

func (l *Lookup) nameKinds() []*nameKind {
	return []*nameKind{
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
// calls, else one by one. The error ends the lookup.
func (l *Lookup) lookUp(k *nameKind) error {
	names := k.table.Missing()
	if names > asksAnyway {
		k.lists.expect(1)
		total, reply, err := ask(k.lists, k.count)
		if err == nil && reply.err == nil && total > 0 && pages(total) < names {
			err = l.inList(k, total)
		}
		if _, ofCall := errors.AsType[*apiclient.Error](err); err != nil && !ofCall {
			return err
		}
	}
	return l.oneByOne(k)
}

// pages is how many calls a list of so many items takes.
func pages(items int) int { return (items + apiclient.PageSize - 1) / apiclient.PageSize }

// inList looks for the names in the tenant's list. What is not in it does not
// exist, if the list has as many items as the tenant says. The error ends the
// lookup.
func (l *Lookup) inList(k *nameKind, total int) error {
	k.lists.expect(pages(total))
	listed := 0
	asked, err := readList(k.lists, k.list, func(page []apiclient.Named) (more bool, err error) {
		listed += len(page)
		ids := map[string]string{}
		for _, item := range page {
			if k.table.IsMissing(item.Name) {
				ids[item.Name] = item.ID
			}
		}
		err = l.note(k, ids)
		return k.table.Missing() > 0, err
	})
	k.lists.expect(min(asked-pages(total), 0)) // less, if it ended early
	if err == nil && listed >= total {
		err = l.noteUnknown(k)
	}
	return err
}

// noteUnknown notes that the names left do not exist.
func (l *Lookup) noteUnknown(k *nameKind) error {
	ids := map[string]string{}
	for name, err := range l.claimLeft(k) {
		if err != nil {
			return err
		}
		if ids[name] = ""; len(ids) == notedAtOnce {
			if err := l.commit(k, ids); err != nil {
				return err
			}
			ids = map[string]string{}
		}
	}
	return l.commit(k, ids)
}

// oneByOne asks for each name that is left.
func (l *Lookup) oneByOne(k *nameKind) error {
	k.asks.expect(k.table.Missing())
	for name, err := range l.claimLeft(k) {
		if err != nil {
			return err
		}
		l.spawn(func() error {
			found, err := k.find(name)
			if _, ofCall := errors.AsType[*apiclient.Error](err); ofCall && l.stopping.Err() == nil {
				k.unanswered.Store(name, err)
				return nil
			}
			if err != nil {
				return err
			}
			return l.note(k, map[string]string{name: found.ID})
		})
	}
	return nil
}

// claimLeft yields the names that are still to be looked up, or why the lookup stops.
func (l *Lookup) claimLeft(k *nameKind) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for rec, err := range l.List.Records() {
			if k.table.Missing() == 0 {
				return
			}
			if err != nil {
				err = &Stop{Code: journal.ExitStopped, Reason: err.Error()}
			}
			if err = cmp.Or(err, context.Cause(l.stopping)); err != nil {
				yield("", err)
				return
			}
			if name := k.toFind(rec); name != "" && k.table.Claim(name) && !yield(name, nil) {
				return
			}
		}
	}
}

// note puts on disk what was found for names, "" for nothing, and tells the
// list. The error ends the lookup.
func (l *Lookup) note(k *nameKind, ids map[string]string) error {
	part := map[string]string{} // a page may be as long as a server likes
	for name, id := range ids {
		if id != "" && !k.isID(id) {
			return &Stop{Code: journal.ExitStopped, Reason: fmt.Sprintf("the tenant's id of %q, %q, is none that this program can use", name, id)}
		}
		if part[name] = id; len(part) == notedAtOnce {
			if err := l.commit(k, part); err != nil {
				return err
			}
			part = map[string]string{}
		}
	}
	return l.commit(k, part)
}

// commit is note for as many names as a record has.
func (l *Lookup) commit(k *nameKind, ids map[string]string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := l.Journal.Commit(l.cutoff, journal.Record{At: time.Now().UTC(), Names: k.record(ids)}); err != nil {
		return cmp.Or(context.Cause(l.cutoff), error(journalFailed(err)))
	}
	for name, id := range ids {
		k.table.Set(name, id)
	}
	return nil
}

// settleUnanswered records the rows whose names could not be looked up.
func (l *Lookup) settleUnanswered() error {
	if l.Names.Missing() == 0 {
		return nil
	}
	for rec, err := range l.List.Records() {
		if err != nil {
			return &Stop{Code: journal.ExitStopped, Reason: err.Error()}
		}
		for _, k := range l.kinds {
			why, ok := k.unanswered.Load(k.toFind(rec))
			if !ok {
				continue
			}
			failed := &journal.RowOutcome{Line: rec.Line, Outcome: journal.Failed, Message: why.(error).Error()}
			if err := l.Journal.Append(journal.Record{At: time.Now().UTC(), Outcome: failed}); err != nil {
				return journalFailed(err)
			}
			break
		}
	}
	return nil
}
