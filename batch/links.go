package batch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

// LinkLister lists an organization's links; *apiclient.Client does.
type LinkLister interface {
	Links(ctx context.Context, family apiclient.Family, org string, page int) (apiclient.LinkPage, *apiclient.Response, error)
}

// linkCaller reads the links of organizations, by the family of endpoints that the
// tenant has. Until that is known, organizations are read one after the other, so that
// a tenant without the newer family costs one call more. It is safe for concurrent use.
type linkCaller struct {
	*caller
	api   LinkLister
	found func(apiclient.Family) error // is told the family; its error stops the pool

	finder  chan struct{}   // a semaphore of one: the read that may find the family
	freely  context.Context // done once reads may go side by side
	setFree func()          // ends freely

	mu     sync.Mutex
	family apiclient.Family // "" until it is known; then it does not change
}

// newLinkCaller takes the family if it is known, else "".
func (p *pool) newLinkCaller(api LinkLister, family apiclient.Family, found func(apiclient.Family) error) *linkCaller {
	l := &linkCaller{caller: p.newCaller(), api: api, found: found, finder: make(chan struct{}, 1), family: family}
	l.freely, l.setFree = context.WithCancel(context.Background())
	if family != "" {
		l.setFree()
	}
	return l
}

// awaitTurn waits until no other read looks for the family. It is asked in the order of
// the reads, before a read's permit is acquired. The read ends the turn.
func (l *linkCaller) awaitTurn() {
	select {
	case <-l.freely.Done():
	case <-l.pool.stopping.Done():
	case l.finder <- struct{}{}:
	}
}

// known is the family, "" until it is known.
func (l *linkCaller) known() apiclient.Family {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.family
}

// agree settles on the family that a read has found, unless another read was faster,
// and returns the one that counts. The error stops the pool.
func (l *linkCaller) agree(family apiclient.Family) (apiclient.Family, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.family != "" {
		return l.family, nil
	}
	l.family = family
	defer l.setFree()
	return family, l.found(family)
}

// read reads all links of an organization. The permit is for the first page. The
// error stops the pool. The reply is never nil.
//
// While the family is unknown, read asks for the newer one. If the tenant refuses,
// only the older one can tell what is missing, the family or the organization.
func (l *linkCaller) read(permit *throttle.Permit, org string) ([]apiclient.Link, *reply, error) {
	if known := l.known(); known != "" {
		return l.readWhole(permit, known, org)
	}
	defer func() {
		select {
		case <-l.finder:
		default: // reads go side by side
		}
	}()
	family := apiclient.NewerFamily
	links, reply, err := l.readWhole(permit, family, org)
	if _, refused := reply.err.(familyRefused); refused {
		if permit, err = l.acquireExtra(); err != nil {
			return nil, stoppedReply(err), err
		}
		family = apiclient.OlderFamily
		links, reply, err = l.readWhole(permit, family, org)
	}
	if err != nil || reply.err != nil {
		return links, reply, err
	}
	agreed, err := l.agree(family)
	if err == nil && agreed != family {
		return l.readExtra(org)
	}
	return links, reply, err
}

// readExtra is read for a call that nobody has told expect.
func (l *linkCaller) readExtra(org string) ([]apiclient.Link, *reply, error) {
	permit, err := l.acquireExtra()
	if err != nil {
		return nil, stoppedReply(err), err
	}
	return l.read(permit, org)
}

// readWhole reads a list until it is whole. A list that changed while its pages were
// read may lack a link, so it is read again.
func (l *linkCaller) readWhole(permit *throttle.Permit, family apiclient.Family, org string) ([]apiclient.Link, *reply, error) {
	for attempt := 1; ; attempt++ {
		links, whole, reply, err := l.readPages(permit, family, org)
		if whole || err != nil || reply.err != nil {
			return links, reply, err
		}
		if attempt == maxFaults {
			reply.err = errors.New("the list of enabled connections changed each time it was read")
			return nil, reply, nil
		}
		if permit, err = l.acquireExtra(); err != nil {
			return nil, stoppedReply(err), err
		}
	}
}

// maxListed is how many items Auth0 lists by page number, and far more than the maxLinks that
// it allows an organization. A server that adds to its list for ever must not fill the memory.
const maxListed = 1000

