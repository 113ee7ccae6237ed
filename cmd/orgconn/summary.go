package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

// shownConnections is how many of the connections found in no organization the
// printed summary names.
const shownConnections = 3

// print prints the summary as --json and --quiet say. See printSummary.
func (c *command) print(s *reports.Summary, dir string, withReason bool) error {
	out := newOutput(os.Stdout, lastTimeout) // the tenant's lock is still held
	if c.options.json {
		return reports.WriteJSON(out, s)
	}
	if c.options.quiet {
		return nil
	}
	return printSummary(out, s, dir, withReason)
}

// noneSeen is what a list with only unknown connections looks like.
const noneSeen = "no organization has any connection of the list: are the ids and the tenant right? " +
	"A token with the scope read:connections finds out which of them do not exist"

// doubtful reports whether not one connection of the list was seen. Its rows look as if
// they were already disabled. If the token has the scope, the run has asked for the
// connections, and the rows of those that do not exist say so.
func doubtful(s *reports.Summary, readConnections bool) bool {
	return s.NoneSeen && !readConnections && !s.WrongTenant()
}

// warnIfDoubtful says, before the summary, that not one connection of the list was seen.
// With --quiet, exitError says it.
func (c *command) warnIfDoubtful(s *reports.Summary, readConnections bool) {
	switch {
	case c.options.quiet, !doubtful(s, readConnections):
	case c.options.json:
		c.log.Warn(noneSeen)
	default:
		fmt.Fprintln(newOutput(os.Stdout, lastTimeout), "warning: "+noneSeen)
	}
}

// exitError is how a run ends that came to its end, with its exit code. If --quiet has kept
// the summary back, the error says in one line which rows failed, and what is doubtful.
func (c *command) exitError(code int, s *reports.Summary, dir string, doubtful bool) error {
	switch {
	case code == journal.ExitOK && doubtful && c.options.quiet:
		return &failure{code: code, err: errors.New("warning: " + noneSeen)}
	case code == journal.ExitOK:
		return nil
	case !c.options.quiet:
		return &failure{code: code}
	}
	text := c.failedText(s, dir)
	if doubtful {
		text += "; " + noneSeen
	}
	return &failure{code: code, err: errors.New(text)}
}

// failedText says in one line that rows failed.
func (c *command) failedText(s *reports.Summary, dir string) string {
	var failed []string
	for _, outcome := range journal.Outcomes() {
		if n := s.Outcomes[outcome]; n > 0 && outcome.Failed(false) {
			failed = append(failed, fmt.Sprintf("%d %s", n, outcome.Words()))
		}
	}
	text := fmt.Sprintf("some rows failed (%s), see %s", strings.Join(failed, ", "), filepath.Join(dir, rundir.ResultsFile))
	switch {
	case s.Reason != "":
		text += "; " + s.Reason
	case c.options.settings.MissingOK && s.Outcomes[journal.NotFound] > 0: // they do not tell which is missing
		text += "; with --missing-ok, organizations that do not exist count as ok, unless none of the list exists"
	}
	return text
}

