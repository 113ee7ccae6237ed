package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

// work is what a run works on.
type work struct {
	header  journal.Header // of this invocation
	list    *list.List
	names   *list.Names     // of the list
	history *batch.History  // nil in a run's first invocation
	former  reports.Summary // of the run whose directory the list is in; may be zero

	failed func(journal.RowOutcome) // shows a failed row; nil: the log has it

	readConnections bool // the token has the scope read:connections

	staged *rundir.Staged // of a new run; nil if a run is resumed
	dir    *rundir.Dir    // of a new run it is nil until begin
}

// rows counts the rows to work on.
func (w *work) rows() int {
	if w.history != nil {
		return w.history.Left(w.list)
	}
	counts := w.list.Counts()
	return counts.Pairs + counts.Unidentified
}

// begin records that the invocation begins. A new run's directory gets its name;
// in one that is resumed the reports of earlier invocations are removed, since they
// become untrue.
func (w *work) begin(ctx context.Context) (err error) {
	now := time.Now().UTC()
	if w.staged != nil {
		w.dir, err = w.staged.Publish(w.header, now)
		return refused(err, "")
	}
	if err := w.dir.RemoveReports(ctx); err != nil {
		return refused(err, "")
	}
	// After a signal too: then the run stops at once, with the signal's exit code.
	if err := w.dir.Journal.Commit(context.Background(), journal.Record{At: now, Header: &w.header}); err != nil {
		if removed, ok := errors.AsType[*rundir.RemovedError](err); ok {
			return removedFailure(w.dir.Path, removed)
		}
		return stopped(fmt.Errorf("write the journal: %w", err), "is the disk full?")
	}
	return nil
}

// close releases what work holds. It may be incomplete.
func (c *command) close(w *work) {
	if w.list != nil {
		_ = w.list.Close()
	}
	if w.dir != nil {
		_ = w.dir.Close()
	}
	if w.staged == nil {
		return
	}
	if err := w.staged.Discard(); err != nil { // no reason for a run to fail
		c.log.Warn("a hidden folder is left behind", zap.Error(err))
	}
}

// source is where the list of a new run comes from.
type source struct {
	path  string // as the user gave it; "-" is standard input
	isRun bool   // path is a run directory: its results are the list
}

// name is what messages call the list.
func (s source) name() string {
	if s.isRun {
		return filepath.Join(s.path, rundir.ResultsFile)
	}
	return journal.Input{Path: s.path}.Name()
}

