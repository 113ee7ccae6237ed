package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

const resumeLong = `Go on with a run that stopped before its end, however it stopped: interrupted,
killed, by a bound, by an outage, by a full disk. List, command and settings are
those of the run directory; a flag that is given replaces a setting for good.

Rows that failed, that are unknown, or that were not attempted are tried again;
blocked ones with --allow-lockout (or --allow-defaults). Every other outcome is
final. A run of a first slice (--limit) that ended goes on with the rest.

Credentials and exit codes are those of disable: see its --help.`

const resumeExample = `  orgconn resume RUNDIR
  orgconn resume --yes --headroom 10% RUNDIR`

func newResume(getenv func(string) string) *cobra.Command {
	o := &options{getenv: getenv}
	cmd := &cobra.Command{
		Use:               "resume RUNDIR",
		Short:             "go on with a run that stopped before its end",
		Long:              resumeLong,
		Example:           resumeExample,
		Args:              oneArg("run directory"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runResume(cmd.Context(), o, cmd.Flags(), args[0])
		},
	}
	flags := cmd.Flags()
	o.addDisable(flags)
	o.addRestore(flags)
	o.addSlice(flags)
	o.addBounds(flags)
	ofTheRun(flags)
	o.addInvocation(flags)
	return cmd
}

// runResume goes on with the run in a directory.
func runResume(ctx context.Context, o *options, flags *pflag.FlagSet, path string) error {
	first, err := rundir.FirstHeader(path)
	if err != nil {
		return err
	}
	c, err := newCommand(o, first.Command)
	if err != nil {
		return err
	}
	o.settings.DryRun = first.Settings.DryRun
	if err := c.target.check(path, first.Tenant); err != nil {
		return c.writeMetrics(nil, err)
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return c.writeMetrics(nil, err)
	}
	defer unlock()
	dir, err := rundir.Open(path)
	if err != nil {
		return c.writeMetrics(nil, err)
	}
	defer dir.Close()
	w, err := c.reopen(dir, flags)
	if err != nil {
		return c.writeMetrics(nil, err)
	}
	defer w.list.Close()
	if w.rows() == 0 && finished(w.history) { // no run that a watcher waits for: without metrics
		return c.nothingLeft(dir, w)
	}
	return c.writeMetrics(c.run(ctx, w))
}

// finished says whether the last invocation came to its end.
func finished(h *batch.History) bool { return h.End != nil && h.End.ExitCode <= journal.ExitFailedRows }

// reopen takes command, list and settings from the run so far.
func (c *command) reopen(dir *rundir.Dir, flags *pflag.FlagSet) (*work, error) {
	h, err := c.recover(dir)
	if err != nil {
		return nil, err
	}
	if err := c.options.load(h.Header, flags); err != nil {
		return nil, err
	}
	s := &c.options.settings
	if finished(h) && !flags.Changed("limit") {
		s.Limit = 0 // the slice is done, now for the rest
	}
	if s.AllowLockout || s.AllowDefaults {
		h.Unblock = true
	}
	if err := c.options.check(flags); err != nil {
		return nil, err
	}
	w := &work{history: h, names: &h.Names, rates: measured(dir.Path, c.target.tenant), header: c.header(h.Header.Input, *s, c.options.note)}
	w.begin = func(ctx context.Context) (*rundir.Dir, error) { return dir, beginAgain(ctx, dir, w.header) }
	if w.list, err = rundir.OpenInput(dir.Path, w.header, w.names); err != nil {
		return nil, err
	}
	if err = c.tellOfList(w.list, w.header.Input.Name()); err == nil && h.Exceeds(w.list) {
		err = refused(fmt.Errorf("--limit %d: the run has worked on rows beyond it", s.Limit), "give a larger --limit, or leave it out")
	}
	if err != nil {
		return nil, errors.Join(err, w.list.Close())
	}
	return w, nil
}

// recover reads what earlier invocations did, and makes the journal ready to go on.
func (c *command) recover(dir *rundir.Dir) (history *batch.History, err error) {
	kept, err := dir.Recover(func(entries iter.Seq2[journal.Entry, error]) (err error) {
		history, err = batch.Replay(entries)
		return err
	})
	if err == nil && kept != "" {
		c.log.Warn("what a crash left behind the journal's last sync is kept aside", zap.String("file", kept))
	}
	return history, err
}

// nothingLeft says so, and ends with the run's own code. It makes the reports if
// the run was killed before it had made them.
func (c *command) nothingLeft(dir *rundir.Dir, w *work) error {
	if !c.options.quiet {
		fmt.Fprintf(os.Stderr, "nothing is left to try in %s\n", printable(dir.Path))
	}
	summary, err := readSummary(dir.Path)
	if err != nil || !dir.HasReports() {
		summary, err = reports.Make(dir.Path, w.list)
	}
	if err != nil {
		return &failure{code: journal.ExitStopped, err: fmt.Errorf("make the reports: %w", err)}
	}
	if c.options.json {
		if err := c.print(summary, dir.Path); err != nil {
			return err
		}
	}
	return exitWith(w.history.End.ExitCode)
}

// beginAgain begins the new invocation.
func beginAgain(ctx context.Context, dir *rundir.Dir, h journal.Header) error {
	if err := dir.RemoveReports(); err != nil {
		return err
	}
	if err := dir.Journal.Commit(ctx, journal.Record{At: time.Now().UTC(), Header: &h}); err != nil {
		return &failure{code: journal.ExitStopped, err: fmt.Errorf("write the journal: %w", err), hint: "is the disk full?"}
	}
	return nil
}
