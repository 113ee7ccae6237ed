package reports

import (
	"fmt"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
)

// verdict says what happened and what to type next.
type verdict struct {
	Group    outcomeGroup
	Title    string
	Text     string
	Cost     string   // of the run that a dry run proposes
	Advice   string   // what Commands are for
	Commands []string // to type next
}

func (v *pageView) verdict() verdict {
	if v.ExitCode == nil {
		return v.stopped("Not finished", "The run has not recorded its end: either it still goes on, or it was killed. This page shows what the journal says so far.")
	}
	switch *v.ExitCode {
	case journal.ExitOK, journal.ExitFailedRows:
		if v.DryRun {
			return v.proposed()
		}
		return v.finished()
	case journal.ExitCredentials:
		return v.stopped("Stopped: credentials refused", "The tenant refused the credentials or the scope.")
	case journal.ExitInterrupted, journal.ExitQuit, journal.ExitTerminated:
		return v.stopped("Interrupted", "The run was interrupted and ended cleanly.")
	case journal.ExitInternal:
		return v.stopped("Stopped by an internal error", "This is a bug in orgconn. The recorded outcomes are reliable.")
	}
	return v.stopped("Stopped before the end", "The run stopped by itself and ended cleanly.")
}

// stopped is the verdict on a run that can be resumed.
func (v *pageView) stopped(title, text string) verdict {
	return verdict{Group: failed, Title: title, Text: text + " " + v.sentence(),
		Advice: "To continue with the remaining rows:", Commands: []string{v.command("resume")}}
}

// finished is the verdict on a run that went through the whole list.
func (v *pageView) finished() verdict {
	out := verdict{Group: v.worst(), Title: "Finished: no row failed", Text: v.sentence()}
	if bad := v.failedRows(); bad > 0 {
		out.Title = "Finished, but " + needAttention(bad)
		out.Advice = "See below what to do about these rows."
	}
	switch resume := []string{v.command("resume")}; {
	case v.Outcomes[journal.NotAttempted] > 0: // it was a first slice
		out.Advice, out.Commands = "To continue with the rest of the list:", resume
	case v.failedCalls() > 0:
		out.Advice, out.Commands = "Once the causes are removed, try the failed and unknown rows again:", resume
	}
	return out
}

// proposed is the verdict on a dry run: a proposal for review.
func (v *pageView) proposed() verdict {
	out := verdict{Group: v.worst(), Title: "Proposal", Text: v.sentence() + " Nothing was changed: a dry run only reads."}
	if bad := v.failedRows(); bad > 0 {
		out.Title += ", " + needAttention(bad)
	}
	if v.Announced() == 0 {
		out.Advice = "There is nothing to approve."
		return out
	}
	out.Cost = v.cost()
	out.Advice = "To approve all rows, run the first command. To approve only some, first delete the other rows from results.csv, or set their outcome to not_selected. " +
		"A spreadsheet's filter only hides rows: the run would still include them. The second command runs results.csv exactly as it is, and refuses it if anything was changed."
	results := v.RunDir + "/" + rundir.ResultsFile
	out.Commands = []string{visible(v.Proposed(results)), visible(v.Exactly(results))}
	return out
}

// way says what a run does to each link.
func (v *pageView) way() string {
	switch {
	case v.Command == journal.CommandRestore && v.KeepLink:
		return "A run from these results switches links on that were switched off."
	case v.Command == journal.CommandRestore:
		return "A run from these results makes links anew, with the settings that are in results.csv."
	case v.KeepLink:
		return "A run from these results switches links off (PATCH, is_enabled: false). They keep their settings, and restore switches them on again."
	default:
		return "A run from these results removes links (DELETE). The run directory keeps their settings, and restore makes them anew."
	}
}

// cost says what a run from a dry run's results would take.
func (v *pageView) cost() string {
	writes := v.Announced()
	reads := min(writes, v.Input.Organizations)
	text := v.way() + " " + fmt.Sprintf("A run from these results sends %s. It first reads each organization again, which takes at most %s.",
		Counted(writes, "write"), Counted(reads, "read"))
	if d := v.Expected(); d > 0 {
		return text + fmt.Sprintf(" That takes about %s. A dry run measures only the limit on reads; the limit on writes is the one that Auth0 publishes for the same plan.", secondsText(d.Seconds()))
	}
	return text + " The time cannot be estimated: either the dry run was too short to measure the limit on reads, or no plan that Auth0 publishes has this limit."
}

// worst is the worst group of outcomes that counts.
func (v *pageView) worst() outcomeGroup {
	switch {
	case v.failedCalls() > 0:
		return failed
	case v.failedRows() > 0:
		return blocked
	}
	return changed
}

// failedCalls is how many rows failed because of a call. It leaves out rows whose
// organization does not exist.
func (v *pageView) failedCalls() int {
	return v.count(func(o journal.Outcome) bool { return o.FailedByCall(true) })
}

// failedRows is how many rows count as failed. With --missing-ok, rows of an
// organization that does not exist do not, unless no organization of the list
// exists.
func (v *pageView) failedRows() int {
	all := v.count(func(o journal.Outcome) bool { return o.Failed(false) })
	if !v.missingOK {
		return all
	}
	rows := v.count(func(o journal.Outcome) bool { return o.Failed(true) }) + v.unknownConnections
	if rows == 0 && v.ExitCode != nil && *v.ExitCode == journal.ExitFailedRows {
		return all // no organization exists
	}
	return rows
}

func needAttention(n int) string {
	if n == 1 {
		return "1 row needs attention"
	}
	return grouped(n) + " rows need attention"
}

// sentence says how many rows were changed, or would be.
func (v *pageView) sentence() string {
	of := " of " + Counted(v.Input.Rows, "row")
	rowsWith := func(o journal.Outcome) string { return grouped(v.Outcomes[o]) }
	restore := v.Command == journal.CommandRestore
	switch {
	case v.Input.Rows == 0:
		return "The list has no rows, so there was nothing to do."
	case v.DryRun && restore:
		return grouped(v.Announced()) + of + " would be enabled again."
	case v.DryRun:
		return grouped(v.Announced()) + of + " would be disabled."
	case restore:
		return "This run enabled " + rowsWith(journal.Restored) + of + " again. Already enabled before: " + rowsWith(journal.AlreadyEnabled) + "."
	case v.noCheck:
		return "This run disabled " + rowsWith(journal.Disabled) + of + ". It did not check them first, so some may have been disabled already."
	}
	return "This run disabled " + rowsWith(journal.Disabled) + of + ". Already disabled before: " + rowsWith(journal.AlreadyDisabled) + "."
}

// Pace says how much work the run was.
func (v *pageView) Pace() string {
	text := fmt.Sprintf("%s with rows to work on, %s of work, %s, %s", Counted(v.Input.Organizations, "organization"),
		secondsText(v.DurationS), Counted(v.Calls.Reads, "read"), Counted(v.Calls.Writes, "write"))
	if v.RowsPerS > 0 {
		text += fmt.Sprintf(", %s rows per second", threeDigits(v.RowsPerS))
	}
	if v.FinishedAt == nil {
		text += ", according to the journal so far"
	}
	return text + "."
}
