package batch

import (
	"context"
	"errors"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/throttle"
)

// LinkLister lists an organization's links; *apiclient.Client does.
type LinkLister interface {
	EnabledConnections(ctx context.Context, org string, page int) (apiclient.LinkPage, *apiclient.Response, error)
}

// readLinks reads all links of an organization. A list that changed while its
// pages were read may lack a link, so it is read again. The permit is for the
// first page. The error ends the job. The reply is never nil.
func (c *caller) readLinks(permit *throttle.Permit, api LinkLister, org string) ([]apiclient.Link, *reply, error) {
	for attempt := 1; ; attempt++ {
		links, whole, reply, err := c.readLinkPages(permit, api, org)
		if whole || err != nil || reply.err != nil {
			return links, reply, err
		}
		if attempt == maxFaults {
			reply.err = errors.New("the list of enabled connections changed each time it was read")
			return nil, reply, nil
		}
		if permit, err = c.acquireExtra(); err != nil {
			return nil, stoppedReply(err), err
		}
	}
}

// readLinkPages reads a list page by page, and reports whether it is whole. A
// tenant that ignores paging sends the same page again. That ends the list, which
// is whole unless its total says otherwise.
func (c *caller) readLinkPages(permit *throttle.Permit, api LinkLister, org string) (links []apiclient.Link, whole bool, _ *reply, _ error) {
	known := map[string]bool{}
	total := 0
	for number := 0; ; number++ {
		var page apiclient.LinkPage
		reply, err := c.do(permit, func(ctx context.Context) (resp *apiclient.Response, err error) {
			page, resp, err = api.EnabledConnections(ctx, org, number)
			return resp, err
		}, nil)
		if err != nil || reply.err != nil {
			return nil, false, reply, err
		}
		before := len(links)
		for _, link := range page.Links {
			if !known[link.ConnectionID] {
				known[link.ConnectionID] = true
				links = append(links, link)
			}
		}
		news := len(links) - before
		switch {
		case number == 0:
			total = page.Total
		case page.Total != total, news > 0 && news < len(page.Links):
			return nil, false, reply, nil
		}
		if !page.More || news == 0 {
			return links, total <= len(links), reply, nil
		}
		if permit, err = c.acquireExtra(); err != nil {
			return nil, false, stoppedReply(err), err
		}
	}
}

// readExtra is readLinks for a call that nobody has announced.
func (c *caller) readExtra(api LinkLister, org string) ([]apiclient.Link, *reply, error) {
	permit, err := c.acquireExtra()
	if err != nil {
		return nil, stoppedReply(err), err
	}
	return c.readLinks(permit, api, org)
}

// stoppedReply is the reply to a call that got no permit.
func stoppedReply(err error) *reply { return &reply{err: err, stopped: true} }
