package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

const runsLong = `List the run directories in a folder, by default the current one. Each has a
line, the newest first: when it began, its name, command, tenant, rows by
outcome, how it ended, whether it can be resumed, and which restore undid it.

With --prune, list only those that nobody needs any more, and with --yes remove
them. They are older than --older, and nothing was changed in them, as in a dry
run, or a restore in the same folder has undone it. One that changed something
and can still be resumed stays, and so does one in use. A restore that changed
nothing stays as long as the run that it undid.`

const runsExample = `  orgconn runs
  orgconn runs --prune /var/lib/orgconn
  orgconn runs --prune --yes --older 30d /var/lib/orgconn`

const defaultOlder = journal.Age(90 * 24 * time.Hour)

// runsOptions are the flags of runs.
type runsOptions struct {
	prune, yes, json bool
	older            journal.Age
}

func newRuns() *cobra.Command {
	var o runsOptions
	cmd := &cobra.Command{
		Use:               "runs [DIR]",
		Short:             "list run directories; --prune those that nobody needs any more",
		Long:              runsLong,
		Example:           runsExample,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeFolder,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.yes && !o.prune {
				return refused(errors.New("--yes is for --prune"), "leave it out, or give both")
			}
			return runs(cmd.Context(), cmd.OutOrStdout(), o, append(args, ".")[0])
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&o.prune, "prune", false, "only those that nobody needs any more")
	flags.TextVar(&o.older, "older", defaultOlder, "with --prune: whose run ended before this `AGE`, such as 30d")
	flags.BoolVarP(&o.yes, "yes", "y", false, "with --prune: remove them")
	flags.BoolVar(&o.json, "json", false, "print a JSON array")
	mustBeTyped(flags, "yes")
	return cmd
}

// runInfo is what runs says of a run directory.
type runInfo struct {
	RunDir       string                  `json:"run_dir"`
	RunID        string                  `json:"run_id"`
	StartedAt    time.Time               `json:"started_at"`
	FinishedAt   *time.Time              `json:"finished_at"` // nil: it still goes on or was killed
	Command      string                  `json:"command"`     // its journal.Label
	Tenant       string                  `json:"tenant"`
	Outcomes     map[journal.Outcome]int `json:"outcomes"`
	ExitCode     *int                    `json:"exit_code"` // nil if FinishedAt is nil
	Ended        string                  `json:"ended"`     // the exit code in words
	Resumable    bool                    `json:"resumable"`
	UndoneBy     []string                `json:"undone_by"` // names of restores' run directories
	UndoneInPart bool                    `json:"undone_in_part"`
	Unneeded     string                  `json:"unneeded,omitempty"` // why nobody needs it; only with --prune
	Removed      bool                    `json:"removed,omitempty"`
	Error        string                  `json:"unreadable,omitempty"` // why it cannot be read

	label journal.Label
	from  string // id of the run whose results its list is
}

// runs lists the run directories in a folder, or removes those that nobody needs.
func runs(ctx context.Context, out io.Writer, o runsOptions, folder string) error {
	all, err := findRuns(ctx, folder)
	if err != nil {
		return err
	}
	var pruneErr error
	if o.prune {
		all, pruneErr = prune(ctx, all, o)
	}
	if err := printRuns(out, all, o.json); err != nil {
		return errors.Join(pruneErr, stopped(fmt.Errorf("print the runs: %w", err), ""))
	}
	return pruneErr
}

// findRuns reads the run directories in a folder, and returns the newest first. It
// leaves out links and hidden folders.
func findRuns(ctx context.Context, folder string) ([]*runInfo, error) {
	if isRunDir(folder) {
		return nil, refused(fmt.Errorf("%s is a run directory", folder), "give the folder that it is in")
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, refused(err, "give the folder that has the run directories")
	}
	all := []*runInfo{} // an empty array in JSON
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if !entry.IsDir() || strings.HasPrefix(entry.Name(), ".") || !isRunDir(path) {
			continue
		}
		run, err := readRun(ctx, path)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			run.Error = strings.ReplaceAll(err.Error(), "\n", "; ")
		}
		all = append(all, run)
	}
	slices.SortStableFunc(all, func(a, b *runInfo) int { return b.StartedAt.Compare(a.StartedAt) })
	for _, run := range all {
		run.addRestores(all)
	}
	return all, nil
}

// addRestores adds which restores undid the run, and whether only a part of it. It
// goes by the summaries, which tell no pairs: what one restore gave back is there for the
// next one, so a row that was back already counts only where one restore saw the most.
func (run *runInfo) addRestores(all []*runInfo) {
	given, back := 0, 0 // rows that all restores gave back, and that one of them saw back
	for _, restore := range restoresOf(run, all) {
		if n := count(restore.Outcomes, isBack); n > 0 {
			run.UndoneBy = append(run.UndoneBy, filepath.Base(restore.RunDir))
			given += count(restore.Outcomes, journal.Outcome.Changed)
			back = max(back, n)
		}
	}
	run.UndoneInPart = len(run.UndoneBy) > 0 && max(given, back) < count(run.Outcomes, journal.Outcome.MayHaveChanged)
}

