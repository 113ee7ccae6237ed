package batch

import (
	"context"
	"errors"
	"time"

	"github.com/orgconn/orgconn/apiclient"
)

// Scoper tells what a token may do; *apiclient.Client does.
type Scoper interface {
	Scopes(context.Context) (scopes []string, known bool, err error)
}

// Scopes asks what the token may do, and with that for the token. An answer
// that is worth repeating is asked for again, as often as that of a row.
func Scopes(ctx context.Context, client Scoper) (scopes []string, known bool, err error) {
	for fault := 1; ; fault++ {
		scopes, known, err = client.Scopes(ctx)
		failure, _ := errors.AsType[*apiclient.Error](err)
		if failure == nil || failure.Class != apiclient.Transient || fault == maxFaults {
			return scopes, known, err
		}
		select {
		case <-time.After(backoff(fault, failure.RetryAfter)):
		case <-ctx.Done():
			return nil, false, context.Cause(ctx)
		}
	}
}
