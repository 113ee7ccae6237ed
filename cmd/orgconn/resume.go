package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

const resumeLong = `Continue a run that stopped before its end: it was interrupted or killed, or it
reached a limit, an outage or a full disk. List, command and settings are those
of the run directory. A flag that is given replaces a setting for this
invocation.

With --yes, type --no-check, --allow-lockout and --allow-defaults again if the
run has them.

Rows that are failed, unknown or not_attempted are tried again, and blocked ones
with --allow-lockout or --allow-defaults. Every other outcome is final. If the
first slice of a list (--limit) is done, resume does the rest.

Credentials and exit codes are those of disable: see its --help.`

const resumeExample = `  orgconn resume RUNDIR
  orgconn resume --yes --headroom 10% RUNDIR`

func newResume(getenv func(string) string) *cobra.Command {
	o := &options{getenv: getenv}
	cmd := &cobra.Command{
		Use:               "resume RUNDIR",
		Short:             "continue a run that stopped before its end",
		Long:              resumeLong,
		Example:           resumeExample,
		Args:              oneArg("run directory"),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			return resumeRun(cmd.Context(), o, cmd.Flags(), args[0])
		},
	}
	flags := cmd.Flags()
	o.addDisable(flags)
	o.addRestore(flags)
	o.addList(flags)
	o.addBounds(flags)
	defaultToRun(flags)
	o.addInvocation(flags)
	return cmd
}

// resumeRun resumes the run in a directory.
func resumeRun(ctx context.Context, o *options, flags *pflag.FlagSet, path string) error {
	first, err := rundir.FirstHeader(path)
	if err != nil {
		return err
	}
	o.settings.DryRun = first.Settings.DryRun     // which needs neither --yes nor a lock
	o.settings.KeepLink = first.Settings.KeepLink // which the metrics of a resume that is refused name
	if err := o.check(flags); err != nil {
		return err
	}
	c, err := newCommand(o, first.Command)
	if err != nil {
		return err
	}
	unlock, err := c.lockRun(ctx, path, first)
	if err != nil {
		return c.writeMetrics(nil, err)
	}
	defer unlock()
	w, err := c.reopen(ctx, path, flags)
	if err != nil {
		return c.writeMetrics(nil, err)
	}
	defer c.close(w)
	if w.rows() == 0 {
		c.sayNothingLeft(w)
		rest := w.header.Settings.Limit != w.history.Header.Settings.Limit // of the list, which may have failed rows
		if finished(w.history) && !rest {
			return c.reportNothingLeft(ctx, w) // no invocation, so it leaves the metrics alone
		}
	}
	return c.writeMetrics(c.confirmAndRun(ctx, w))
}

// finished reports whether the last invocation came to its end.
func finished(h *batch.History) bool { return h.End != nil && journal.Finished(h.End.ExitCode) }

// reopen prepares work from a run directory. Its journal is ready for the next
// invocation then.
func (c *command) reopen(ctx context.Context, path string, flags *pflag.FlagSet) (_ *work, err error) {
	w := &work{former: formerSummary(path, c.target.tenant)}
	defer func() {
		if err != nil {
			c.close(w)
		}
	}()
	if w.dir, err = rundir.Open(path); err != nil {
		return nil, refused(err, "")
	}
	if w.history, err = c.recover(ctx, w.dir); err != nil {
		return nil, refused(err, "")
	}
	if err = c.loadSettings(w.dir, w.history, flags); err != nil {
		return nil, err
	}
	w.names = &w.history.Names
	if err = c.options.checkSum(w.history.Header.Input.Name(), w.history.Header.Input.SHA256); err != nil {
		return nil, err
	}
	w.header = c.header(w.history.Header.RunID, w.history.Header.Input)
	w.header.From = w.history.Header.From
	w.header.Undoes = w.history.Header.Undoes
	if err = w.header.Validate(); err != nil {
		return nil, refused(err, "")
	}
	if w.list, err = rundir.OpenInput(path, w.header, w.names, w.history.Begun); err != nil {
		return nil, refused(err, "")
	}
	if w.list.UndoesEnable() != (w.header.Undoes != "") || c.name == journal.CommandRestore && w.list.KeepsLinks() != w.header.Settings.KeepLink {
		err = errors.New("the journal and the list are not of the same run")
		return nil, refused(err, "do not use a run directory that somebody has changed")
	}
	if err = c.checkList(w, w.header.Input.Name()); err != nil {
		return nil, err
	}
	if w.history.HasRowsBeyond(w.list) {
		err = fmt.Errorf("--limit %d: the run has worked on rows beyond it", w.header.Settings.Limit)
		return nil, refused(err, "give a larger --limit, or leave it out")
	}
	return w, nil
}

