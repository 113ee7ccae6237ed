package reports

import (
	"fmt"

	"github.com/orgconn/orgconn/batch/journal"
)

// section is one thing that needs attention, with what to do about it.
type section struct {
	Title    string
	Kind     kind
	Rows     int
	Filter   journal.Outcome // the outcome that the button shows; "" for no button
	Advice   string
	Commands []string
	Reasons  []*reason
	// Connections are ids that the advice is about, and Further how many more
	// there are.
	Connections []string
	Further     int
}

// sections are what needs attention, what went wrong first.
func (v *pageView) sections(rs *reasons) (all []section) {
	for _, outcome := range []journal.Outcome{journal.Failed, journal.Unknown, journal.Blocked, journal.NotFound} {
		all = v.appendSection(all, rs, topic{outcome: outcome})
	}
	all = v.appendNeverSeen(all)
	all = v.appendSection(all, rs, topic{outcome: journal.Invalid})
	all = v.appendDrifted(all, rs)
	all = v.appendSection(all, rs, topic{outcome: journal.NotAttempted})
	for _, outcome := range journal.Outcomes() {
		all = v.appendSection(all, rs, topic{outcome: outcome, remark: true})
	}
	return all
}

// appendSection adds a topic's section if it has rows.
func (v *pageView) appendSection(all []section, rs *reasons, t topic) []section {
	found := rs.of(func(other topic) bool { return other == t })
	if len(found) == 0 {
		return all
	}
	s := section{Title: words(t.outcome), Kind: kindOf(t.outcome), Filter: t.outcome, Reasons: found, Rows: sumRows(found)}
	if t.remark {
		s.Title += ", with a remark"
		s.Kind = blocked
		s.Advice = "These rows count as ok. See whether what the remark says is what you want."
		return append(all, s)
	}
	if t.outcome == journal.Blocked && v.Command == journal.CommandDisable {
		s.Title = "organizations that would be locked out"
		if !v.DryRun {
			s.Title = "kept from locking organizations out"
		}
	}
	s.Advice, s.Commands = v.advice(t.outcome)
	return append(all, s)
}

func sumRows(reasons []*reason) (rows int) {
	for _, r := range reasons {
		rows += r.Rows
	}
	return rows
}

func (v *pageView) appendDrifted(all []section, rs *reasons) []section {
	found := rs.of(func(t topic) bool { return t.drifted })
	if len(found) == 0 {
		return all
	}
	return append(all, section{
		Title: "otherwise than announced", Kind: blocked, Reasons: found, Rows: sumRows(found),
		Advice: "The dry run announced these rows, and the tenant has changed since. Nothing was done that was not announced. " +
			"See whether somebody else works on the same organizations.",
	})
}

func (v *pageView) appendNeverSeen(all []section) []section {
	if v.NeverSeenTotal == 0 {
		return all
	}
	return append(all, section{
		Title: "connections that no organization had", Kind: blocked,
		Connections: v.NeverSeenConnections, Further: v.NeverSeenTotal - len(v.NeverSeenConnections),
		Advice: "Their rows count as already disabled, but these are more likely typing errors, or connections of another tenant. " +
			"Compare them with the list's source.",
	})
}

// advice is what to do about the rows of an outcome.
func (v *pageView) advice(outcome journal.Outcome) (advice string, commands []string) {
	switch outcome {
	case journal.Failed:
		return "The tenant refused these calls, and nothing was changed. Remove the cause that the reason names, then go on with the run: only what is left is tried.", v.goOnHere()
	case journal.Unknown:
		return "A call may have taken effect, but its answer was lost. Going on with the run reads these organizations again, and settles each row.", nil
	case journal.Blocked:
		return v.blockedAdvice()
	case journal.NotFound:
		advice := "Check that this is the right tenant, and the ids. "
		if v.Command == journal.CommandRestore {
			return advice + "What was deleted since cannot be given back.", nil
		}
		if v.missingOK {
			return advice + "As --missing-ok was given, organizations that do not exist count as ok.", nil
		}
		return advice + "Organizations that were deleted on purpose count as ok with --missing-ok.", nil
	case journal.Invalid:
		return "Mend these rows in the list and run it anew. What is done already is only read then, and not sent again.", nil
	case journal.NotAttempted:
		return "The run ended before these rows. Going on with the run does what is left, and repeats nothing that is done.", nil
	}
	return "", nil
}

// blockedAdvice names both ways out: another way in first, or the lockout.
func (v *pageView) blockedAdvice() (string, []string) {
	switch {
	case v.Command == journal.CommandRestore:
		return "These were disabled without a check, so their former settings are not known. Going on with --allow-defaults gives them Auth0's default ones.",
			[]string{v.command("resume", "--allow-defaults")}
	case v.DryRun:
		return "These are their organizations' last enabled connections, and a run leaves them alone. Where members are to log in by another way, " +
				"enable that first and look again. Where the lockout is meant, make a proposal that has it.",
			[]string{"orgconn disable --dry-run --allow-lockout " + shellList(v.Input.Path)}
	}
	return "These are their organizations' last enabled connections, and were left alone. Where members are to log in by another way, " +
		"enable that first and run the list again. Where the lockout is meant, go on with --allow-lockout.", []string{v.command("resume", "--allow-lockout")}
}

// shellList is a list's path as one types it.
func shellList(path string) string {
	if path == "-" {
		return "-"
	}
	return ShellWord(path)
}

// again is the command that goes on with the run.
func (v *pageView) again() string { return v.command("resume") }

// goOnHere is again where the verdict does not say it, since a dry run's has
// another command.
func (v *pageView) goOnHere() []string {
	if !v.DryRun {
		return nil
	}
	return []string{v.again()}
}

// command is a command for the run directory.
func (v *pageView) command(words ...string) string {
	text := "orgconn"
	for _, word := range append(words, ShellWord(v.RunDir)) {
		text += " " + word
	}
	return visible(text)
}

// proposal says what a run from a dry run's results would cost.
func (v *pageView) proposal() string {
	rows := v.announced()
	calls := fmt.Sprintf("A run from these results sends %s, and reads each organization again first: %s at most.",
		Counted(rows, "write"), Counted(min(rows, v.Input.Organizations), "read"))
	if d := v.Rate.Expected(min(rows, v.Input.Organizations), rows); d > 0 {
		return calls + fmt.Sprintf(" That takes about %s. (A dry run measures reads; for the writes it is the limit that Auth0 publishes for the plan that has these.)", seconds(d.Seconds()))
	}
	return calls + " How long that takes is not known: the limit on reads that was measured is none of Auth0's published ones, or the dry run was too short to measure it."
}
