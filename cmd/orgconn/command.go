package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/term"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

// command is one invocation of a command that calls a tenant. Once it is made, only
// prepare and resume change its options: they become those of the run.
//
// A run has these steps. What a person can mend is refused early, before anything
// is sent:
//
//	prepare ─▶ lock ─▶ confirm ─▶ begin ─▶ lookUpAndRun ─▶ finish
//
// resume and restore RUNDIR lock first, because they read a run directory to which
// a run that still goes on may add. In resume, reopen is what prepare is elsewhere.
type command struct {
	name    string // journal.CommandDisable, CommandEnable or CommandRestore, or "export"
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

// runE returns the RunE of a command that works on a list, or on the run directory of
// another run. restore makes the results of that run afresh. The results.csv of a dry run
// is taken as it is, because a reviewer may have changed it.
func (o *options) runE(name string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := o.check(cmd.Flags()); err != nil {
			return err
		}
		c, err := newCommand(o, name)
		if err != nil {
			return err
		}
		start := c.startRun
		path := args[0]
		switch {
		case name == journal.CommandRestore && isFolder(path) && !isDryRun(path):
			start = c.startFromRun
		case isFolder(path):
			if path, err = resultsIn(path); err != nil {
				return c.writeMetrics(nil, err)
			}
		}
		return c.writeMetrics(start(cmd.Context(), path))
	}
}

// isDryRun reports whether the run in a directory is a dry run. If its journal cannot be
// read, whoever reads it next says why.
func isDryRun(dir string) bool {
	first, err := rundir.FirstHeader(dir)
	return err == nil && first.Settings.DryRun
}

// resultsIn returns the path of a run directory's results. It refuses a directory
// without them.
func resultsIn(dir string) (string, error) {
	if _, err := rundir.FirstHeader(dir); err != nil {
		return "", err
	}
	f, err := rundir.OpenFile(dir, rundir.ResultsFile)
	if err != nil {
		return "", refused(err, "orgconn report "+reports.ShellWord(dir)+" makes the results")
	}
	return f.Name(), f.Close()
}

// startRun does a new run on the list in a file. The summary is nil if the run did
// not begin.
func (c *command) startRun(ctx context.Context, path string) (*reports.Summary, error) {
	w, err := c.prepare(ctx, source{path: path})
	if err != nil {
		return nil, err
	}
	defer c.close(w)
	unlock, err := c.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return c.confirmAndRun(ctx, w)
}

// startFromRun does a new run on the results of another, which are made from its
// journal.
func (c *command) startFromRun(ctx context.Context, path string) (*reports.Summary, error) {
	first, err := rundir.FirstHeader(path)
	if err != nil {
		return nil, err
	}
	unlock, err := c.lockRun(ctx, path, first)
	if err != nil {
		return nil, err
	}
	defer unlock()
	w, err := c.prepareFromRun(ctx, path)
	if err != nil {
		return nil, err
	}
	defer c.close(w)
	return c.confirmAndRun(ctx, w)
}

// prepareFromRun prepares work from a run's results. It refuses a run that another
// process still writes; only a dry run may look at one.
func (c *command) prepareFromRun(ctx context.Context, path string) (*work, error) {
	if !c.options.settings.DryRun {
		lock, err := rundir.Lock(path)
		if err != nil {
			return nil, refused(err, "")
		}
		defer lock.Close()
	}
	return c.prepare(ctx, source{path: path, isRun: true})
}

// lock takes the tenant's lock. A dry run needs none; it only warns where the run
// that it announces could take none.
func (c *command) lock(ctx context.Context) (unlock func(), err error) {
	if c.options.settings.DryRun {
		if err := batch.CanLock(c.target.tenant); err != nil {
			f := classify(refused(err, ""))
			c.log.Warn("a run could not lock the tenant", zap.Error(f.err), zap.String("hint", f.hint))
		}
		return func() {}, nil
	}
	lock, err := batch.LockTenant(ctx, c.target.tenant, 0)
	if wait := c.options.lockWait; wait > 0 && isLocked(err) {
		c.log.Info(fmt.Sprintf("waits up to %s: %v", wait, err))
		lock, err = batch.LockTenant(ctx, c.target.tenant, wait)
	}
	if err != nil {
		return nil, refused(orInterrupted(ctx, err), "")
	}
	return func() { _ = lock.Release() }, nil
}

func isLocked(err error) bool {
	_, locked := errors.AsType[*batch.LockedError](err)
	return locked
}

