package reports

import (
	"fmt"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
)

// verdict is what happened, in two sentences, and what to type next.
type verdict struct {
	Kind   kind
	Word   string
	Text   string
	Cost   string   // of what is proposed
	Advice string   // what Next is for
	Next   []string // commands
}

// verdict judges the run by how it ended. The exit codes are those of package
// batch, which reports cannot import; they never change.
func (v *pageView) verdict() verdict {
	switch {
	case v.ExitCode == nil:
		return v.stopped("Not finished", "The run has not noted its end: it still goes on, or it was killed. This page is what its journal says so far.")
	case *v.ExitCode == journal.ExitOK || *v.ExitCode == journal.ExitFailedRows:
		return v.finished()
	case *v.ExitCode == journal.ExitCredentials:
		return v.stopped("Stopped: credentials refused", "The tenant refused the credentials or the scope.")
	case *v.ExitCode == journal.ExitInterrupted || *v.ExitCode == journal.ExitTerminated:
		return v.stopped("Interrupted", "Somebody stopped the run; it ended cleanly.")
	case *v.ExitCode == journal.ExitInternal:
		return v.stopped("Stopped by an internal error", "This is a fault of the program. What is recorded can be relied on.")
	}
	return v.stopped("Stopped before the end", "The run stopped by itself, and ended cleanly.")
}

func (v *pageView) finished() verdict {
	bad := v.failedRows()
	out := verdict{Kind: changed, Word: "Finished: every row ended as wanted", Text: v.sentence()}
	if bad > 0 {
		out.Kind, out.Word = blocked, "Finished, "+needAttention(bad)
		out.Advice = "What to do about the rows that need attention is said below."
	}
	if v.count(func(o journal.Outcome) bool { return o.FailedByCall(true) }) > 0 {
		out.Kind = failed
		out.Advice, out.Next = "When the causes are mended, this tries again what failed and what is unknown:", []string{v.again()}
	}
	if v.DryRun {
		v.propose(&out)
	} else if n := v.Outcomes[journal.NotAttempted]; n > 0 {
		out.Advice, out.Next = "This goes on with the rest of the list:", []string{v.again()}
	}
	return out
}

// propose makes a dry run's verdict a proposal for review.
func (v *pageView) propose(out *verdict) {
	out.Word = "Proposal"
	if bad := v.failedRows(); bad > 0 {
		out.Word += ", " + needAttention(bad)
	}
	out.Text += " Nothing was changed: a dry run only reads."
	if v.announced() == 0 {
		out.Advice, out.Next = "There is nothing to approve.", nil
		return
	}
	out.Cost = v.proposal()
	out.Advice = "To approve all of it, run the command. To approve a part, delete the other rows from results.csv, or set their outcome to not_selected, first. " +
		"(A filter of a spreadsheet only hides rows; they would be taken all the same.)"
	out.Next = []string{visible(v.Proposed(v.RunDir + "/" + rundir.ResultsFile))}
}

func needAttention(n int) string {
	if n == 1 {
		return "1 row needs attention"
	}
	return grouped(n) + " rows need attention"
}

// stopped is the verdict on a run that can be resumed.
func (v *pageView) stopped(word, text string) verdict {
	return verdict{Kind: failed, Word: word, Text: text + " " + v.sentence(), Advice: "To go on with what is left:", Next: []string{v.again()}}
}

// sentence says how many rows were changed, or would be.
func (v *pageView) sentence() string {
	rows := "of " + Counted(v.Input.Rows, "row")
	switch {
	case v.Input.Rows == 0:
		return "The list has no rows, so there was nothing to do."
	case v.DryRun && v.Command == journal.CommandRestore:
		return fmt.Sprintf("%s %s would be enabled again.", grouped(v.announced()), rows)
	case v.DryRun:
		return fmt.Sprintf("%s %s would be disabled.", grouped(v.announced()), rows)
	case v.Command == journal.CommandRestore:
		return fmt.Sprintf("%s %s enabled again by this run, %s enabled before.", grouped(v.Outcomes[journal.Restored]), rows, grouped(v.Outcomes[journal.AlreadyEnabled]))
	}
	if v.noCheck {
		return fmt.Sprintf("%s %s disabled by this run. Nothing was read before, so some may have been off already.", grouped(v.Outcomes[journal.Disabled]), rows)
	}
	return fmt.Sprintf("%s %s disabled by this run, %s disabled before.", grouped(v.Outcomes[journal.Disabled]), rows, grouped(v.Outcomes[journal.AlreadyDisabled]))
}

// failedRows is how many rows count as failed. With --missing-ok those whose
// organization does not exist do not, unless there is no other organization.
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

// Pace says what the run took.
func (v *pageView) Pace() string {
	text := fmt.Sprintf("%s with a row to work on, %s at work, %s, %s", Counted(v.Input.Organizations, "organization"),
		seconds(v.DurationS), Counted(v.Calls.Reads, "read"), Counted(v.Calls.Writes, "write"))
	if v.RowsPerS > 0 {
		text += fmt.Sprintf(", %s rows per second", decimal(v.RowsPerS))
	}
	if v.FinishedAt == nil {
		text += ", as far as the journal tells"
	}
	return text + "."
}