// copyTo writes the list to w. A run's results are made from its journal, which is
// newer than results.csv if the run was killed.
func (s source) copyTo(w io.Writer) error {
	if s.isRun {
		return reports.Results(s.path, w)
	}
	from := os.Stdin
	if s.path != "-" {
		f, err := os.Open(s.path)
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
}

// prepare copies the list into a staged run directory and reads it.
func (c *command) prepare(ctx context.Context, from source) (_ *work, err error) {
	w := &work{names: &list.Names{}, former: formerSummary(from.path, c.target.tenant)}
	defer func() {
		if err != nil {
			c.close(w)
		}
	}()
	if w.staged, err = rundir.Stage(c.options.out); err != nil {
		return nil, err
	}
	sum, err := copyInput(ctx, w.staged, from)
	if err != nil {
		return nil, refused(err, "")
	}
	if err = c.options.checkSum(from.name(), sum); err != nil {
		return nil, err
	}
	w.header = c.header(journal.NewRunID(), journal.Input{Path: from.path, SHA256: sum})
	if err = c.openList(ctx, w, from.name()); err != nil {
		return nil, err
	}
	if err = c.checkList(w, from.name()); err != nil {
		return nil, err
	}
	w.header.From = w.list.RunID()
	if c.name == journal.CommandRestore {
		w.header.Settings.KeepLink = w.list.KeepsLinks()
	}
	if w.list.UndoesEnable() {
		w.header.Undoes = journal.CommandEnable
	}
	if err = w.header.Validate(); err != nil { // the list has added to what was typed
		return nil, refused(err, "")
	}
	c.options.settings = w.header.Settings // with what the list has added
	return w, nil
}

// copyInput copies the list into the run directory. A signal ends it even while it
// waits for a pipe.
func copyInput(ctx context.Context, staged *rundir.Staged, from source) (sum string, err error) {
	return interruptibly(ctx, func() (string, error) { return staged.CopyInput(from.copyTo) })
}

// interruptibly reads what may never come, such as a named pipe that nobody writes. It
// returns the cause of ctx if that ends first.
func interruptibly[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() { done <- r }()
		defer recovered(&r.err)
		r.value, r.err = read()
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// openList opens the staged list. If --org names an organization that the list does not,
// the tenant is asked for its id: a list of ids has no names.
func (c *command) openList(ctx context.Context, w *work, name string) (err error) {
	for {
		w.list, err = list.Open(w.staged.File(rundir.InputFile), name, rundir.ListOptions(w.header, w.names))
		refusal, ok := errors.AsType[*list.Error](err)
		if !ok || refusal.Organization == "" || list.IsOrganizationID(refusal.Organization) {
			return refused(err, "")
		}
		id, err := c.organizationID(ctx, refusal.Organization)
		if err != nil {
			return err
		}
		given := slices.Index(w.header.Settings.Organizations, refusal.Organization)
		w.header.Settings.Organizations = slices.Replace(slices.Clone(w.header.Settings.Organizations), given, given+1, id)
	}
}

// header is the first record of this invocation.
func (c *command) header(runID string, input journal.Input) journal.Header {
	return journal.Header{
		Format: journal.Format, RunID: runID, Command: c.name, Tenant: c.target.tenant, Version: version(),
		Note: c.options.note, By: c.by(), Input: input, Settings: c.options.settings,
	}
}

// by is who starts this invocation. A ready token may say which client it is of.
func (c *command) by() *journal.By {
	by := journal.By{ClientID: c.options.getenv(envID)}
	if token, _ := readyToken(c.options.getenv); token != "" {
		by.ClientID = apiclient.TokenClient(token)
	}
	if account, err := user.Current(); err == nil {
		by.User = account.Username
	}
	by.Host, _ = os.Hostname()
	return &by
}

// checkList refuses a list of another tenant, warns of what is unusual, and sets how rows
// that fail are shown from then on.
func (c *command) checkList(w *work, name string) error {
	if tenant := w.list.Tenant(); tenant != "" {
		if err := c.target.check(name, tenant); err != nil {
			return err
		}
	}
	if c.options.showsFailures(c.view.terminal) {
		w.failed = (&failures{out: c.view, path: w.header.Input.Path}).add
	}
	problems := w.list.Problems()
	for _, p := range problems {
		if !w.show(journal.Invalid, p) {
			c.log.Warn("row is unusable: "+p.Message, zap.String("file", name), zap.Int("line", p.Line))
		}
	}
	if invalid := w.list.Counts().Invalid; invalid > len(problems) {
		c.warnOfMore(w, "more rows are unusable, see results.csv", invalid)
	}
	return nil
}

// warnOfUnknownNames warns of rows with a name that the tenant does not have.
func (c *command) warnOfUnknownNames(w *work) {
	unknown := w.list.Unknown()
	for _, p := range unknown {
		if !w.show(journal.NotFound, p) {
			c.log.Warn("row names an organization or connection that does not exist", zap.Int("line", p.Line), zap.String("reason", p.Message))
		}
	}
	counts := w.list.Counts()
	if rows := counts.UnknownOrganizations + counts.UnknownConnections; rows > len(unknown) {
		c.warnOfMore(w, "more rows name organizations or connections that do not exist, see results.csv", rows)
	}
}

// show shows a row that failed by the list alone, if a person looks on.
func (w *work) show(outcome journal.Outcome, p list.Problem) bool {
	if w.failed != nil {
		w.failed(journal.RowOutcome{Line: p.Line, Outcome: outcome, Message: p.Message})
	}
	return w.failed != nil
}

// warnOfMore warns of more rows than were named. rows is how many there are in all.
func (c *command) warnOfMore(w *work, message string, rows int) {
	if w.failed != nil {
		fmt.Fprintf(c.view, "%s; %s in all\n", message, reports.Counted(rows, "row"))
		return
	}
	c.log.Warn(message, zap.Int("rows", rows))
}
