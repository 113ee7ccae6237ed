package reports

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

const (
	maxReasons       = 40     // over all topics; rows with further reasons are counted together
	maxCounted       = 50_000 // organizations or connections that a table counts; pairs of organization and reason
	maxOrganizations = 50     // that are named for one reason
	maxExamples      = 3      // rows that are examples of one reason
)

// section is a part of the page about rows that need attention, with advice.
type section struct {
	Title    string
	Group    outcomeGroup
	Rows     int
	Filter   journal.Outcome // that the section's button filters by; "" for no button
	Advice   string
	Commands []string
	Reasons  []*reason
	// Connections are ids that the advice is about. Further is how many more there
	// are.
	Connections []string
	Further     int
}

// sections are what needs attention, the most urgent first.
func (v *pageView) sections(rs *reasons) (all []section) {
	add := func(t topic) {
		if found := rs.matching(t); len(found) > 0 {
			all = append(all, v.section(t, found))
		}
	}
	for _, outcome := range journal.FailedOutcomes() {
		if outcome != journal.Invalid {
			add(topic{outcome: outcome})
		}
	}
	if v.Unsaved > 0 {
		all = append(all, section{Title: "changed without a check", Group: blocked, Rows: v.Unsaved, Reasons: rs.matching(topic{unchecked: true}),
			Advice: "No lockout guard looked at these rows, and no settings were kept. Which ways in are left is not known, so check whether members can still log in. See Undo for what restore does not know."})
	}
	if v.NeverSeenTotal > len(v.missing) {
		all = append(all, v.neverSeen())
	}
	add(topic{outcome: journal.Invalid})
	add(topic{drifted: true})
	add(topic{outcome: journal.NotAttempted})
	for _, outcome := range journal.Outcomes() {
		add(topic{outcome: outcome, remark: true})
	}
	return all
}

// section is about the rows of a topic.
func (v *pageView) section(t topic, found []*reason) section {
	s := section{Group: blocked, Reasons: found}
	for _, r := range found {
		s.Rows += r.Rows
	}
	if t.drifted {
		s.Title = "different from the dry run"
		s.Advice = "A dry run announced these rows, but the tenant has changed since then. The run did nothing that was not announced. " +
			"Check whether somebody else is working on the same organizations."
		return s
	}
	s.Title, s.Filter = t.outcome.Words(), t.outcome
	if t.remark {
		s.Title += ", with a remark"
		s.Advice = "These rows count as ok. Check whether you agree with the remarks."
		return s
	}
	s.Group = groupOf(t.outcome)
	s.Advice, s.Commands = v.advice(t.outcome)
	if t.outcome == journal.Blocked && v.DryRun {
		s.Title = "blocked: a run leaves these as they are"
	}
	return s
}

// neverSeen is about connections that the run found in no organization. Those that the
// tenant does not have are left out, as their rows say so.
func (v *pageView) neverSeen() section {
	ids := slices.DeleteFunc(slices.Clone(v.NeverSeenConnections), func(id string) bool { return v.missing[id] })
	return section{
		Title: "connections found in no organization", Group: blocked,
		Connections: ids, Further: v.NeverSeenTotal - len(v.missing) - len(ids),
		Advice: "Their rows count as already disabled. If nobody has disabled them before, these ids are typing errors or belong to another tenant. " +
			"Compare them with the source of the list.",
	}
}

// advice says what to do about the rows with an outcome.
func (v *pageView) advice(outcome journal.Outcome) (advice string, commands []string) {
	switch outcome {
	case journal.Failed:
		if v.DryRun { // the verdict proposes another command
			commands = []string{v.command("resume")}
		}
		return "These rows were not done, and nothing was changed. Remove the cause given below, then resume the run: it tries only the rows that are not done.", commands
	case journal.Unknown:
		if v.NoCheck {
			return "These calls may have taken effect, but their answers were lost. Resume the run: it sends them again.", nil
		}
		return "These calls may have taken effect, but their answers were lost. Resume the run: it reads the organizations again to find out.", nil
	case journal.Blocked:
		return v.blockedAdvice()
	case journal.NotFound:
		return v.notFoundAdvice(), nil
	case journal.Invalid:
		return "Correct these rows in the list and run it again. Rows that are already done are only read.", nil
	case journal.NotAttempted:
		if v.WrongTenant() {
			return "The run did not reach these rows.", nil
		}
		return "The run did not reach these rows. Resume it: it continues here and does not repeat what is done.", nil
	}
	return "", nil
}

