package main

import (
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
)

// agree gets a token that may do what the job needs, and a person's consent.
// Where there are no rows to work on, nothing will be sent.
func (j *job) agree(rows int) error {
	if err := j.connect(); err != nil || rows == 0 {
		return err
	}
	if err := j.authorize(j.neededScopes()); err != nil {
		return err
	}
	return j.ask(rows)
}

// connect makes the client, without any call.
func (j *job) connect() (err error) {
	if j.config.Credentials, err = credentialsFromEnvironment(j.getenv); err != nil {
		return err
	}
	j.config.Timeout = time.Duration(j.settings.Timeout)
	j.config.MaxConns = j.settings.Workers
	j.config.ReadOnly = j.settings.DryRun
	if j.client, err = apiclient.New(j.config); err != nil {
		return refused(err, credentialsHint)
	}
	return nil
}

// authorize gets a token. It refuses one that lacks a scope, with which the job
// would fail, and warns of one that could do far more harm than the job.
func (j *job) authorize(needed []string) error {
	granted, known, err := batch.Scopes(j.ctx, j.client)
	if err != nil {
		return j.orInterrupted(err)
	}
	if !known {
		return nil
	}
	for _, scope := range needed {
		if !slices.Contains(granted, scope) {
			return &failure{
				code: journal.ExitCredentials,
				err:  fmt.Errorf("the token does not have the scope %s", scope),
				hint: "grant it to the application in the Auth0 Dashboard, under APIs, Auth0 Management API",
			}
		}
	}
	for _, scope := range []string{"delete:organizations", "delete:connections"} {
		if slices.Contains(granted, scope) {
			j.log.Warn("the token may do far more than this job needs", zap.String("scope", scope))
		}
	}
	return nil
}

func (j *job) neededScopes() []string {
	var scopes []string
	if j.names.Organizations.Missing() > 0 {
		scopes = append(scopes, "read:organizations")
	}
	if j.names.Connections.Missing() > 0 {
		scopes = append(scopes, "read:connections")
	}
	if !j.settings.NoCheck {
		scopes = append(scopes, "read:organization_connections")
	}
	switch {
	case j.settings.DryRun:
	case j.command == journal.CommandRestore:
		scopes = append(scopes, "create:organization_connections")
	default:
		scopes = append(scopes, "delete:organization_connections")
	}
	return scopes
}
