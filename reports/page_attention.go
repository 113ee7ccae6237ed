package reports

import (
	"fmt"
	"hash/maphash"
	"regexp"
	"slices"
	"strings"

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

const (
	maxReasons       = 40     // of all topics; further ones are counted together
	maxCounted       = 50_000 // organizations that are told apart, over all reasons
	maxOrganizations = 50     // that are named for a reason
)

// topic is what rows need attention for.
type topic struct {
	outcome journal.Outcome
	drifted bool // otherwise than announced
	remark  bool // as wanted, but something is to be said
}

// reason is why rows of a topic need attention.
type reason struct {
	topic         topic
	Text          string
	Rows          int
	Organizations int
	More          bool // there are more organizations than were told apart
	Named         []string
}

// reasons groups the rows that need attention.
type reasons struct {
	unfinished bool // rows that were not attempted are still to do
	announced  bool
	all        map[reasonKey]*reason
	seed       maphash.Seed
	affected   map[affected]struct{}
	last       struct{ message, text string }
}

type reasonKey struct {
	topic topic
	text  string
}

type affected struct {
	reason *reason
	org    uint64 // a hash
}

func newReasons(unfinished, announced bool) *reasons {
	return &reasons{unfinished: unfinished, announced: announced, all: make(map[reasonKey]*reason),
		seed: maphash.MakeSeed(), affected: make(map[affected]struct{})}
}

// add counts a row, and says whether it needs attention, and whether so much that
// it goes before others.
func (rs *reasons) add(r row) (attention, urgent bool) {
	switch {
	case r.Outcome.Failed(false):
		attention, urgent = true, true
		rs.count(topic{outcome: r.Outcome}, r)
	case !r.Outcome.Decided():
		attention = rs.unfinished
		if attention {
			rs.count(topic{outcome: r.Outcome}, r)
		}
	case r.Message != "" && r.Outcome != journal.Duplicate && r.Outcome != journal.NotSelected:
		attention = true
		rs.count(topic{outcome: r.Outcome, remark: true}, r)
	}
	if rs.announced && r.Outcome.Drifted() {
		attention, urgent = true, true
		rs.count(topic{outcome: r.Outcome, drifted: true}, r)
	}
	return attention, urgent
}

// count adds a row to the rows of its reason.
func (rs *reasons) count(t topic, r row) {
	key := reasonKey{topic: t, text: rs.text(r)}
	if t.drifted {
		key.text = "came out as " + words(r.Outcome)
	}
	if rs.all[key] == nil && len(rs.all) >= maxReasons {
		key.text = "other reasons"
	}
	at := rs.all[key]
	if at == nil {
		at = &reason{topic: t, Text: key.text}
		rs.all[key] = at
	}
	at.Rows++
	rs.affect(at, r.OrgID)
}

// affect counts the organization if it is a new one for the reason.
func (rs *reasons) affect(at *reason, org string) {
	if org == "" {
		return
	}
	key := affected{at, maphash.String(rs.seed, org)}
	if _, ok := rs.affected[key]; ok {
		return
	}
	if len(rs.affected) >= maxCounted {
		at.More = true
		return
	}
	rs.affected[key] = struct{}{}
	at.Organizations++
	if len(at.Named) < maxOrganizations {
		at.Named = append(at.Named, excerpt(org, cellLength))
	}
}

// What differs between rows of one reason: ids, and the cell that is quoted where
// the list itself was found unusable, or a name unknown.
var (
	ids    = regexp.MustCompile(`\b(org|con)_[0-9A-Za-z]+|\b[0-9A-Fa-f][0-9A-Fa-f-]{15,}\b`)
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// text is a row's reason without what differs from row to row.
func (rs *reasons) text(r row) string {
	if r.Message == "" || r.Message != rs.last.message {
		rs.last.message, rs.last.text = r.Message, reasonText(r)
	}
	return rs.last.text
}

func reasonText(r row) string {
	text := r.Message
	if r.Outcome == journal.Invalid || r.Outcome == journal.NotFound {
		text = quoted.ReplaceAllString(text, "…")
	} else {
		text = ids.ReplaceAllString(text, "…")
	}
	if text != "" {
		return excerpt(text, textLength)
	}
	c := r.Call
	switch {
	case c == nil:
		return meaning(r.Outcome, "")
	case c.Status == 0:
		return "no answer came"
	case c.ErrorCode == "":
		return fmt.Sprintf("status %d", c.Status)
	}
	return excerpt(fmt.Sprintf("status %d: %s", c.Status, c.ErrorCode), textLength)
}

// of returns the reasons of a topic, those with most rows first.
func (rs *reasons) of(t func(topic) bool) (found []*reason) {
	for key, r := range rs.all {
		if t(key.topic) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *reason) int {
		if a.Rows != b.Rows {
			return b.Rows - a.Rows
		}
		return strings.Compare(a.Text, b.Text)
	})
	return found
}

// Count is the number of organizations affected, in words.
func (r *reason) Count() string {
	if r.More {
		return "more than " + Counted(r.Organizations, "organization")
	}
	return Counted(r.Organizations, "organization")
}

// Unnamed is how many of the organizations are not named; -1 where nobody counted.
func (r *reason) Unnamed() int { return r.Organizations - len(r.Named) }

// words is an outcome as people say it.
func words(outcome journal.Outcome) string { return strings.ReplaceAll(string(outcome), "_", " ") }