// lockRun takes the lock before a run directory is read, whose first record is
// given. It refuses the directory of another tenant.
func (c *command) lockRun(ctx context.Context, path string, first journal.Header) (unlock func(), err error) {
	if err := c.target.check(path, first.Tenant); err != nil {
		return nil, err
	}
	return c.lock(ctx)
}

// confirmAndRun does the work that is prepared, from the credentials to the
// reports. The summary is nil if the run did not begin.
func (c *command) confirmAndRun(ctx context.Context, w *work) (summary *reports.Summary, err error) {
	defer recovered(&err) // here, so that the metrics file tells of a panic
	client, err := c.target.connect(ctx, c.options.getenv, w.header.Settings, c.log)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := c.confirm(ctx, client, w); err != nil {
		return nil, err
	}
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	defer w.dir.Close() // before the lock is released; finish has reported the journal's error
	result, final, err := c.lookUpAndRun(ctx, client, w)
	if err != nil {
		return nil, stopped(err, resumeHint(w.dir.Path))
	}
	return c.finish(w, result, final)
}

// confirm gets a token and asks whether to go on, unless nothing will be sent.
func (c *command) confirm(ctx context.Context, client *apiclient.Client, w *work) error {
	rows := w.rows()
	if rows == 0 {
		return nil
	}
	limited, cancel := batch.WithMaxDuration(ctx, w.header.Settings.MaxDuration) // of its own, as the question takes its time
	defer cancel()
	granted, err := c.authorize(limited, client, neededScopes(w))
	if err != nil {
		return err
	}
	w.readConnections = slices.Contains(granted, "read:connections")
	return c.ask(ctx, w, rows)
}

// lookUpAndRun looks the list's names up, and then does the run. What the tenant does is in
// the result; an error is a fault of the disk or of this program.
func (c *command) lookUpAndRun(ctx context.Context, client *apiclient.Client, w *work) (result batch.Result, final journal.Sample, err error) {
	forget := c.view.explainSignal(ctx)
	defer forget()
	limited, cancel := batch.WithMaxDuration(ctx, w.header.Settings.MaxDuration)
	defer cancel()
	before := w.list.Counts()
	stop, lookups, err := c.lookUp(limited, client, w)
	switch {
	case err != nil:
		return result, final, err
	case stop != nil:
		return batch.Result{ExitCode: stop.Code, Stop: stop}, journal.Sample{Calls: lookups}, nil
	}
	run, err := batch.New(batch.Config{
		RunID: w.header.RunID, Command: c.name, Undoes: w.header.Undoes, List: w.list, History: w.history, API: client,
		Journal: w.dir.Journal, Settings: w.header.Settings, Lookups: lookups, LookedUp: c.lookedUp(before, w.list.Counts()),
		Named:           w.names.Organizations.AnyFound(),
		ReadConnections: w.readConnections, Failed: w.failed, Log: c.log,
	})
	if err != nil {
		return result, final, err
	}
	if w.list.Counts().Pairs > 0 { // else there is no progress
		c.view.watch(run.Progress, c.log)
		defer c.view.close()
	}
	result = run.Do(limited)
	return result, run.Sample(), nil
}

// lookedUp is what became of rows whose names were looked up, by the list's counts before
// and after that.
func (c *command) lookedUp(before, after list.Counts) batch.NamedRows {
	failed := after.Unidentified + after.UnknownConnections - before.UnknownConnections
	if !c.options.settings.MissingOK {
		failed += after.UnknownOrganizations - before.UnknownOrganizations
	}
	return batch.NamedRows{Rows: before.Unidentified, Failed: failed}
}

// lookUp finds the ids of the list's names that are not known yet, and warns of
// names that do not exist. It needs the run directory, because many names take as
// long as the run itself: what was found must survive a stop.
func (c *command) lookUp(ctx context.Context, client *apiclient.Client, w *work) (stop *batch.Stop, calls journal.Calls, err error) {
	if w.names.Missing() > 0 {
		lookup := batch.NewLookup(batch.LookupConfig{
			API: client, List: w.list, Names: w.names,
			Journal: w.dir.Journal, Settings: w.header.Settings, Log: c.log,
		})
		c.view.watch(lookup.Progress, c.log)
		stop = lookup.Do(ctx)
		c.view.close()
		calls = lookup.Calls()
		if err := w.list.Identify(); err != nil {
			return stop, calls, fmt.Errorf("read the list again: %w", err)
		}
	}
	c.warnOfUnknownNames(w)
	return stop, calls, nil
}

