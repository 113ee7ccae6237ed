package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

// command is one invocation of a command that calls a tenant. It does not change
// once it is made.
type command struct {
	name    string // journal.CommandDisable or CommandRestore, or "export"
	options *options
	target  target
	view    *view
	log     *zap.Logger
}

// newCommand finds out which tenant is meant.
func newCommand(o *options, name string) (*command, error) {
	target, err := findTarget(o.getenv)
	if err != nil {
		return nil, err
	}
	v := newView(o.quiet)
	return &command{name: name, options: o, target: target, view: v, log: o.logger(v, v.terminal)}, nil
}

// work is what a run works on.
type work struct {
	header  journal.Header // of this invocation
	list    *list.List
	names   *list.Names    // of the list
	history *batch.History // nil in a run's first invocation
	rates   reports.Rates  // that a former run measured
	// begin makes the run directory ready, when everything else is settled.
	begin func(context.Context) (*rundir.Dir, error)
}

// rows counts the rows to work on.
func (w *work) rows() int {
	if w.history != nil {
		return w.history.Left(w.list)
	}
	counts := w.list.Counts()
	return counts.Pairs + counts.Unidentified
}

// source is where a new run's list comes from.
type source struct {
	path string // as it was given, for the journal
	name string // what people call it
	copy func(io.Writer) error
}

// fileSource is a list that is a file, or standard input.
func fileSource(path string) source {
	name := journal.Input{Path: path}.Name()
	return source{path: path, name: name, copy: func(w io.Writer) error {
		from := os.Stdin
		if name == path {
			f, err := os.Open(path)
			if err != nil {
				return fmt.Errorf("read the list: %w", err)
			}
			defer f.Close()
			from = f
		}
		if _, err := io.Copy(w, from); err != nil {
			return fmt.Errorf("copy the list: %w", err)
		}
		return nil
	}}
}

// runNew runs a new job on a list. The order of the steps is that in which a
// person can mend what is wrong: list, lock, credentials, scopes, question. The
// run directory gets its name after all of them. The summary is nil where no run
// began.
func (c *command) runNew(ctx context.Context, from source, locked bool) (*reports.Summary, error) {
	staged, err := rundir.Stage(c.options.out)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := staged.Discard(); err != nil { // no reason for a run to fail
			c.log.Warn("a hidden folder is left behind", zap.Error(err))
		}
	}()
	w, err := c.stage(ctx, staged, from)
	if err != nil {
		return nil, err
	}
	defer w.list.Close()
	if !locked {
		unlock, err := c.lock(ctx)
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	return c.run(ctx, w)
}

// stage copies the list into the staged run directory and reads it.
func (c *command) stage(ctx context.Context, staged *rundir.Staged, from source) (*work, error) {
	sum, err := copyInput(ctx, staged, from.copy)
	if err != nil {
		return nil, err
	}
	w := &work{names: &list.Names{}, rates: measured(from.path, c.target.tenant)}
	w.header = c.header(journal.Input{Path: from.path, SHA256: sum}, c.options.settings, c.options.note)
	w.begin = func(context.Context) (*rundir.Dir, error) { return staged.Publish(w.header, time.Now().UTC()) }
	if w.list, err = list.Open(staged.File(rundir.InputFile), from.name, rundir.ListOptions(w.header, w.names)); err != nil {
		return nil, err
	}
	if err := c.tellOfList(w.list, from.name); err != nil {
		return nil, errors.Join(err, w.list.Close())
	}
	return w, nil
}

