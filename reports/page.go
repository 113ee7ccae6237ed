package reports

import (
	"cmp"
	"crypto/sha256"
	_ "embed" // for the parts of the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// maxColumnsCarried is how many carried-through columns the page shows.
const maxColumnsCarried = 4

// pageBuilder collects what report.html shows of the rows, in memory that does not
// grow with the list.
type pageBuilder struct {
	index   *index
	reasons *reasons
	tallies *tallies
	rows    pageRows
	follows string   // id of the run whose results the list is; may be empty
	carried []string // names of the carried-through columns
	shown   []int    // which of them the page shows

	unknownConnections int             // rows that name a connection that does not exist
	missing            map[string]bool // ids of connections that do not exist
}

func newPageBuilder(ix *index, l *list.List) *pageBuilder {
	end := ix.lastEnd()
	return &pageBuilder{
		index:   ix,
		reasons: newReasons(end == nil || !journal.Finished(end.ExitCode), l.FollowsDryRun()),
		tallies: newTallies(ix),
		follows: l.RunID(),
		carried: l.Carried(),
		shown:   shownColumns(l.Carried()),

		unknownConnections: l.Counts().UnknownConnections,
		missing:            make(map[string]bool),
	}
}

// shownColumns chooses carried-through columns, by index. It prefers columns that
// somebody added. A name with the prefix input_ is also the name of a column of
// results.csv, such as a setting in an export. The names of organizations are below
// their ids.
func shownColumns(carried []string) []int {
	var added, prefixed []int
	for i, name := range carried {
		switch {
		case name == "org_name":
		case strings.HasPrefix(name, "input_"):
			prefixed = append(prefixed, i)
		default:
			added = append(added, i)
		}
	}
	shown := slices.Concat(added, prefixed)
	shown = shown[:min(len(shown), maxColumnsCarried)]
	slices.Sort(shown)
	return shown
}

// pick returns the cells of some columns.
func pick(cells []string, columns []int) (picked []string) {
	for _, i := range columns {
		picked = append(picked, cells[i])
	}
	return picked
}

// add adds a row.
func (p *pageBuilder) add(r list.Result) error {
	if r.NoConnection {
		p.unknownConnections++
		p.missing[strings.Clone(r.ConnectionID)] = true
	}
	r.Carried = pick(r.Carried, p.shown)
	attention, urgent := p.reasons.add(r)
	p.tallies.add(r)
	urgent = urgent || p.index.header.Settings.DryRun && !loginTime(r.LastLogin).IsZero() // a proposal shows these first
	return p.rows.add(r, attention, urgent)
}

// write writes the page.
func (p *pageBuilder) write(w io.Writer, s *Summary) error {
	page, err := template.New("page").Funcs(template.FuncMap{
		"grouped": grouped, "counted": Counted, "visible": visible, "utc": utc, "capitalized": capitalized,
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return page.Execute(w, p.view(s))
}

// pageView is what the template shows.
type pageView struct {
	*Summary
	missingOK          bool
	unknownConnections int // as in pageBuilder
	missing            map[string]bool
	dashboard          string
	changedIn          int // organizations that have a row that was, or would be, changed; -1: not counted

	CSS               template.CSS
	JS                template.JS
	Policy            string
	Verdict           verdict
	Who               []fact
	Counts            []outcomeCount
	Connections       *table
	Logins            bool // the run asked for last logins
	Organizations     *table
	OneWayIn, NoWayIn int // organizations that are left with one, or without
	UnsureWaysIn      int // organizations of which it is not known
	Attention         []section
	Way               way
	Figures           []figure
	Facts             []fact
	Data              pageData
	Shown             int         // rows that the page has
	Rows              template.JS // these rows, as JSON arrays of cells with commas between
}

// pageData is what page.js reads, as JSON.
type pageData struct {
	Dashboard string                        `json:"dashboard"`
	ByLogin   bool                          `json:"byLogin"` // the rows with the latest logins come first
	Total     int                           `json:"total"`   // rows of the list
	Groups    map[journal.Outcome][2]string `json:"groups"`  // class in the style sheet, and shape
	Columns   []string                      `json:"columns"` // of pageView.Rows
	Carried   []string                      `json:"carried"` // after Columns: the names of the carried-through columns
}

func (p *pageBuilder) view(s *Summary) *pageView {
	v := &pageView{
		Summary: s, missingOK: p.index.header.Settings.MissingOK && !s.WrongTenant(),
		unknownConnections: p.unknownConnections, missing: p.missing, dashboard: dashboard(s.Tenant),
		CSS: template.CSS(pageCSS), JS: template.JS(pageJS), Policy: policy(),
	}
	v.Connections, v.Logins = v.byConnection(p.tallies), p.tallies.logins
	v.Organizations = v.byOrganization(p.tallies)
	// The verdict and the sentences go by Attention, and by what byOrganization has counted.
	v.Attention = v.sections(p.reasons)
	v.Verdict = v.verdict()
	v.Who = v.who(p.index, p.follows)
	v.Counts = v.counts()
	v.Way = v.wayBack(p.index)
	v.Figures = v.figures(p.index)
	v.Facts = v.facts(p.index)
	v.Data = pageData{
		Dashboard: v.dashboard, ByLogin: s.DryRun && v.Logins, Total: s.Input.Rows, Groups: groups(s),
		Columns: pageColumns(), Carried: []string{},
	}
	rows := p.rows.chosen()
	v.Shown, v.Rows = len(rows), template.JS(strings.Join(rows, ",\n"))
	for _, name := range pick(p.carried, p.shown) {
		v.Data.Carried = append(v.Data.Carried, excerpt(name, cellLength))
	}
	return v
}

func groups(s *Summary) map[journal.Outcome][2]string {
	all := make(map[journal.Outcome][2]string)
	for outcome := range s.Outcomes {
		group := groupOf(outcome)
		all[outcome] = [2]string{group.String(), group.Shape()}
	}
	return all
}

// policy is a content security policy that allows only the page's own script and
// style.
func policy() string {
	return fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'",
		sourceHash(pageJS), sourceHash(pageCSS))
}

func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Link is the URL of an organization in the Auth0 Dashboard, or "".
func (v *pageView) Link(org string) string { return organizationLink(v.dashboard, org) }

// outcomeCount is how many rows have an outcome.
type outcomeCount struct {
	Outcome        journal.Outcome
	Words, Meaning string
	Group          outcomeGroup
	Rows           int
	Share          string // of all rows, in percent
}

// counts are the outcomes that rows have, in the order of journal.Outcomes.
func (v *pageView) counts() (all []outcomeCount) {
	for _, outcome := range journal.Outcomes() {
		if n := v.Outcomes[outcome]; n > 0 {
			all = append(all, outcomeCount{outcome, outcome.Words(), meaning(outcome), groupOf(outcome), n,
				oneDecimal(100 * float64(n) / float64(v.Input.Rows))})
		}
	}
	return all
}

// fact is a line of the run's details.
type fact struct {
	Name, Value string
	Since       time.Time // the page adds how long ago this was, when it is read; zero: it does not
}

// maxPeople is how many of those who ran a run are named.
const maxPeople = 5

// who says who did what, when, why and with which list. follows is the run whose results
// the list is, if it is one.
func (v *pageView) who(ix *index, follows string) []fact {
	var people []string
	for _, inv := range ix.invocations {
		if text := person(inv.header); text != "" && !slices.Contains(people, text) && len(people) < maxPeople {
			people = append(people, text)
		}
	}
	finished, results := time.Time{}, ""
	if v.ResultsSHA256 != "" {
		results = "SHA-256 " + v.ResultsSHA256
	}
	when := utc(v.StartedAt) + ", not finished yet"
	if v.FinishedAt != nil {
		finished = *v.FinishedAt
		when = utc(v.StartedAt) + " to " + utc(finished)
	}
	return v.shown([]fact{
		{Name: "Run by", Value: strings.Join(people, "; then ")},
		{Name: "When", Value: when, Since: cmp.Or(finished, v.StartedAt)},
		{Name: "Note", Value: v.Note},
		{Name: "List", Value: fmt.Sprintf("%s, SHA-256 %s", ix.header.Input.Name(), v.Input.SHA256)},
		{Name: "Follows run", Value: follows},
		{Name: "results.csv", Value: results},
		{Name: "Undo", Value: v.Undo(v.RunDir)},
	})
}

// shown are the facts that have a value, which is made visible.
func (v *pageView) shown(facts []fact) []fact {
	facts = slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" })
	for i := range facts {
		facts[i].Value = visible(facts[i].Value)
	}
	return facts
}

// person says who started an invocation, with which program.
func person(h journal.Header) string {
	var parts []string
	if by := h.By; by != nil {
		user := by.User
		if by.Host != "" {
			user = strings.TrimSpace(user + " on " + by.Host)
		}
		parts = append(parts, user)
		if by.ClientID != "" {
			parts = append(parts, "client "+by.ClientID)
		}
	}
	parts = append(parts, "orgconn "+h.Version)
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// endpoints says by which family of endpoints a run went.
func endpoints(family apiclient.Family) string {
	switch family {
	case apiclient.NewerFamily:
		return "connections (newer, all settings)"
	case apiclient.OlderFamily:
		return "enabled_connections (links that are switched off, access level and name may not show)"
	}
	return "not known yet"
}

// facts are the details of the run: what was asked for, and how it went.
func (v *pageView) facts(ix *index) []fact {
	exitCode, runID := "none yet: the run goes on, or was killed", ""
	if v.ExitCode != nil {
		exitCode = strconv.Itoa(*v.ExitCode)
	}
	if v.RunID != "" {
		runID = v.RunID + "; each write has an id that begins with it, and the tenant's log shows it as references.correlation_id"
	}
	return v.shown([]fact{
		{Name: "Tenant", Value: v.Tenant},
		{Name: "Command", Value: v.Label().String()},
		{Name: "Settings", Value: flags(ix.header.Settings)},
		{Name: "Endpoints", Value: endpoints(ix.family)},
		{Name: "Rows", Value: fmt.Sprintf("%s, %s with rows to work on", Counted(v.Input.Rows, "row"), Counted(v.Input.Organizations, "organization"))},
		{Name: "Run directory", Value: v.RunDir},
		{Name: "Run id", Value: runID},
		{Name: "Time worked", Value: secondsText(v.DurationS)},
		{Name: "Invocations", Value: strconv.Itoa(len(ix.invocations)) + ix.pausesText()},
		{Name: "Exit code", Value: exitCode},
		{Name: "Calls", Value: fmt.Sprintf("%s, %s, %s retried, %s answered with 429 (too many requests)", Counted(v.Calls.Reads, "read"), Counted(v.Calls.Writes, "write"),
			grouped(v.Calls.Retries), grouped(v.Calls.RateLimited))},
	})
}

// maxNamedFlags is how many --org flags are repeated on the page.
const maxNamedFlags = 20

// flags are the command-line flags that make these settings, as far as the page has
// room for them.
func flags(s journal.Settings) string {
	flags := s.Flags()
	if more := len(s.Organizations) - maxNamedFlags; more > 0 {
		first := slices.Index(flags, "--org "+s.Organizations[0])
		flags = slices.Replace(flags, first+maxNamedFlags, first+len(s.Organizations), fmt.Sprintf("(and %d more organizations)", more))
	}
	return strings.Join(flags, " ")
}
