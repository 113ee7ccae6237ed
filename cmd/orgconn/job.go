package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

// job is one execution of a command that works on a list.
type job struct {
	*options
	ctx     context.Context // ends with the first signal
	command string          // journal.CommandDisable or CommandRestore
	view    *view
	log     *zap.Logger
	config  apiclient.Config
	tenant  string
	rates   reports.Rates // that a former run measured
	locked  bool          // the tenant's lock is ours

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
	staged, err := rundir.Stage(j.out)
	if err != nil {
		return err
	}
	defer func() {
		if err := staged.Discard(); err != nil { // no reason for a run to fail
			j.log.Warn("a hidden folder is left behind", zap.Error(err))
		}
	}()
	j.input.Path, j.rates = from.path, measured(from.path, j.tenant)
	if err := j.copyInput(staged, from.copy); err != nil {
		return err
	}
	if err := j.openList(staged.File(rundir.InputFile), from.name); err != nil {
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
	dir, err := staged.Publish(j.record(), time.Now().UTC())
	if err != nil {
		return err
	}
	defer dir.Close()
	return j.execute(dir, nil)
}

// copyInput copies the list into the run directory. A signal ends the wait for
// a pipe that brings nothing.
func (j *job) copyInput(staged *rundir.Staged, write func(io.Writer) error) error {
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }()
		defer recovered(&err)
		j.input.SHA256, err = staged.CopyInput(write)
	}()
	select {
	case err := <-done:
		return err
	case <-j.ctx.Done():
		return context.Cause(j.ctx)
	}
}

// record is what a sitting begins with.
func (j *job) record() journal.Header {
	return journal.Header{
		Format: journal.Format, Command: j.command, Tenant: j.tenant, Version: version(),
		Note: j.note, Input: j.input, Settings: j.settings,
	}
}

// openList opens the list at a path, and tells what is odd about it.
func (j *job) openList(path, name string) (err error) {
	j.list, err = list.Open(path, name, rundir.ListOptions(j.record(), j.names))
	if err != nil {
		return err
	}
	return j.tellOfList(name)
}

// tellOfList tells what is odd about the list, and refuses one of another tenant.
func (j *job) tellOfList(name string) error {
	if t := j.list.Tenant(); t != "" {
		if err := j.checkTenant(name, t); err != nil {
			return errors.Join(err, j.list.Close())
		}
	}
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

// checkTenant refuses what is of another tenant.
func (j *job) checkTenant(what, tenant string) error {
	if tenant == j.tenant {
		return nil
	}
	return refused(fmt.Errorf("%s is of tenant %s, but AUTH0_DOMAIN is %s", what, tenant, j.tenant), "set AUTH0_DOMAIN to that tenant, or take what is of this one")
}

// lock takes the tenant's lock, unless the job has it already. A dry run needs
// none.
func (j *job) lock() (unlock func(), err error) {
	if j.settings.DryRun || j.locked {
		return func() {}, nil
	}
	lock, err := batch.LockTenant(j.ctx, j.tenant, j.lockWait)
	if err != nil {
		return nil, j.orInterrupted(err)
	}
	j.locked = true
	return func() { _ = lock.Release() }, nil
}

// orInterrupted is the signal that ended the job, if there was one, else err.
func (j *job) orInterrupted(err error) error {
	if cause := context.Cause(j.ctx); cause != nil {
		return cause
	}
	return err
}