func (v *pageView) notFoundAdvice() string {
	const check = "Check the tenant and the ids."
	switch {
	case v.WrongTenant():
		return "No organization of the list was found in " + visible(v.Tenant) + "."
	case v.Command == journal.CommandRestore:
		return check + " What was deleted in the meantime cannot be restored."
	case v.Command != journal.CommandDisable:
		return check
	case v.missingOK:
		return check + " Because of --missing-ok, organizations that do not exist count as ok."
	}
	return check + " If the organizations were deleted on purpose, --missing-ok counts them as ok."
}

func (v *pageView) blockedAdvice() (string, []string) {
	if v.Undoes != "" {
		return "These stay enabled, since each is its organization's last way in. To lock these organizations out on purpose, resume the run with --allow-lockout.",
			[]string{v.command("resume", "--allow-lockout")}
	}
	if v.Command == journal.CommandRestore {
		return "These rows were disabled without a check, so their former settings are unknown. To enable them with Auth0's default settings, resume the run with --allow-defaults.",
			[]string{v.command("resume", "--allow-defaults")}
	}
	if v.Command != journal.CommandDisable {
		return "A guard refused these rows, for the reason given below. Remove the cause, then run the list again.", nil
	}
	const advice = "These stay enabled, for the reason given below. If one is its organization's last way in, enable another connection first, then run the %s again. " +
		"To lock such an organization out on purpose, %s with --allow-lockout."
	switch {
	case !slices.ContainsFunc(v.FailedRows, func(f FailedRows) bool { return f.Outcome == journal.Blocked && !f.IsUsed() }):
		return "These stay enabled, as somebody has logged in through them lately.", nil
	case v.DryRun:
		return fmt.Sprintf(advice, "dry run", "run the dry run again"), []string{v.again("--allow-lockout")}
	}
	return fmt.Sprintf(advice, "list", "resume the run"), []string{v.command("resume", "--allow-lockout")}
}

// again is the command line of a dry run once more, with a further flag. It allows and
// blocks what the dry run did.
func (v *pageView) again(flag string) string {
	path := v.Input.Path
	if path != "-" {
		path = ShellWord(path)
	}
	flags := v.Repeated
	if !slices.Contains(flags, flag) {
		flags = append(slices.Clip(flags), flag)
	}
	words := slices.Concat([]string{"orgconn disable --dry-run"}, flags, []string{path})
	return visible(strings.Join(words, " "))
}

// command is a command line for the run directory.
func (v *pageView) command(words ...string) string {
	return visible("orgconn " + strings.Join(append(words, ShellWord(v.RunDir)), " "))
}

// topic is why rows have a section of their own.
type topic struct {
	outcome journal.Outcome
	drifted bool // another outcome than a dry run announced
	remark  bool // the row is ok, but has a message
	// unchecked is a remark on a row that was changed without a check.
	unchecked bool
}

// reason is a group of a topic's rows with the same message.
type reason struct {
	topic         topic
	Text          string
	Rows          int
	Organizations int
	More          bool // there are more organizations than were counted
	Named         []namedOrganization
	lines         []int // of the first rows in the list
	connection    bool  // of NotFound: it is the connection
}

// namedOrganization is an organization's id with its name, if the list has it.
type namedOrganization struct{ ID, Name string }

// reasons groups the rows that need attention, in bounded memory.
type reasons struct {
	unfinished    bool // rows that were not attempted still need to be done
	followsDryRun bool // the list is a dry run's results file
	all           map[reasonKey]*reason
	counted       map[reasonOrganization]struct{}

	// Neighbouring rows mostly have the same reason, and finding its text is slow.
	last     list.Result
	lastText string
}

type reasonKey struct {
	topic topic
	text  string
}

type reasonOrganization struct {
	reason *reason
	org    string
}

func newReasons(unfinished, followsDryRun bool) *reasons {
	return &reasons{unfinished: unfinished, followsDryRun: followsDryRun,
		all: make(map[reasonKey]*reason), counted: make(map[reasonOrganization]struct{})}
}

// add counts a row. It reports whether the row needs attention, and whether that is
// urgent, so that the page shows it before others.
func (rs *reasons) add(r list.Result) (attention, urgent bool) {
	switch {
	case r.Outcome.Failed(false):
		attention, urgent = true, true
		rs.count(topic{outcome: r.Outcome}, rs.text(r), r)
	case !r.Outcome.Reached():
		attention = rs.unfinished
		if attention {
			rs.count(topic{outcome: r.Outcome}, rs.text(r), r)
		}
	case r.Message != "" && r.Outcome != journal.Duplicate && r.Outcome != journal.NotSelected:
		attention = true
		t := topic{outcome: r.Outcome, remark: true}
		if r.Outcome == journal.Disabled && r.Snapshot == nil {
			t = topic{unchecked: true}
		}
		rs.count(t, rs.text(r), r)
	}
	if rs.followsDryRun && r.Outcome.Drifted() && !r.Outcome.FailedByCall(true) { // a call that failed tells nothing of the tenant's links
		attention, urgent = true, true
		rs.count(topic{drifted: true}, "outcome: "+r.Outcome.Words(), r)
	}
	return attention, urgent
}

