package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	command string          // batch.CommandDisable or CommandRestore
	view    *view
	log     *zap.Logger
	config  apiclient.Config
	tenant  string
	rates   reports.Rates // that a former run measured

	input  journal.Input
	list   *list.List
	names  *list.Names // of the list
	client *apiclient.Client

	summary *reports.Summary // nil until it is made
}

// newJob finds out which tenant is meant.
func newJob(ctx context.Context, o *options, command string) (*job, error) {
	j := &job{options: o, ctx: ctx, command: command, view: newView(o.quiet), names: &list.Names{}}
	j.log = o.logger(j.view, j.view.terminal)
	var err error
	j.config, j.tenant, err = clientConfig(o.getenv)
	return j, err
}

// source is where a new run's list comes from.
type source struct {
	path string // as it was given, for the journal
	name string // what people call it
	copy func(io.Writer) error
}

// start runs a new job. The order of the steps is that in which a person can
// mend what is wrong: list, lock, credentials, scopes, question. The run
// directory appears after all of them.
func (j *job) start(from source) error {
	staged, err := stageRunDir(j.out)
	if err != nil {
		return err
	}
	defer func() {
		if err := staged.discard(); err != nil { // no reason for a run to fail
			j.log.Warn("a hidden folder is left behind", zap.Error(err))
		}
	}()
	j.input.Path, j.rates = from.path, measured(from.path, j.tenant)
	if err := j.copyInput(staged, from.copy); err != nil {
		return err
	}
	if err := j.openList(staged.file(inputFile), from.name); err != nil {
		return err
	}
	defer j.list.Close()
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	counts := j.list.Counts()
	if err := j.agree(counts.Pairs + counts.Unidentified); err != nil {
		return err
	}
	dir, err := staged.begin(j.run(), time.Now().UTC())
	if err != nil {
		return err
	}
	return j.execute(dir, nil)
}

// copyInput copies the list into the run directory. A signal ends the wait for
// a pipe that brings nothing.
func (j *job) copyInput(staged *stagedDir, write func(io.Writer) error) error {
	copied := make(chan error, 1)
	var sum string
	go func() {
		var err error
		sum, err = staged.input(write)
		copied <- err
	}()
	select {
	case err := <-copied:
		j.input.SHA256 = sum
		return err
	case <-j.ctx.Done():
		return context.Cause(j.ctx)
	}
}

// run is the record that a sitting begins with.
func (j *job) run() journal.Run {
	return journal.Run{
		Format: journal.Format, Command: j.command, Tenant: j.tenant, Version: version(),
		Note: j.note, Input: j.input, Settings: j.settings,
	}
}

// openList validates the list, and tells what is odd about it.
func (j *job) openList(path, name string) (err error) {
	limitMemoryFor(path)
	j.list, err = list.Open(path, name, list.Options{
		Command: j.command, DryRun: j.settings.DryRun, Limit: j.settings.Limit, Organizations: j.settings.Organizations,
		Names: j.names,
	})
	if err != nil {
		return err
	}
	if t := j.list.Tenant(); t != "" && t != j.tenant {
		err := refused(fmt.Errorf("%s is of tenant %s, but AUTH0_DOMAIN is %s", name, t, j.tenant), "set AUTH0_DOMAIN to the file's tenant, or take the right file")
		return errors.Join(err, j.list.Close())
	}
	limitMemory(j.list.Counts().Rows)
	for _, p := range j.list.Problems() {
		j.log.Warn("row is unusable: "+p.Message, zap.String("file", name), zap.Int("line", p.Line))
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
	j.config.Timeout = j.timeout
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
	case j.command == batch.CommandRestore:
		scopes = append(scopes, "create:organization_connections")
	default:
		scopes = append(scopes, "delete:organization_connections")
	}
	return scopes
}

// execute works on the list and makes the reports.
func (j *job) execute(dir *runDir, former *batch.Former) error {
	defer j.client.Close()
	result, final, err := j.work(dir, former)
	if err != nil {
		return errors.Join(err, dir.close())
	}
	end := journal.Record{At: time.Now().UTC(), End: &journal.End{ExitCode: result.ExitCode, Reason: result.Reason(), Final: final}}
	_ = dir.journal.Append(end) // a journal that cannot be written is the result already
	closed := dir.close()
	if result.Stop != nil && result.Stop.Err != nil && errors.Is(closed, result.Stop.Err) {
		closed = nil // it says the same again
	}
	return j.report(dir.path, result, closed)
}

// work looks the list's names up, and then does what the list is for.
func (j *job) work(dir *runDir, former *batch.Former) (result batch.Result, final journal.Sample, err error) {
	ctx, cancel, err := batch.WithMaxDuration(j.ctx, j.settings)
	if err != nil {
		return result, final, err
	}
	defer cancel()
	stop, lookups, err := j.lookUp(ctx, dir)
	switch {
	case err != nil:
		return result, final, err
	case stop != nil:
		return batch.Result{ExitCode: stop.Code, Stop: stop}, journal.Sample{Calls: lookups}, nil
	}
	r, err := batch.New(batch.Config{
		Command: j.command, List: j.list, Former: former, API: j.client,
		Journal: dir.journal, Settings: j.settings, Log: j.log,
	})
	if err != nil {
		return result, final, err
	}
	j.view.watch(r.Progress, j.log)
	result = r.Do(ctx)
	j.view.close()
	final = r.Sample()
	final.Calls = final.Calls.Plus(lookups)
	return result, final, nil
}

// report makes the reports, prints the summary, and gives the run's exit code.
func (j *job) report(dir string, result batch.Result, journalErr error) error {
	var err error
	j.summary, err = reports.Make(dir, j.list)
	if err = errors.Join(journalErr, err); err != nil {
		err = fmt.Errorf("make the reports: %w", err)
	} else if err = j.print(j.summary, dir); err != nil {
		err = fmt.Errorf("print the summary: %w", err)
	}
	if err != nil && result.ExitCode <= batch.ExitFailedRows {
		result.ExitCode = batch.ExitStopped
	}
	switch {
	case result.Stop != nil:
		return &failure{code: result.ExitCode, err: errors.Join(result.Stop, err), hint: j.stopHint(dir, result.Stop)}
	case err != nil:
		return &failure{code: result.ExitCode, err: err, hint: "orgconn report " + dir + " makes the reports again"}
	}
	return exitWith(result.ExitCode)
}

// stopHint says how to go on after a stop.
func (j *job) stopHint(dir string, stop *batch.Stop) string {
	goOn := "orgconn resume " + dir + " goes on"
	if stop.Hint == "" {
		return goOn
	}
	return stop.Hint + "; " + goOn
}

// orInterrupted is the signal that ended the job, if there was one, else err.
func (j *job) orInterrupted(err error) error {
	if cause := context.Cause(j.ctx); cause != nil {
		return cause
	}
	return err
}