// isBack reports whether a restore has found or left a row as it was before.
func isBack(o journal.Outcome) bool {
	return o.Changed() || o.WasSo()
}

func isRunDir(path string) bool {
	_, err := os.Lstat(filepath.Join(path, rundir.JournalFile))
	return err == nil
}

// readRun reads a run directory. With an error, the result has only what is known.
func readRun(ctx context.Context, path string) (*runInfo, error) {
	header, err := rundir.FirstHeader(path)
	if err != nil {
		return &runInfo{RunDir: path}, err
	}
	s, err := currentSummary(path, header)
	if err != nil {
		s, err = reports.Summarize(ctx, path, func(list.Result) {})
	}
	if err != nil {
		return &runInfo{RunDir: path, Command: header.Label().String(), Tenant: header.Tenant}, err
	}
	run := infoOf(path, s)
	run.label, run.Command, run.from = header.Label(), header.Label().String(), header.From // summary.json has not all of the label
	run.Ended, err = ended(path, s.ExitCode)
	run.Resumable = s.Resumable() && run.Ended != stillRunning
	return run, err
}

// infoOf is what a summary says of a run directory.
func infoOf(path string, s *reports.Summary) *runInfo {
	label := s.Label()
	return &runInfo{
		RunDir: path, RunID: s.RunID, StartedAt: s.StartedAt, FinishedAt: s.FinishedAt, Command: label.String(),
		Tenant: s.Tenant, Outcomes: s.Outcomes, ExitCode: s.ExitCode, UndoneBy: []string{}, label: label,
	}
}

// currentSummary reads a run's summary.json, which saves reading the whole journal. It
// is an error if the summary is not the last word on the run.
func currentSummary(path string, header journal.Header) (*reports.Summary, error) {
	s, err := readSummary(path)
	if err != nil {
		return nil, err
	}
	written, err := os.Lstat(filepath.Join(path, rundir.JournalFile))
	if err != nil {
		return nil, err
	}
	made, err := os.Lstat(filepath.Join(path, rundir.SummaryFile))
	if err != nil {
		return nil, err
	}
	if s.ExitCode == nil || s.RunID != header.RunID || s.Tenant != header.Tenant || made.ModTime().Before(written.ModTime()) {
		return nil, errors.New("the summary is not current")
	}
	return s, nil
}

const stillRunning = "still running"

// ended says how a run ended. A run without an end was killed, unless a process has
// its lock.
func ended(path string, code *int) (string, error) {
	if code != nil {
		return endText(*code), nil
	}
	lock, err := rundir.Lock(path)
	if _, busy := errors.AsType[*rundir.BusyError](err); busy {
		return stillRunning, nil
	}
	if err != nil {
		return "", err
	}
	return "killed", lock.Close()
}

// endText is an exit code in words.
func endText(code int) string {
	words := map[int]string{
		journal.ExitOK: "finished", journal.ExitFailedRows: "finished, some rows failed", journal.ExitRefused: "refused",
		journal.ExitCredentials: "credentials refused", journal.ExitLocked: "locked", journal.ExitStopped: "stopped",
		journal.ExitInternal: "internal error", journal.ExitInterrupted: "interrupted", journal.ExitQuit: "quit",
		journal.ExitTerminated: "terminated",
	}
	return cmp.Or(words[code], fmt.Sprintf("exit code %d", code))
}

// count counts the rows whose outcome matches.
func count(outcomes map[journal.Outcome]int, matches func(journal.Outcome) bool) (rows int) {
	for outcome, n := range outcomes {
		if matches(outcome) {
			rows += n
		}
	}
	return rows
}

// printRuns prints a line for each run, or a JSON array.
func printRuns(w io.Writer, all []*runInfo, asJSON bool) error {
	if asJSON {
		return reports.WriteJSON(w, all)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, run := range all {
		fmt.Fprintln(table, strings.Join(run.cells(), "\t"))
	}
	return table.Flush()
}

// cells are the columns of a run's line.
func (run *runInfo) cells() []string {
	began, name := "-", oneLine(filepath.Base(run.RunDir))
	if run.Error != "" {
		return []string{began, name, "cannot be read: " + oneLine(run.Error)}
	}
	began = run.StartedAt.UTC().Format(time.RFC3339)
	var rows []string
	for _, outcome := range journal.Outcomes() {
		if n := run.Outcomes[outcome]; n > 0 {
			rows = append(rows, fmt.Sprintf("%d %s", n, outcome.Words()))
		}
	}
	return []string{began, name, oneLine(run.Command), oneLine(run.Tenant), cmp.Or(strings.Join(rows, ", "), "no rows"), run.state()}
}

// state says how a run ended and what can be done with it.
func (run *runInfo) state() string {
	text := run.Ended
	if run.Resumable {
		text += "; can be resumed"
	}
	undone := "; undone by "
	if run.UndoneInPart {
		undone = "; partly undone by "
	}
	if len(run.UndoneBy) > 0 {
		text += undone + oneLine(strings.Join(run.UndoneBy, ", "))
	}
	if run.Unneeded != "" {
		text += "; " + run.Unneeded
	}
	if run.Removed {
		text += "; removed"
	}
	return text
}
