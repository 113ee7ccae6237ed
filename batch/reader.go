package batch

import (
	"cmp"
	"context"
	"errors"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// Directory is what can be asked of a tenant about what it has;
// *apiclient.Client is the real one.
type Directory interface {
	LinkLister
	OrganizationCount(ctx context.Context) (int, *apiclient.Response, error)
	ConnectionCount(ctx context.Context) (int, *apiclient.Response, error)
	Organizations(ctx context.Context, cursor string) ([]apiclient.Named, string, *apiclient.Response, error)
	Organization(ctx context.Context, id string) (apiclient.Named, *apiclient.Response, error)
	OrganizationByName(ctx context.Context, name string) (apiclient.Named, *apiclient.Response, error)
	Connections(ctx context.Context, name, cursor string) ([]apiclient.Named, string, *apiclient.Response, error)
}

// reader is a pool that only reads, and has no rows: that of a lookup or an export. Each
// of Auth0's groups of calls has a token bucket of its own, and so a caller.
type reader struct {
	*pool
	api Directory

	lists, byID, byName, connections *caller
	links                            *linkCaller
}

// newReader takes headroom, pace and workers from the settings.
func newReader(api Directory, s journal.Settings, log *zap.Logger) *reader {
	p := newPool(s, log)
	return &reader{
		pool: p, api: api,
		lists: p.newCaller(), byID: p.newCaller(), byName: p.newCaller(), connections: p.newCaller(),
		links: p.newLinkCaller(api, s.API, func(apiclient.Family) error { return nil }),
	}
}

// do runs the stages. See [pool.do].
func (r *reader) do(ctx context.Context, stages ...func() error) *Stop {
	return r.pool.do(ctx, func(context.Context) {}, stages...)
}

// addETA adds the calls that were answered by 429, when all is read, and what holds that
// up: the slowest of these callers.
func (r *reader) addETA(p *Progress, callers ...*caller) {
	p.Limited = r.callsSoFar().RateLimited
	var slow remaining
	for _, c := range callers {
		if todo := c.remaining(); slow.calls == 0 || todo.time() > slow.time() {
			slow = todo
		}
	}
	p.ETA = slow.time()
	p.addHoldup(slow, HeldByReads, r.breaker.open())
	for _, c := range callers {
		p.addPause(c.remaining())
	}
	if p.Rows == 0 {
		p.ETA = 0 // the calls to come are not known either
	}
	if r.stopping.Err() != nil {
		p.setStopping()
	}
}

// ask makes a call that expect has been told. The error stops the pool. The reply
// is never nil.
func ask[T any](c *caller, send func(context.Context) (T, *apiclient.Response, error)) (answer T, _ *reply, _ error) {
	permit, err := c.acquire()
	if err != nil {
		return answer, stoppedReply(err), err
	}
	reply, err := c.do(permit, func(ctx context.Context) (resp *apiclient.Response, err error) {
		answer, resp, err = send(ctx)
		return resp, err
	}, nil, 0)
	return answer, reply, err
}

// pager gets the page of a list that begins at a cursor.
type pager func(ctx context.Context, cursor string) (items []apiclient.Named, next string, resp *apiclient.Response, err error)

// errListChanged is the error of a list that cannot be read whole.
var errListChanged = &apiclient.Error{Class: apiclient.Transient, Err: errors.New("the tenant's list changed each time it was read")}

// readList reads a list until it is whole or visit says that this is enough, and
// returns how many pages it asked for. visit gets each item once. If an item is deleted
// while pages are read by number, one behind it moves to a page that was read before. So
// such a list is read again, until that brings nothing new. The error stops the pool: a
// call came to nothing, visit failed, or the list changed each time.
func readList(c *caller, get pager, visit func([]apiclient.Named) (more bool, err error)) (asked int, _ error) {
	known := map[string]bool{}
	for range maxFaults {
		before := len(known)
		pages, done, err := readPages(c, get, func(items []apiclient.Named) (more bool, err error) {
			return visit(addNew(known, items))
		})
		asked += pages
		if err != nil || done || len(known) == before {
			return asked, err
		}
	}
	return asked, errListChanged
}

// addNew returns the items that are not known, which are known from then on.
func addNew(known map[string]bool, items []apiclient.Named) (news []apiclient.Named) {
	for _, item := range items {
		if !known[item.ID] {
			known[item.ID] = true
			news = append(news, item)
		}
	}
	return news
}

// readPages reads a list page by page until it ends or visit says so. A tenant that
// ignores paging sends a page again; that ends the list. It reports whether it is done:
// not if the last page was asked for by number and visit wants more.
func readPages(c *caller, get pager, visit func([]apiclient.Named) (more bool, err error)) (asked int, done bool, _ error) {
	begun := map[string]bool{} // by the first item of each page
	for cursor := ""; ; {
		asked++
		var next string
		items, reply, err := ask(c, func(ctx context.Context) (items []apiclient.Named, resp *apiclient.Response, err error) {
			items, next, resp, err = get(ctx, cursor)
			return items, resp, err
		})
		if err = cmp.Or(err, reply.err); err != nil || len(items) == 0 || begun[items[0].ID] {
			return asked, !apiclient.IsNumbered(cursor), err
		}
		begun[items[0].ID] = true
		more, err := visit(items)
		if err != nil || !more || next == "" {
			return asked, !more || !apiclient.IsNumbered(cursor), err
		}
		cursor = next
	}
}

// FindOrganization finds the id of an organization by its name. The stop says why it did
// not.
func FindOrganization(ctx context.Context, api Directory, s journal.Settings, log *zap.Logger, name string) (id string, _ *Stop) {
	r := newReader(api, s, log)
	r.byName.expect(1)
	stop := r.do(ctx, func() error {
		org, err := r.organization(name)
		if err == nil && org.ID == "" {
			err = unknownName("--org", "organization", name)
		}
		id = org.ID
		return err
	})
	return id, stop
}

// organization finds an organization by its id or its name; the zero one where
// there is none. The error is that of the call, or why the pool stops.
func (r *reader) organization(name string) (apiclient.Named, error) {
	if !list.IsOrganizationID(name) {
		return r.organizationNamed(name)
	}
	return orNone(ask(r.byID, func(ctx context.Context) (apiclient.Named, *apiclient.Response, error) {
		return r.api.Organization(ctx, name)
	}))
}

// organizationNamed finds an organization by its name; the zero one where there
// is none. The error is that of the call, or why the pool stops.
func (r *reader) organizationNamed(name string) (apiclient.Named, error) {
	org, err := orNone(ask(r.byName, func(ctx context.Context) (apiclient.Named, *apiclient.Response, error) {
		return r.api.OrganizationByName(ctx, name)
	}))
	if org.Name != name {
		org = apiclient.Named{}
	}
	return org, err
}

// connectionNamed finds a connection by its name; the zero one where there is
// none. The error is that of the call, or why the pool stops.
func (r *reader) connectionNamed(name string) (found apiclient.Named, err error) {
	get := func(ctx context.Context, cursor string) ([]apiclient.Named, string, *apiclient.Response, error) {
		return r.api.Connections(ctx, name, cursor)
	}
	_, err = readList(r.connections, get, func(page []apiclient.Named) (more bool, err error) {
		for _, c := range page {
			if c.Name == name { // a filter may be ignored
				found = c
			}
		}
		return found.ID == "", nil
	})
	return found, err
}

// orNone takes status 404, that there is no such thing, for an answer. What cannot
// be the name of anything, so that no call was sent, is none either.
func orNone(found apiclient.Named, r *reply, err error) (apiclient.Named, error) {
	unsendable := r.class() == apiclient.Refused && r.resp.Status == 0
	if err == nil && (r.class() == apiclient.NotFound || unsendable) {
		return apiclient.Named{}, nil
	}
	return found, cmp.Or(err, r.err)
}