// printSummary prints in a few lines what happened and what to type next. withReason is
// false if an error will say why the run stopped.
func printSummary(w io.Writer, s *reports.Summary, dir string, withReason bool) error {
	var b strings.Builder
	title := s.Command
	if s.DryRun {
		title += " (dry run)"
	}
	fmt.Fprintf(&b, "%s in %s: %s", title, oneLine(s.Tenant), reports.Counted(s.Input.Rows, "row"))
	if s.Input.Organizations > 0 {
		fmt.Fprintf(&b, ", %s", reports.Counted(s.Input.Organizations, "organization"))
	}
	fmt.Fprintf(&b, ", %.1f s\n", s.DurationS)
	for _, outcome := range slices.Sorted(maps.Keys(s.Outcomes)) {
		fmt.Fprintf(&b, "  %-18s %6d\n", outcome.Words(), s.Outcomes[outcome])
	}
	if s.Drifted > 0 {
		fmt.Fprintf(&b, "  different from the dry run: %d\n", s.Drifted)
	}
	printNeverSeen(&b, s)
	printFailed(&b, s)
	if s.Reason != "" && withReason {
		fmt.Fprintf(&b, "  %s\n", oneLine(s.Reason))
	}
	if d := s.Expected(); s.DryRun && d > 0 {
		fmt.Fprintf(&b, "  a run takes %s\n", about(d))
	}
	results := filepath.Join(dir, rundir.ResultsFile)
	fmt.Fprintf(&b, "  results: %s\n", oneLine(results))
	fmt.Fprintf(&b, "  report:  %s\n", oneLine(filepath.Join(dir, rundir.PageFile)))
	if undo := wayBack(s, dir); undo != "" {
		fmt.Fprintf(&b, "  undo:    %s\n", oneLine(undo))
	}
	if s.Unsaved > 0 {
		fmt.Fprintf(&b, "           %s without a check: only --allow-defaults enables them, with Auth0's default settings\n", reports.Counted(s.Unsaved, "row"))
	}
	if next := nextCommand(s, dir, results); next != "" {
		fmt.Fprintf(&b, "  next:    %s\n", oneLine(next))
	}
	if proposes(s) && s.ResultsSHA256 != "" {
		fmt.Fprintf(&b, "  as is:   %s\n", oneLine(s.Exactly(filepath.ToSlash(results))))
	}
	if s.Running { // rows that failed are its own affair
		b.WriteString("  the run still goes on; the figures are those so far\n")
	} else {
		printMendingSteps(&b, s, dir)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wayBack says how to undo a run that changed something.
func wayBack(s *reports.Summary, dir string) string {
	if s.Command == journal.CommandRestore && !s.DryRun && s.Changes() > 0 {
		return "no command; " + cmp.Or(s.Undoes, journal.CommandDisable) + " the first run's list again"
	}
	return s.Undo(filepath.ToSlash(dir))
}

// nextCommand is what to type next: resume a run that stopped, did only a slice or
// could not do some rows, or do what a dry run announced. It may be empty.
func nextCommand(s *reports.Summary, dir, results string) string {
	switch {
	case s.WrongTenant():
		return ""
	case proposes(s):
		return s.Proposed(filepath.ToSlash(results))
	case s.Resumable():
		return resumeCommand(dir)
	}
	return ""
}

func resumeCommand(dir string, flags ...string) string {
	words := slices.Concat([]string{"orgconn resume"}, flags, []string{reports.ShellWord(filepath.ToSlash(dir))})
	return strings.Join(words, " ")
}

// printMendingSteps says what to do about rows that failed, in the run directory dir. The
// page has this advice in full.
func printMendingSteps(b *strings.Builder, s *reports.Summary, dir string) {
	var steps []string
	for _, group := range s.FailedRows {
		for _, step := range mend(s, group, dir) {
			if !slices.Contains(steps, step) {
				steps = append(steps, step)
				fmt.Fprintf(b, "  next:    %s\n", oneLine(step))
			}
		}
	}
}

// mend says what to do about a group of rows.
func mend(s *reports.Summary, group reports.FailedRows, dir string) []string {
	switch group.Outcome {
	case journal.Failed:
		if proposes(s) {
			return []string{"remove the causes of the failed rows, and read them again: " + resumeCommand(dir)}
		}
		return []string{"first remove the causes of the failed rows; resume tries them again"}
	case journal.Unknown:
		if s.NoCheck {
			return []string{"resume sends the unknown rows again"}
		}
		return []string{"resume finds out what became of the unknown rows"}
	case journal.Blocked:
		return unblock(s, group, dir)
	case journal.NotFound:
		return []string{mendMissing(s, group)}
	case journal.Invalid:
		return []string{"correct the invalid rows in " + listName(s.Input.Path) + ", and run it again"}
	}
	return nil
}

// unblock says what to do about a group of blocked rows.
func unblock(s *reports.Summary, group reports.FailedRows, dir string) []string {
	again := func(flag string) string {
		if s.DryRun && s.Command == journal.CommandDisable { // the page says the same, in blockedAdvice
			return "make the dry run again with " + flag
		}
		return resumeCommand(dir, flag)
	}
	switch {
	case group.IsUsed():
		return []string{"rows that are still used stay enabled: move their members first, or leave out --unused-for"}
	case s.Command == journal.CommandDisable, s.Undoes != "":
		what := "the list"
		if s.Undoes != "" {
			what = "the restore"
		}
		return []string{
			"enable another connection where the last one is blocked, and run " + what + " again",
			"or disable the last ones on purpose: " + again("--allow-lockout"),
		}
	case s.Command == journal.CommandEnable:
		return []string{"make room in the organizations of the blocked rows, and run the list again"}
	}
	return []string{"give the blocked rows Auth0's default settings: " + again("--allow-defaults")}
}

// mendMissing says what to do about a group of rows that were not found.
func mendMissing(s *reports.Summary, group reports.FailedRows) string {
	list := listName(s.Input.Path)
	switch {
	case s.WrongTenant():
		return "check that AUTH0_DOMAIN is the tenant of " + list + "; if it is, correct the ids in the list"
	case s.Command == journal.CommandRestore:
		return "leave the rows that were not found: what was deleted cannot be restored"
	case group.Connection, s.Command == journal.CommandEnable:
		return "correct or remove the rows that were not found in " + list + ", and run it again"
	}
	return "check the organizations that were not found; with --missing-ok, deleted ones count as ok"
}

// printFailed prints why rows failed, with a few examples.
func printFailed(b *strings.Builder, s *reports.Summary) {
	more := 0
	for i, group := range s.FailedRows {
		if i >= shownReasons {
			more += group.Rows
			continue
		}
		fmt.Fprintf(b, "  %s %s: %s\n", reports.Counted(group.Rows, "row"), group.Outcome.Words(), oneLine(group.Reason))
		for _, line := range group.Lines {
			fmt.Fprintf(b, "    %s: %s\n", place(s.Input.Path, line), group.Outcome.Words())
		}
	}
	if more > 0 {
		fmt.Fprintf(b, "  %s more for other reasons: see %s\n", reports.Counted(more, "row"), rundir.PageFile)
	}
}

// place is where a row of a list is.
func place(path string, line int) string { return fmt.Sprintf("%s:%d", oneLine(listName(path)), line) }

// listName is what messages call the list at a path. That of a run directory is its
// results.
func listName(path string) string { return source{path: path, isRun: isFolder(path)}.name() }

// proposes reports whether there is something to approve: a dry run came to its end.
func proposes(s *reports.Summary) bool {
	return s.DryRun && s.Announced() > 0 && s.Finished()
}

// printNeverSeen names the connections found in no organization. Their rows count
// as already disabled, but most likely their ids are typing errors.
func printNeverSeen(b *strings.Builder, s *reports.Summary) {
	if s.NeverSeenTotal == 0 {
		return
	}
	shown := s.NeverSeenConnections[:min(shownConnections, s.NeverSeenTotal)]
	fmt.Fprintf(b, "  connections found in no organization: %d (%s", s.NeverSeenTotal, oneLine(strings.Join(shown, ", ")))
	if len(shown) < s.NeverSeenTotal {
		b.WriteString(", …")
	}
	b.WriteString(")\n")
}

// formerSummary returns the summary of an earlier run: from is its run directory or a
// file in it. It is zero if from is neither, or of another tenant.
func formerSummary(from, tenant string) reports.Summary {
	dir := from
	if !isFolder(from) {
		dir = filepath.Dir(from)
	}
	s, err := readSummary(dir)
	if err != nil || s.Tenant != tenant {
		return reports.Summary{}
	}
	return *s
}

// maxSummary is far more than a summary has, in bytes.
const maxSummary = 1 << 20

// readSummary reads a run directory's summary.
func readSummary(dir string) (*reports.Summary, error) {
	f, err := rundir.OpenFile(dir, rundir.SummaryFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := new(reports.Summary)
	return s, json.NewDecoder(io.LimitReader(f, maxSummary)).Decode(s)
}

// about writes an estimated time, rounded to seconds or minutes.
func about(d time.Duration) string {
	if d < 2*time.Minute {
		return "about " + d.Round(time.Second).String()
	}
	text := d.Round(time.Minute).String()
	return "about " + text[:len(text)-len("0s")]
}
