package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/orgconn/orgconn/apiclient"
)

// checkToken refuses a ready token that the tenant will refuse, before anything is
// sent.
func (t target) checkToken(getenv func(string) string) error {
	token, variable := readyToken(getenv)
	err := apiclient.CheckToken(apiclient.Config{
		BaseURL: t.base, Audience: t.audience, Credentials: apiclient.Credentials{Token: token},
	}, time.Now())
	if ready, ok := errors.AsType[*apiclient.ReadyTokenError](err); ok {
		return refused(fmt.Errorf("%s %s", variable, ready.Reason), ready.Hint+"; or unset it, and set "+envID+" and "+envSecret)
	}
	return refused(err, "")
}