// readPages reads a list page by page, and reports whether it is whole. A tenant
// that ignores paging sends the same page again. That ends the list, which is whole
// unless its total says otherwise.
func (l *linkCaller) readPages(permit *throttle.Permit, family apiclient.Family, org string) (links []apiclient.Link, whole bool, _ *reply, _ error) {
	known := map[string]bool{}
	total := 0
	var sentAt time.Time
	for number := 0; ; number++ {
		page, reply, err := l.readPage(permit, family, org, number)
		if err != nil || reply.err != nil {
			return nil, false, reply, err
		}
		if number == 0 {
			sentAt = reply.sentAt
		}
		reply.sentAt = sentAt
		before := len(links)
		for _, link := range page.Links {
			if !known[link.ConnectionID] {
				known[link.ConnectionID] = true
				links = append(links, link)
			}
		}
		news := len(links) - before
		switch {
		case len(links) >= maxListed && page.More:
			reply.err = fmt.Errorf("the organization has more than %d connections", maxListed)
			return nil, false, reply, nil
		case number == 0:
			total = page.Total
		case page.Total != total, news > 0 && news < len(page.Links):
			return nil, false, reply, nil
		}
		if !page.More || news == 0 {
			return links, total <= len(links), reply, nil
		}
		if permit, err = l.acquireExtra(); err != nil {
			return nil, false, stoppedReply(err), err
		}
	}
}

// readPage reads a page of a list. While the family is unknown, a refusal by the newer
// one is no verdict yet. If the tenant does not answer, other reads do not wait.
func (l *linkCaller) readPage(permit *throttle.Permit, family apiclient.Family, org string, number int) (page apiclient.LinkPage, _ *reply, _ error) {
	finding := family == apiclient.NewerFamily && l.known() == ""
	reply, err := l.do(permit, func(ctx context.Context) (resp *apiclient.Response, err error) {
		page, resp, err = l.api.Links(ctx, family, org, number)
		switch {
		case finding && refusesFamily(resp, err):
			err = familyRefused{err}
		case isFault(err):
			l.setFree()
		}
		return resp, err
	}, nil, 0)
	return page, reply, err
}

// isFault reports whether a call got no answer, or none that tells anything.
func isFault(err error) bool {
	failure, ok := errors.AsType[*apiclient.Error](err)
	return ok && (failure.Class == apiclient.Transient || failure.Class == apiclient.Unreachable)
}

// familyRefused is an answer of the newer family that the older one has to explain.
type familyRefused struct{ error }

// refusesFamily reports whether an answer may come from a tenant without the newer
// family. What such a tenant answers is not documented; a web page as a good answer is
// possible. A refused token or proxy, and other answers that are worth repeating, say
// nothing of the family.
func refusesFamily(resp *apiclient.Response, err error) bool {
	failure, ok := errors.AsType[*apiclient.Error](err)
	if !ok || resp.Status == 0 {
		return false
	}
	switch failure.Class {
	case apiclient.Refused, apiclient.NotFound, apiclient.Conflict, apiclient.Forbidden, apiclient.InsufficientScope:
		return true
	case apiclient.Transient:
		return failure.Page && resp.Status < 300
	}
	return false
}

// noteGivenFamily records the family that --api gives, as there is none to find.
func (r *Run) noteGivenFamily() error {
	if r.Settings.API == "" || r.Settings.NoCheck || r.History.family() != "" {
		return nil
	}
	return r.foundFamily(r.Settings.API)
}

// foundFamily records the family of endpoints that the tenant has. The error ends the
// run: the tenant cannot do what the run is to do, or the journal cannot be written.
func (r *Run) foundFamily(family apiclient.Family) error {
	if r.Settings.KeepLink && family == apiclient.OlderFamily {
		return &Stop{
			Code:   journal.ExitRefused,
			Reason: "--keep-link needs the newer endpoints (organizations/ID/connections), which this tenant does not have",
			Hint:   "without --keep-link, links are removed, and restore makes them anew",
		}
	}
	r.Log.Debug("found the family of endpoints", zap.String("family", string(family)))
	return r.record(journal.Record{Family: &journal.Family{Name: family}})
}
