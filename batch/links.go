package batch

import (
	"context"

	"github.com/orgconn/orgconn/apiclient"
)

// LinkLister lists an organization's connections; *apiclient.Client does.
type LinkLister interface {
	EnabledConnections(ctx context.Context, org string, page int) ([]apiclient.Link, bool, *apiclient.Response, error)
}

// readLinks reads all connections of an organization, page by page, when it is its
// turn. A tenant that ignores paging sends the same page again; that ends the list.
func readLinks(t *turn, api LinkLister, org string) ([]apiclient.Link, *reply) {
	var links []apiclient.Link
	known := map[string]bool{}
	for page := 0; ; page++ {
		var more bool
		var items []apiclient.Link
		reply := t.call(func(ctx context.Context) (resp *apiclient.Response, err error) {
			items, more, resp, err = api.EnabledConnections(ctx, org, page)
			return resp, err
		}, nil)
		if reply.err != nil {
			return nil, reply
		}
		before := len(links)
		for _, item := range items {
			if !known[item.ConnectionID] {
				known[item.ConnectionID] = true
				links = append(links, item)
			}
		}
		if !more || len(links) == before {
			return links, reply
		}
		t = t.lane.extra()
	}
}