// count counts a row for a reason.
func (rs *reasons) count(t topic, text string, row list.Result) {
	key := reasonKey{t, text}
	if rs.all[key] == nil && len(rs.all) >= maxReasons {
		key.text = "other reasons"
	}
	r := rs.all[key]
	if r == nil {
		r = &reason{topic: t, Text: key.text, connection: row.NoConnection || row.OrgID != "" && row.ConnectionID == ""}
		rs.all[key] = r
	}
	r.Rows++
	if len(r.lines) < maxExamples {
		r.lines = append(r.lines, row.Line)
	}
	if row.OrgID != "" {
		rs.countOrganization(r, row.Record)
	}
}

// countOrganization counts an organization once for each reason.
func (rs *reasons) countOrganization(r *reason, row list.Record) {
	org := excerpt(row.OrgID, cellLength)
	key := reasonOrganization{r, org}
	if _, ok := rs.counted[key]; ok {
		return
	}
	if len(rs.counted) >= maxCounted {
		r.More = true
		return
	}
	key.org = strings.Clone(org) // holds no reference to the whole record
	rs.counted[key] = struct{}{}
	r.Organizations++
	if len(r.Named) < maxOrganizations {
		r.Named = append(r.Named, namedOrganization{key.org, strings.Clone(excerpt(row.OrgName, cellLength))})
	}
}

// matching returns the reasons of a topic, those with the most rows first.
func (rs *reasons) matching(t topic) (found []*reason) {
	for _, r := range rs.all {
		if r.topic == t {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *reason) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Text, b.Text))
	})
	return found
}

// failed returns the groups of rows that failed, the most urgent first. With missingOK,
// rows whose organization does not exist are left out.
func (rs *reasons) failed(missingOK bool) (groups []FailedRows) {
	for _, outcome := range journal.FailedOutcomes() {
		for _, r := range rs.matching(topic{outcome: outcome}) {
			if missingOK && outcome == journal.NotFound && !r.connection {
				continue
			}
			groups = append(groups, FailedRows{Outcome: outcome, Reason: r.Text, Rows: r.Rows, Lines: r.lines, Connection: r.connection})
		}
	}
	return groups
}

// What differs between rows with the same reason: ids and times, or the cell that the
// message quotes if the row itself cannot be used.
var (
	ids    = regexp.MustCompile(`\b(org|con)_[0-9A-Za-z]+|\b[0-9A-Fa-f][0-9A-Fa-f-]{15,}\b|\b\d{4}-\d\d-\d\dT[0-9:.]+Z`)
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// text is reasonText, remembered for the next row.
func (rs *reasons) text(r list.Result) string {
	if r.Message == "" || r.Message != rs.last.Message || r.Outcome != rs.last.Outcome {
		rs.last, rs.lastText = r, reasonText(r)
	}
	return rs.lastText
}

// ReasonOf is why a row has its outcome, without what differs from row to row. The
// reports group failed rows by it.
func ReasonOf(o journal.RowOutcome) string {
	return reasonText(list.Result{Record: list.Record{Outcome: o.Outcome, Message: o.Message}, Call: o.Call, NoConnection: o.NoConnection})
}

// reasonText is a row's message without what differs from row to row.
func reasonText(r list.Result) string {
	differs := ids
	if r.Outcome == journal.Invalid || r.Outcome == journal.NotFound && (r.Call == nil || r.NoConnection) {
		differs = quoted
	}
	if r.Message != "" {
		return excerpt(differs.ReplaceAllString(r.Message, "…"), textLength)
	}
	c := r.Call
	switch {
	case c == nil:
		return meaning(r.Outcome)
	case c.Status == 0:
		return "no answer"
	case c.ErrorCode == "":
		return fmt.Sprintf("status %d", c.Status)
	}
	return excerpt(fmt.Sprintf("status %d: %s", c.Status, c.ErrorCode), textLength)
}

// Count is how many organizations a reason affects, in words.
func (r *reason) Count() string {
	if r.More {
		return "more than " + Counted(r.Organizations, "organization")
	}
	return Counted(r.Organizations, "organization")
}

// Unnamed is how many of the counted organizations are not named.
func (r *reason) Unnamed() int { return r.Organizations - len(r.Named) }
