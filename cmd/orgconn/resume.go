package main

import (
	"context"
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
		ValidArgsFunction: completeRunDir,
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
	o.addSitting(flags)
	return cmd
}

// runResume goes on with the run in a directory.
func runResume(ctx context.Context, o *options, flags *pflag.FlagSet, path string) error {
	first, err := rundir.Header(path)
	if err != nil {
		return err
	}
	j, err := newJob(ctx, o, first.Command)
	if err != nil {
		return err
	}
	o.settings.DryRun = first.Settings.DryRun
	return j.writeMetrics(j.resume(path, first, flags))
}

// resume goes on where the first record tells which run it is.
func (j *job) resume(path string, first journal.Header, flags *pflag.FlagSet) error {
	if err := j.checkTenant(path, first.Tenant); err != nil {
		return err
	}
	unlock, err := j.lock()
	if err != nil {
		return err
	}
	defer unlock()
	dir, err := rundir.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	history, err := j.recover(dir)
	if err != nil {
		return err
	}
	if err := j.takeOver(history, flags); err != nil {
		return err
	}
	return j.goOn(dir, history)
}

// recover reads what earlier invocations did, and makes the journal ready to go on.
func (j *job) recover(dir *rundir.Dir) (history *batch.History, err error) {
	kept, err := dir.Recover(func(entries iter.Seq2[journal.Entry, error]) (err error) {
		history, err = batch.Replay(entries)
		return err
	})
	if err == nil && kept != "" {
		j.log.Warn("what a crash left behind the journal's last sync is kept aside", zap.String("file", kept))
	}
	return history, err
}

// takeOver takes command, list and settings from the run so far.
func (j *job) takeOver(history *batch.History, flags *pflag.FlagSet) error {
	j.input, j.names = history.Header.Input, &history.Names
	sliceEnded := history.End != nil && history.End.ExitCode <= journal.ExitFailedRows
	if err := j.load(history.Header, flags); err != nil {
		return err
	}
	if sliceEnded && !flags.Changed("limit") {
		j.settings.Limit = 0 // the slice is done, now for the rest
	}
	if j.settings.AllowLockout || j.settings.AllowDefaults {
		history.Unblock()
	}
	return j.check(flags)
}

// goOn runs the rows that are left.
func (j *job) goOn(dir *rundir.Dir, history *batch.History) error {
	var err error
	if j.list, err = rundir.OpenInput(dir.Path, j.record(), j.names); err != nil {
		return err
	}
	if err := j.tellOfList(j.input.Name()); err != nil {
		return err
	}
	defer j.list.Close()
	if history.Exceeds(j.list) {
		err := fmt.Errorf("--limit %d: the run has worked on rows beyond it", j.settings.Limit)
		return refused(err, "give a larger --limit, or leave it out")
	}
	left := history.Left(j.list)
	if left == 0 && history.End != nil && history.End.ExitCode <= journal.ExitFailedRows {
		if err := j.nothingLeft(dir); err != nil {
			return err
		}
		return exitWith(history.End.ExitCode)
	}
	j.rates = measured(dir.Path, j.tenant)
	if err := j.agree(left); err != nil {
		return err
	}
	if err := j.begin(dir); err != nil {
		return err
	}
	return j.execute(dir, history)
}

// nothingLeft says so. It makes the reports if the run was killed before it had
// made them.
func (j *job) nothingLeft(dir *rundir.Dir) (err error) {
	if !j.quiet {
		fmt.Fprintf(os.Stderr, "nothing is left to try in %s\n", printable(dir.Path))
	}
	j.metrics = "" // it is no run that a watcher waits for
	if j.summary, err = readSummary(dir.Path); err != nil || !dir.HasReports() {
		j.summary, err = reports.Make(dir.Path, j.list)
	}
	if err != nil {
		return &failure{code: journal.ExitStopped, err: fmt.Errorf("make the reports: %w", err)}
	}
	if j.json {
		return j.print(j.summary, dir.Path)
	}
	return nil
}

// begin begins the new sitting.
func (j *job) begin(dir *rundir.Dir) error {
	if err := dir.RemoveReports(); err != nil {
		return err
	}
	run := j.record()
	if err := dir.Journal.Commit(j.ctx, journal.Record{At: time.Now().UTC(), Header: &run}); err != nil {
		return &failure{code: journal.ExitStopped, err: fmt.Errorf("write the journal: %w", err), hint: "is the disk full?"}
	}
	return nil
}

// exitWith is an exit code alone; nil for 0.
func exitWith(code int) error {
	if code == journal.ExitOK {
		return nil
	}
	return &failure{code: code}
}