// loadSettings merges the run's settings with the flags that were typed. What was typed
// at an earlier resume was for that invocation.
func (c *command) loadSettings(dir *rundir.Dir, h *batch.History, flags *pflag.FlagSet) error {
	run := h.First
	// These two say which rows the list has. What is done would not fit another answer.
	run.Settings.Limit, run.Settings.AnyID = h.Header.Settings.Limit, h.Header.Settings.AnyID
	if err := c.options.load(run, flags); err != nil {
		return err
	}
	s := &c.options.settings
	if run.Settings.AnyID && !s.AnyID {
		return refused(errors.New("--any-id=false: the run may have worked on rows with such ids"), "leave it out")
	}
	if s.MissingOK && c.name != journal.CommandDisable {
		return refused(fmt.Errorf("%s cannot have --missing-ok", c.name), "leave it out")
	}
	if err := c.retyped(flags); err != nil {
		return err
	}
	if finished(h) && dir.HasReports() && !flags.Changed("limit") { // it was not killed before its reports
		s.Limit = 0 // the slice is done, so the rest is next
	}
	h.Unblock = s.Unblocks()
	return c.options.check(flags) // again: what was typed may not go together with what the run has
}

// retyped refuses --yes for settings of the run that must be typed, unless they are
// typed again: the run directory may come from somebody else. Without --yes, the
// question names them.
func (c *command) retyped(flags *pflag.FlagSet) error {
	s := c.options.settings
	if !c.options.yes || s.DryRun {
		return nil
	}
	var missing []string
	for name, set := range map[string]bool{"no-check": s.NoCheck, "allow-lockout": s.AllowLockout, "allow-defaults": s.AllowDefaults} {
		if set && !flags.Changed(name) {
			missing = append(missing, "--"+name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	names := strings.Join(missing, " and ")
	return refused(fmt.Errorf("the run has %s, and --yes does not agree to that", names),
		"type "+names+" again, or leave out --yes to be asked")
}

// recover reads what earlier invocations did and repairs the journal.
func (c *command) recover(ctx context.Context, dir *rundir.Dir) (history *batch.History, err error) {
	kept, err := dir.Recover(ctx, func(entries iter.Seq2[journal.Entry, error]) (err error) {
		history, err = batch.Replay(entries)
		return err
	})
	if err == nil && kept != "" {
		c.log.Warn("a crash left an incomplete end of the journal; it was moved to a file of its own", zap.String("file", kept))
	}
	return history, err
}

func (c *command) sayNothingLeft(w *work) {
	if !c.options.quiet {
		fmt.Fprintf(c.view, "nothing is left to try in %s; orgconn report %s shows how it ended\n", oneLine(w.dir.Path), oneLine(reports.ShellWord(w.dir.Path)))
	}
}

// reportNothingLeft ends with the exit code of a finished run. If the run was killed
// before it had made its last reports, it makes them.
func (c *command) reportNothingLeft(ctx context.Context, w *work) error {
	summary, err := currentSummary(w.dir.Path, w.header)
	if err != nil || !w.dir.HasReports() {
		summary, err = reports.Make(ctx, w.dir.Path, w.list)
	}
	if err != nil {
		return notMade(err)
	}
	if c.options.json {
		if err := c.print(summary, w.dir.Path, true); err != nil {
			return stopped(fmt.Errorf("print the summary: %w", err), "")
		}
	}
	return c.exitError(w.history.End.ExitCode, summary, w.dir.Path, false) // an invocation has said it
}
