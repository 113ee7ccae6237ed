package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
)

// target is the tenant that the environment names.
type target struct {
	base     *url.URL
	audience string
	tenant   string // host and port of the audience, lower case
	saidBy   string // the variable that says so, and its verb
}

// findTarget reads the tenant from the environment. Of the credentials it needs only
// the token's audience.
func findTarget(getenv func(string) string) (t target, err error) {
	if getenv("AUTH0_DOMAIN") == "" {
		return t, refused(errors.New("AUTH0_DOMAIN is not set, so there is no tenant"), "export AUTH0_DOMAIN=example.eu.auth0.com")
	}
	if err := checkVariables(getenv, "AUTH0_DOMAIN", "AUTH0_AUDIENCE"); err != nil {
		return t, err
	}
	if t.base, err = apiclient.ParseDomain(getenv("AUTH0_DOMAIN")); err != nil {
		return t, refused(fmt.Errorf("AUTH0_DOMAIN: %w", err), "set AUTH0_DOMAIN to the tenant's domain, like example.eu.auth0.com")
	}
	t.audience = getenv("AUTH0_AUDIENCE")
	token, variable := readyToken(getenv)
	t.tenant, err = apiclient.Tenant(apiclient.Config{BaseURL: t.base, Audience: t.audience, Credentials: apiclient.Credentials{Token: token}})
	if err != nil {
		return t, refused(fmt.Errorf("AUTH0_AUDIENCE: %w", err), "set it to the Management API's identifier, like https://example.eu.auth0.com/api/v2/")
	}
	switch {
	case apiclient.TokenTenant(token) != "":
		t.saidBy = variable + " is for"
	case t.audience != "":
		t.saidBy = "AUTH0_AUDIENCE is of"
	default:
		t.saidBy = "AUTH0_DOMAIN is"
	}
	return t, nil
}

// organizationID asks the tenant for the id of an organization.
func (c *command) organizationID(ctx context.Context, name string) (string, error) {
	client, err := c.target.connect(ctx, c.options.getenv, c.options.settings, c.log)
	if err != nil {
		return "", err
	}
	defer client.Close()
	if _, err := c.authorize(ctx, client, []string{"read:organizations"}); err != nil {
		return "", err
	}
	id, stop := batch.FindOrganization(ctx, client, c.options.settings, c.log, name)
	if stop != nil {
		return "", stop
	}
	return id, nil
}

// check refuses a file or run directory, called what, that is of another tenant.
func (t target) check(what, tenant string) error {
	if tenant == t.tenant {
		return nil
	}
	return refused(fmt.Errorf("%s is of tenant %s, but %s %s", what, tenant, t.saidBy, t.tenant),
		"set AUTH0_DOMAIN and the credentials to those of that tenant, or give what is of this one")
}

// connect makes the client. It sends nothing.
func (t target) connect(ctx context.Context, getenv func(string) string, s journal.Settings, log *zap.Logger) (*apiclient.Client, error) {
	credentials, err := credentialsFromEnvironment(ctx, getenv, log)
	if err != nil {
		return nil, err
	}
	if err := t.checkToken(getenv); err != nil {
		return nil, err
	}
	if err := checkProxy(getenv, log); err != nil {
		return nil, err
	}
	client, err := apiclient.New(apiclient.Config{
		BaseURL: t.base, Audience: t.audience, Credentials: credentials, Version: version(),
		Timeout: time.Duration(s.Timeout), MaxConns: s.Workers, ReadOnly: s.DryRun,
	})
	if err != nil {
		hint := credentialsHint
		if credentials.PrivateKey != "" {
			hint = keyHint
		}
		return nil, refused(err, hint)
	}
	return client, nil
}

// tokenPatience is after how long people are told that a token is waited for.
const tokenPatience = 3 * time.Second

// authorize gets a token, and returns its scopes as far as they are known. It
// refuses a token that lacks a needed scope, and warns of one that allows far more
// than the job needs.
func (c *command) authorize(ctx context.Context, client *apiclient.Client, needed []string) (granted []string, err error) {
	waiting := time.AfterFunc(tokenPatience, func() { c.log.Warn("the tenant has given no token yet; still trying") })
	defer waiting.Stop()
	granted, known, err := batch.Scopes(ctx, client)
	if err != nil {
		return nil, orInterrupted(ctx, err)
	}
	if !known {
		return nil, nil
	}
	for _, scope := range needed {
		if !slices.Contains(granted, scope) {
			return nil, &failure{
				code: journal.ExitCredentials,
				err:  fmt.Errorf("the token does not have the scope %s", scope),
				hint: "grant it to the application in the Auth0 Dashboard, under APIs, Auth0 Management API",
			}
		}
	}
	for _, scope := range []string{"delete:organizations", "delete:connections"} {
		if slices.Contains(granted, scope) {
			c.log.Warn("the token may do far more than this job needs", zap.String("scope", scope))
		}
	}
	return granted, nil
}

// neededScopes returns the scopes that a run needs.
func neededScopes(w *work) []string {
	var scopes []string
	if w.names.Organizations.Missing() > 0 {
		scopes = append(scopes, "read:organizations")
	}
	if w.names.Connections.Missing() > 0 {
		scopes = append(scopes, "read:connections")
	}
	if !w.header.Settings.NoCheck {
		scopes = append(scopes, "read:organization_connections")
	}
	if w.header.Settings.ReadsLogins() {
		scopes = append(scopes, "read:logs")
	}
	if w.header.Settings.DryRun {
		return scopes
	}
	return append(scopes, writeScopes(w)...)
}

// writeScopes returns the scopes of a run's writes. An enable may also find links that
// it has to switch on; that is not known before.
func writeScopes(w *work) (scopes []string) {
	const remove, create, update = "delete:organization_connections", "create:organization_connections", "update:organization_connections"
	switch {
	case w.header.Undoes == journal.CommandEnable:
		kept := w.list.RowsWithSettings()
		if kept > 0 {
			scopes = append(scopes, update)
		}
		if kept < w.list.Counts().Pairs {
			scopes = append(scopes, remove)
		}
		return scopes
	case w.header.Settings.KeepLink:
		return []string{update}
	case w.header.Command == journal.CommandDisable:
		return []string{remove}
	}
	return []string{create}
}
