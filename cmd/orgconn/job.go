package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/reports"
)

// job is one execution of a command that works on a list.
type job struct {
	*options
	ctx     context.Context // ends with the first signal
	command string
	view    *view
	log     *zap.Logger

	tenant string
	input  journal.Input
	list   *list.List
	client *apiclient.Client
}

// runJob runs a job from its list to its reports. The order of the steps is
// that in which a person can mend what is wrong: list, lock, credentials,
// scopes, question. The run directory appears after all of them.
func runJob(ctx context.Context, o *options, command, path string) error {
	j := &job{options: o, ctx: ctx, command: command, view: newView(o.quiet)}
	j.log = o.logger(j.view, j.view.terminal)
	cfg, tenant, err := clientConfig(j.getenv)
	if err != nil {
		return err
	}
	j.tenant = tenant
	dir, err := stageRunDir(o.out)
	if err != nil {
		return err
	}
	return errors.Join(j.settleAndRun(dir, cfg, path), dir.close())
}

func (j *job) settleAndRun(dir *runDir, cfg apiclient.Config, path string) error {
	if err := j.readList(dir, path); err != nil {
		return err
	}
	defer j.list.Close()
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := j.connect(cfg); err != nil {
		return err
	}
	defer j.client.Close()
	if err := j.ask(); err != nil {
		return err
	}
	return j.execute(dir)
}

// readList copies the list into the run directory and validates it.
func (j *job) readList(dir *runDir, path string) error {
	var err error
	if j.input, err = dir.input(path); err != nil {
		return err
	}
	name := path
	if path == "-" {
		name = "standard input"
	}
	options := list.Options{Command: j.command, DryRun: j.settings.DryRun, Limit: j.settings.Limit}
	if j.list, err = list.Open(dir.file0(inputFile), name, options); err != nil {
		return err
	}
	if t := j.list.Tenant(); t != "" && t != j.tenant {
		return refused(fmt.Errorf("%s is of tenant %s, but AUTH0_DOMAIN is %s", name, printable(t), j.tenant), "set AUTH0_DOMAIN to the file's tenant, or take the right file")
	}
	for _, p := range j.list.Problems() {
		j.log.Warn("row is unusable", zap.String("file", name), zap.Int("line", p.Line), zap.String("reason", p.Message))
	}
	if invalid := j.list.Counts().Invalid; invalid > len(j.list.Problems()) {
		j.log.Warn("more rows are unusable, see results.csv", zap.Int("rows", invalid))
	}
	for _, warning := range j.list.Warnings() {
		j.log.Warn(warning, zap.String("file", name))
	}
	return nil
}

// lock takes the tenant's lock; a dry run needs none.
func (j *job) lock() (unlock func(), err error) {
	if j.settings.DryRun {
		return func() {}, nil
	}
	lock, err := batch.LockTenant(j.ctx, j.tenant, j.lockWait)
	if err != nil {
		return nil, j.orInterrupted(err)
	}
	return func() { _ = lock.Release() }, nil
}

// connect gets a token, and looks whether it may do what the job needs.
func (j *job) connect(cfg apiclient.Config) error {
	var err error
	if cfg.Credentials, err = credentialsFromEnvironment(j.getenv); err != nil {
		return err
	}
	cfg.Timeout = j.timeout
	cfg.MaxConns = j.settings.Workers
	cfg.ReadOnly = j.settings.DryRun
	if j.client, err = apiclient.New(cfg); err != nil {
		return refused(err, credentialsHint)
	}
	if j.list.Counts().Pairs == 0 {
		return nil // nothing will be sent
	}
	granted, known, err := batch.Scopes(j.ctx, j.client)
	if err != nil {
		return j.orInterrupted(err)
	}
	if !known {
		return nil
	}
	return j.checkScopes(granted)
}

// checkScopes refuses a token that the job would fail with, and warns of one
// that could do far more harm than the job.
func (j *job) checkScopes(granted []string) error {
	for _, scope := range j.neededScopes() {
		if !slices.Contains(granted, scope) {
			return &failure{
				code: batch.ExitCredentials,
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
	if !j.settings.NoCheck {
		scopes = append(scopes, "read:organization_connections")
	}
	if !j.settings.DryRun {
		scopes = append(scopes, "delete:organization_connections")
	}
	return scopes
}

// execute runs the job and makes its reports.
func (j *job) execute(dir *runDir) error {
	writer, err := dir.begin(journal.Run{
		Format: journal.Format, Command: j.command, Tenant: j.tenant, Version: version(),
		Note: j.note, Input: j.input, Settings: j.settings,
	}, time.Now().UTC())
	if err != nil {
		return err
	}
	r, err := batch.New(batch.Config{List: j.list, API: j.client, Journal: writer, Settings: j.settings, Log: j.log})
	if err != nil {
		return errors.Join(err, writer.Close())
	}
	j.view.watch(r.Progress, j.log)
	result := r.Do(j.ctx)
	j.view.close()
	end := journal.Record{At: time.Now().UTC(), End: &journal.End{ExitCode: result.ExitCode, Reason: result.Reason(), Final: r.Sample()}}
	_ = writer.Append(end) // a journal that cannot be written is the result already
	return j.report(dir, result, writer.Close())
}

// report makes the reports, prints the summary, and gives the run's exit code.
func (j *job) report(dir *runDir, result batch.Result, journalErr error) error {
	summary, err := reports.Make(dir.path, j.list)
	if err = errors.Join(journalErr, err); err != nil && result.ExitCode <= batch.ExitFailedRows {
		result.ExitCode = batch.ExitStopped
	}
	if err != nil {
		err = fmt.Errorf("make the reports: %w", err)
	} else if err = j.print(summary, dir.path); err != nil {
		err = fmt.Errorf("print the summary: %w", err)
	}
	switch {
	case result.Stop != nil:
		return &failure{code: result.ExitCode, err: errors.Join(result.Stop, err), hint: result.Stop.Hint}
	case err != nil:
		return &failure{code: result.ExitCode, err: err, hint: "orgconn report " + dir.path + " makes the reports again"}
	case result.ExitCode != batch.ExitOK:
		return &failure{code: result.ExitCode}
	}
	return nil
}

// orInterrupted is the signal that ended the job, if there was one, else err.
func (j *job) orInterrupted(err error) error {
	if cause := context.Cause(j.ctx); cause != nil {
		return cause
	}
	return err
}
