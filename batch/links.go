package batch

import (
	"context"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/throttle"
)

// LinkLister lists an organization's links; *apiclient.Client does.
type LinkLister interface {
	EnabledConnections(ctx context.Context, org string, page int) ([]apiclient.Link, bool, *apiclient.Response, error)
}

// readLinks reads all links of an organization, page by page. A tenant that
// ignores paging sends the same page again; that ends the list. The permit is for
// the first page. The error ends the job. The reply is never nil.
func (c *caller) readLinks(permit *throttle.Permit, api LinkLister, org string) ([]apiclient.Link, *reply, error) {
	var links []apiclient.Link
	known := map[string]bool{}
	for page := 0; ; page++ {
		var more bool
		var items []apiclient.Link
		reply, err := c.do(permit, func(ctx context.Context) (resp *apiclient.Response, err error) {
			items, more, resp, err = api.EnabledConnections(ctx, org, page)
			return resp, err
		}, nil)
		if err != nil || reply.err != nil {
			return nil, reply, err
		}
		before := len(links)
		for _, item := range items {
			if !known[item.ConnectionID] {
				known[item.ConnectionID] = true
				links = append(links, item)
			}
		}
		if !more || len(links) == before {
			return links, reply, nil
		}
		if permit, err = c.acquireExtra(); err != nil {
			return nil, stoppedReply(err), err
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