// copyInput copies the list into the run directory. A signal ends the wait for
// a pipe that brings nothing.
func copyInput(ctx context.Context, staged *rundir.Staged, write func(io.Writer) error) (sum string, err error) {
	type copied struct {
		sum string
		err error
	}
	done := make(chan copied, 1)
	go func() {
		var c copied
		defer func() { done <- c }()
		defer recovered(&c.err)
		c.sum, c.err = staged.CopyInput(write)
	}()
	select {
	case c := <-done:
		return c.sum, c.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// header is what an invocation's records begin with.
func (c *command) header(input journal.Input, settings journal.Settings, note string) journal.Header {
	return journal.Header{
		Format: journal.Format, Command: c.name, Tenant: c.target.tenant, Version: version(),
		Note: note, Input: input, Settings: settings,
	}
}

// tellOfList tells what is odd about the list, and refuses one of another tenant.
func (c *command) tellOfList(l *list.List, name string) error {
	if tenant := l.Tenant(); tenant != "" {
		if err := c.target.check(name, tenant); err != nil {
			return err
		}
	}
	problems := l.Problems()
	for _, p := range problems {
		c.log.Warn("row is unusable: "+p.Message, zap.String("file", name), zap.Int("line", p.Line))
	}
	if invalid := l.Counts().Invalid; invalid > len(problems) {
		c.log.Warn("more rows are unusable, see results.csv", zap.Int("rows", invalid))
	}
	for _, warning := range l.Warnings() {
		c.log.Warn(warning, zap.String("file", name))
	}
	return nil
}

// lock takes the tenant's lock. A dry run needs none.
func (c *command) lock(ctx context.Context) (unlock func(), err error) {
	if c.options.settings.DryRun {
		return func() {}, nil
	}
	lock, err := batch.LockTenant(ctx, c.target.tenant, c.options.lockWait)
	if err != nil {
		return nil, orInterrupted(ctx, err)
	}
	return func() { _ = lock.Release() }, nil
}

// run does the work when credentials, scopes and question are settled.
func (c *command) run(ctx context.Context, w *work) (*reports.Summary, error) {
	client, err := c.target.connect(c.options.getenv, w.header.Settings)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if rows := w.rows(); rows > 0 { // else nothing will be sent
		if err := c.authorize(ctx, client, neededScopes(w)); err != nil {
			return nil, err
		}
		if err := c.ask(ctx, w, rows); err != nil {
			return nil, err
		}
	}
	dir, err := w.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return c.execute(ctx, client, dir, w)
}

// execute works on the list and makes the reports.
func (c *command) execute(ctx context.Context, client *apiclient.Client, dir *rundir.Dir, w *work) (summary *reports.Summary, err error) {
	defer recovered(&err) // here, so that the metrics tell of it
	result, final, err := c.call(ctx, client, dir, w)
	if err != nil {
		return nil, &failure{code: journal.ExitStopped, err: err, hint: resumeHint(dir.Path)}
	}
	end := journal.Record{At: time.Now().UTC(), End: &journal.End{ExitCode: result.ExitCode, Reason: result.Reason(), Final: final}}
	_ = dir.Journal.Append(end) // Close tells what it fails with
	closed := dir.Close()
	if result.Stop != nil && result.Stop.Err != nil && errors.Is(closed, result.Stop.Err) {
		closed = nil // it says the same again
	}
	return c.report(dir.Path, w, result, closed)
}

// call looks the list's names up, and then does what the list is for.
func (c *command) call(ctx context.Context, client *apiclient.Client, dir *rundir.Dir, w *work) (result batch.Result, final journal.Sample, err error) {
	limited, cancel := batch.WithMaxDuration(ctx, w.header.Settings.MaxDuration)
	defer cancel()
	stop, lookups, err := c.lookUp(limited, client, dir, w)
	switch {
	case err != nil:
		return result, final, err
	case stop != nil:
		return batch.Result{ExitCode: stop.Code, Stop: stop}, journal.Sample{Calls: lookups}, nil
	}
	r, err := batch.New(batch.Config{
		Command: c.name, List: w.list, History: w.history, API: client,
		Journal: dir.Journal, Settings: w.header.Settings, Lookups: lookups, Log: c.log,
	})
	if err != nil {
		return result, final, err
	}
	c.view.watch(ctx, r.Progress, c.log)
	result = r.Do(limited)
	c.view.close()
	return result, r.Sample(), nil
}

// lookUp finds the ids of the list's names, if it has any that are not known
// yet, and tells which do not exist. It comes after the question, when the run
// directory is there: with many names it takes as long as the run itself, and
// what was found is kept over a stop.
func (c *command) lookUp(ctx context.Context, client *apiclient.Client, dir *rundir.Dir, w *work) (stop *batch.Stop, calls journal.Calls, err error) {
	if w.names.Missing() > 0 {
		lookup := batch.NewLookup(batch.LookupConfig{
			API: client, List: w.list, Names: w.names,
			Journal: dir.Journal, Settings: w.header.Settings, Log: c.log,
		})
		c.view.watch(ctx, lookup.Progress, c.log)
		stop = lookup.Do(ctx)
		c.view.close()
		calls = lookup.Calls()
		if err := w.list.Identify(); err != nil {
			return stop, calls, fmt.Errorf("read the list again: %w", err)
		}
	}
	unknown := w.list.Unknown()
	for _, p := range unknown {
		c.log.Warn("row names what does not exist", zap.Int("line", p.Line), zap.String("reason", p.Message))
	}
	counts := w.list.Counts()
	if rows := counts.UnknownOrganizations + counts.UnknownConnections; rows > len(unknown) {
		c.log.Warn("more rows name what does not exist, see results.csv", zap.Int("rows", rows))
	}
	return stop, calls, nil
}

// report makes the reports, prints the summary, and gives the run's exit code.
func (c *command) report(dir string, w *work, result batch.Result, journalErr error) (*reports.Summary, error) {
	summary, err := reports.Make(dir, w.list)
	hint := "orgconn report " + reports.ShellWord(dir) + " makes the reports again"
	switch {
	case journalErr != nil:
		err, hint = errors.Join(journalErr, err), resumeHint(dir)
	case err != nil:
		err = fmt.Errorf("make the reports: %w", err)
	default:
		if err = c.print(summary, dir); err != nil {
			err = fmt.Errorf("print the summary: %w", err)
		}
	}
	if err != nil && result.ExitCode <= journal.ExitFailedRows {
		result.ExitCode = journal.ExitStopped
	}
	switch {
	case result.Stop != nil:
		return summary, &failure{code: result.ExitCode, err: errors.Join(result.Stop, err), hint: stopHint(dir, result.Stop)}
	case err != nil:
		return summary, &failure{code: result.ExitCode, err: err, hint: hint}
	}
	return summary, exitWith(result.ExitCode)
}

// stopHint says what to do after a stop.
func stopHint(dir string, stop *batch.Stop) string {
	if stop.Hint == "" {
		return resumeHint(dir)
	}
	return stop.Hint + "; " + resumeHint(dir)
}

// resumeHint says how to go on.
func resumeHint(dir string) string {
	return "orgconn resume " + reports.ShellWord(dir) + " goes on"
}

// exitWith is an exit code alone; nil for 0.
func exitWith(code int) error {
	if code == journal.ExitOK {
		return nil
	}
	return &failure{code: code}
}

// orInterrupted is the signal that ended ctx, if there was one, else err.
func orInterrupted(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