// finish records the end of the invocation and makes the reports. If they fail, it
// records another end with the exit code that comes of it. The last one counts: resume
// takes a run for finished, and goes on to the rest of the list, if that code is 0 or 1.
func (c *command) finish(w *work, result batch.Result, final journal.Sample) (*reports.Summary, error) {
	end := &journal.End{ExitCode: result.ExitCode, Reason: result.Reason(), Final: final}
	record := journal.Record{At: time.Now().UTC(), End: end}
	journalErr := w.dir.Journal.Commit(context.Background(), record)
	if removed, ok := errors.AsType[*rundir.RemovedError](journalErr); ok {
		return nil, removedFailure(w.dir.Path, removed)
	}
	if result.Stop != nil && result.Stop.Err != nil && errors.Is(journalErr, result.Stop.Err) {
		journalErr = nil // the stop says it already
	}
	summary, err := c.report(w, result.Stop)
	var hint string
	if err != nil {
		hint = reportsHint(w.dir.Path, err)
	}
	if journalErr != nil {
		err, hint = errors.Join(journalErr, err), resumeHint(w.dir.Path)
	}
	code := result.ExitCode
	if err != nil && journal.Finished(code) {
		code = journal.ExitStopped
		end.ExitCode, end.Reason = code, cmp.Or(end.Reason, err.Error())
		_ = w.dir.Journal.Append(record) // if this fails, nothing more can be done
	}
	switch {
	case result.Stop != nil && err == nil && c.isOneScreen():
		return summary, &failure{code: code, err: result.Stop, hint: result.Stop.Hint} // the summary has the next command
	case result.Stop != nil:
		return summary, &failure{code: code, err: errors.Join(result.Stop, err), hint: stopHint(w.dir.Path, result.Stop)}
	case err != nil:
		return summary, &failure{code: code, err: err, hint: hint}
	}
	return summary, c.exitError(code, summary, w.dir.Path, doubtful(summary, w.readConnections))
}

const changedHint = "the journal was changed during the run: without a copy of it, what the run did cannot be undone; " +
	"run the list again to see what is left to do"

// reportsHint says what to do if the reports were not made or not printed.
func reportsHint(dir string, err error) string {
	hint := "orgconn report " + reports.ShellWord(dir) + " makes the reports again"
	if _, damaged := errors.AsType[*journal.DamageError](err); damaged {
		return changedHint
	}
	if refused, ok := errors.AsType[*rundir.Error](err); ok && refused.Hint != "" {
		return refused.Hint + "; then " + hint
	}
	return hint
}

// removedFailure ends an invocation whose journal somebody removed or replaced. There
// are no reports: they would be made from another journal, or from a part of it.
func removedFailure(dir string, err *rundir.RemovedError) error {
	hint := err.Hint
	if err.Resumable {
		hint += "; " + resumeHint(dir)
	}
	return stopped(err, hint)
}

// isOneScreen reports whether one person sees both the summary and the error below it, so
// that neither has to repeat the other.
func (c *command) isOneScreen() bool {
	return c.view.terminal && term.IsTerminal(int(os.Stdout.Fd())) && !c.options.quiet && !c.options.json
}

// report makes the reports and prints the summary. stop is why the run stopped, which
// the error will say; nil if it came to its end.
func (c *command) report(w *work, stop *batch.Stop) (*reports.Summary, error) {
	summary, err := reports.Make(context.Background(), w.dir.Path, w.list) // also after a signal
	if err != nil {
		return summary, fmt.Errorf("make the reports: %w", err)
	}
	c.warnIfDoubtful(summary, w.readConnections)
	if err := c.print(summary, w.dir.Path, stop == nil || !c.isOneScreen()); err != nil {
		return summary, fmt.Errorf("print the summary: %w", err)
	}
	return summary, nil
}

// stopHint says what to do after a stop.
func stopHint(dir string, stop *batch.Stop) string {
	switch {
	case journal.WrongTenant(stop.Reason):
		return "set AUTH0_DOMAIN to the tenant of the list; " + filepath.Join(dir, rundir.ResultsFile) + " says why each row failed"
	case stop.Hint == "":
		return resumeHint(dir)
	}
	return stop.Hint + "; " + resumeHint(dir)
}

// resumeHint says how to continue a run.
func resumeHint(dir string) string {
	return resumeCommand(dir) + " continues the run"
}

// orInterrupted returns the signal that ended ctx, or err if there was none.
func orInterrupted(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
