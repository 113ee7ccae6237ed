package reports

import (
	"fmt"

	"github.com/orgconn/orgconn/apiclient"
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
	if v.WrongTenant() {
		return v.wrongTenant()
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

// wrongTenant is the verdict on a run that found no organization of the list. To resume
// it would not help.
func (v *pageView) wrongTenant() verdict {
	return verdict{Group: failed, Title: "The wrong tenant, or the wrong list", Text: v.sentence(),
		Advice: "Compare the tenant with the one that the list was made for, then the list with its source. Do not resume this run."}
}

// stopped is the verdict on a run that can be resumed.
func (v *pageView) stopped(title, text string) verdict {
	return verdict{Group: failed, Title: title, Text: text + " " + v.sentence(),
		Advice: "To continue with the remaining rows:", Commands: []string{v.command("resume")}}
}

// finished is the verdict on a run that went through the whole list.
func (v *pageView) finished() verdict {
	out := verdict{Group: v.worst(), Title: "Finished: no row failed", Text: v.sentence()}
	switch bad := v.failedRows(); {
	case v.NoWayIn > 0:
		out.Title = "Finished, with " + Counted(v.NoWayIn, "organization") + " left without a way in"
	case bad > 0:
		out.Title = "Finished, but " + needAttention(bad)
	case v.Unsaved > 0:
		out.Title = "Finished, without a check first"
	case out.Group != changed:
		out.Title = "Finished, with something to look at"
	}
	switch resume := []string{v.command("resume")}; {
	case v.Outcomes[journal.NotAttempted] > 0: // it was a first slice
		out.Advice, out.Commands = "To continue with the rest of the list:", resume
	case v.FailedCalls() > 0:
		out.Advice, out.Commands = "Once the causes are removed, try the failed and unknown rows again:", resume
	}
	return out
}

// proposed is the verdict on a dry run: a proposal for review.
func (v *pageView) proposed() verdict {
	out := verdict{Group: v.worst(), Title: "Proposal", Text: v.sentence() + " Nothing was changed: a dry run only reads."}
	switch bad := v.failedRows(); {
	case v.NoWayIn > 0:
		out.Title += " that leaves " + Counted(v.NoWayIn, "organization") + " without a way in"
	case bad > 0:
		out.Title += ", " + needAttention(bad)
	case out.Group != changed:
		out.Title += ", with something to look at"
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

// way is the way back from what a run did, or would do.
type way struct {
	Title   string
	Can     []string // what it says first
	Command string
	Not     []string // what cannot be given back
}

// wayBack says what can be undone, how, and what not.
func (v *pageView) wayBack(ix *index) (w way) {
	switch {
	case v.DryRun && v.Announced() > 0:
		w = way{Title: "What can be undone after a run", Can: []string{v.method()}}
	case !v.DryRun && v.Changes() > 0:
		w = way{Title: "Undo", Command: visible(v.Undo(v.RunDir))}
	default:
		return way{}
	}
	if v.Command == journal.CommandRestore {
		again := "To disable the pairs again, run orgconn disable with the list of the first run."
		if v.Undoes != "" {
			again = "To enable the pairs again, run orgconn enable with the list of the first run."
		}
		w.Can = append(w.Can, "No command undoes a restore. "+again)
		return w
	}
	if v.Command == journal.CommandEnable && !v.DryRun {
		w.Can = append(w.Can, "This removes the links that the run made, and switches off those that it switched on. With --org ID it does so in one organization. "+
			"An organization's last enabled connection is left alone.")
	} else if saved := v.Changes() - v.Unsaved; saved > 0 && !v.DryRun {
		upTo := ""
		if v.Outcomes[journal.Unknown] > 0 {
			upTo = "up to "
		}
		w.Can = append(w.Can, fmt.Sprintf("This puts back %s%s, each with the settings that it had before the run; results.csv shows them. With --org ID it puts back one organization.", upTo, Counted(saved, "row")))
	}
	w.Can = append(w.Can, "Keep the run directory for as long as you may want to undo the run: restore needs it.")
	w.Not = append(w.Not, v.lost(ix)...)
	return w
}

// lost is what the way back does not give back.
func (v *pageView) lost(ix *index) (all []string) {
	if v.Unsaved > 0 {
		all = append(all, fmt.Sprintf("%s changed without a check. Nobody knows the settings that they had, nor whether they were enabled. "+
			"So restore leaves them alone, unless it is told --allow-defaults: it then enables all of them with Auth0's default settings, also those that were off before.",
			was(v.Unsaved)))
	}
	if v.Command == journal.CommandDisable && !v.KeepLink {
		if ix.family == apiclient.OlderFamily {
			all = append(all, "The tenant's endpoints may not show a link's access level and its name in the organization, which are then not given back.")
		}
		if v.UnknownSettings > 0 {
			all = append(all, fmt.Sprintf("%s had settings that this version does not know. The journal keeps them, but restore cannot give them back.", Counted(v.UnknownSettings, "row")))
		}
	}
	return append(all, "An organization or a connection that somebody deletes in the meantime does not come back.")
}

// was is a number of rows with its verb.
func was(n int) string {
	if n == 1 {
		return "1 row was"
	}
	return grouped(n) + " rows were"
}

// method says what a run from a dry run's results does to each link, and what its undo
// gives back.
func (v *pageView) method() string {
	switch {
	case v.Command == journal.CommandDisable && v.KeepLink:
		return "A run switches links off (PATCH, is_enabled: false). They keep their settings, and orgconn restore switches them on again."
	case v.Command == journal.CommandDisable:
		return "A run removes links (DELETE). The run directory keeps their settings, and orgconn restore makes them anew with these."
	case v.Command == journal.CommandEnable:
		return "A run makes links (POST), with the settings that are in results.csv, and switches on those that are there. " +
			"orgconn restore removes the links that the run made, and switches off those that it switched on."
	case v.Undoes != "":
		return "A run removes the links that the enable made, and switches off those that it switched on."
	case v.KeepLink:
		return "A run switches links on that were switched off."
	}
	return "A run makes links anew, with the settings that are in results.csv."
}

// cost says what a run from a dry run's results would take.
func (v *pageView) cost() string {
	writes := v.Announced()
	reads := min(writes, v.Input.Organizations)
	text := fmt.Sprintf("A run sends %s. It first reads each organization again, which takes at most %s.", Counted(writes, "write"), Counted(reads, "read"))
	if v.asksForLogins() {
		text += fmt.Sprintf(" It also reads the last login of each pair again: %s of the tenant's log.", Counted(writes, "read"))
	}
	if d := v.Expected(); d > 0 {
		return text + fmt.Sprintf(" That takes about %s: the dry run measured the limit on reads, and the limit on writes is the one that Auth0 publishes for the same plan.", secondsText(d.Seconds()))
	}
	return text
}

// worst is the worst group of outcomes that counts. Anything that is to be looked at
// counts.
func (v *pageView) worst() outcomeGroup {
	switch {
	case v.FailedCalls() > 0:
		return failed
	case v.failedRows() > 0, len(v.Attention) > 0, v.NoWayIn > 0:
		return blocked
	}
	return changed
}

// failedRows is how many rows count as failed. With --missing-ok, rows of an
// organization that does not exist do not, unless no organization of the list
// exists.
func (v *pageView) failedRows() int {
	if !v.missingOK {
		return v.count(func(o journal.Outcome) bool { return o.Failed(false) })
	}
	return v.count(func(o journal.Outcome) bool { return o.Failed(true) }) + v.unknownConnections
}

func needAttention(n int) string {
	if n == 1 {
		return "1 row needs attention"
	}
	return grouped(n) + " rows need attention"
}

// verb says what the command does to a row, in two parts: "enabled", " again".
func (v *pageView) verb() (verb, again string) {
	verb = "enabled"
	if v.Command == journal.CommandDisable || v.Undoes != "" {
		verb = "disabled"
	}
	if v.Command == journal.CommandRestore {
		again = " again"
	}
	return verb, again
}

// sentence says how many rows were changed, or would be.
func (v *pageView) sentence() string {
	of := " of " + Counted(v.Input.Rows, "row")
	verb, again := v.verb()
	switch {
	case v.Input.Rows == 0:
		return "The list has no rows, so there was nothing to do."
	case v.DryRun:
		return grouped(v.Announced()) + of + " would be " + verb + again + v.in() + "."
	}
	text := "This run " + verb + " " + grouped(v.count(journal.Outcome.Changed)) + of + again + v.in() + "."
	if v.Unsaved > 0 {
		text += fmt.Sprintf(" It did not check %s first, so some may have been %s already.", Counted(v.Unsaved, "row"), verb)
	}
	before := v.count(journal.Outcome.WasSo)
	if v.Unsaved > 0 && before == 0 { // it did not look
		return text
	}
	return text + " Already " + verb + " before: " + grouped(before) + "."
}

// in says in how many organizations rows were changed, or would be.
func (v *pageView) in() string {
	if v.changedIn <= 0 {
		return ""
	}
	return ", in " + Counted(v.changedIn, "organization")
}
