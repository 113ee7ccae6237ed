package reports

import (
	"cmp"
	"crypto/sha256"
	_ "embed" // for the page's parts
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"

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

// maxColumnsCarried is how many of the carried-through columns the page shows.
const maxColumnsCarried = 4

// webPage gathers what report.html shows of the rows, in memory that does not
// grow with the list.
type webPage struct {
	reasons *reasons
	rows    pageRows
	carried []string
	shown   []int // of carried, the columns that the page shows

	unknownConnections int // rows that name a connection that does not exist
}

func newWebPage(ix *index, l *list.List) *webPage {
	end := ix.sittings[len(ix.sittings)-1].end
	return &webPage{
		reasons: newReasons(end == nil || end.ExitCode > journal.ExitFailedRows, l.Announced()),
		carried: l.Carried(),
		shown:   shownColumns(l.Carried()),

		unknownConnections: l.Counts().UnknownConnections,
	}
}

// shownColumns are the first columns, those last whose names the results' own
// columns have: an export's settings tell less than a column that somebody added.
func shownColumns(carried []string) (shown []int) {
	for i := range carried {
		shown = append(shown, i)
	}
	slices.SortStableFunc(shown, func(a, b int) int {
		return cmp.Compare(taken(carried[a]), taken(carried[b]))
	})
	shown = shown[:min(len(shown), maxColumnsCarried)]
	slices.Sort(shown)
	return shown
}

// taken is 1 for a column that had its name changed, as it is a results file's own.
func taken(column string) int {
	if strings.HasPrefix(column, "input_") {
		return 1
	}
	return 0
}

// of picks the cells of the columns that are shown.
func of(cells []string, shown []int) (picked []string) {
	for _, i := range shown {
		picked = append(picked, cells[i])
	}
	return picked
}

// add takes a row in.
func (p *webPage) add(r row) error {
	r.Carried = of(r.Carried, p.shown)
	attention, urgent := p.reasons.add(r)
	return p.rows.add(r, attention, urgent)
}

// pageView is what the template shows.
type pageView struct {
	*Summary
	missingOK bool
	noCheck   bool
	// unknownConnections counts rows that name a connection that does not exist.
	unknownConnections int

	CSS       template.CSS
	JS        template.JS
	Policy    string
	Verdict   verdict
	Counts    []count
	Attention []section
	Figures   []figure
	Pauses    string
	Carried   []string
	Facts     []fact
	Data      pageData
	dashboard string
}

// count is how many rows have an outcome.
type count struct {
	Outcome        journal.Outcome
	Words, Meaning string
	Kind           kind
	Rows           int
	Share          string // of all rows, in percent
}

func (p *webPage) view(s *Summary, ix *index) *pageView {
	v := &pageView{
		Summary: s, missingOK: ix.header.Settings.MissingOK, noCheck: ix.header.Settings.NoCheck, unknownConnections: p.unknownConnections,
		CSS: template.CSS(pageCSS), JS: template.JS(pageJS), Policy: policy(),
		Pauses: pausesText(ix.timeline.pauses, ix.sittings), dashboard: dashboard(s.Tenant),
	}
	for _, name := range of(p.carried, p.shown) {
		v.Carried = append(v.Carried, excerpt(name, cellLength))
	}
	v.Verdict = v.verdict()
	v.Counts = v.counts()
	v.Attention = v.sections(p.reasons)
	v.Figures = v.figures(ix)
	v.Facts = v.facts(ix.header, len(ix.sittings))
	v.Data = pageData{Dashboard: v.dashboard, Total: s.Input.Rows, Carried: len(p.shown), Classes: classes(s), Rows: p.rows.chosen()}
	return v
}

// pageData is what page.js shows, as JSON.
type pageData struct {
	Dashboard string                        `json:"dashboard"`
	Total     int                           `json:"total"` // rows of the list
	Carried   int                           `json:"carried"`
	Classes   map[journal.Outcome][2]string `json:"classes"` // class and shape
	Rows      []json.RawMessage             `json:"rows"`
}

func classes(s *Summary) map[journal.Outcome][2]string {
	all := make(map[journal.Outcome][2]string)
	for outcome := range s.Outcomes {
		k := kindOf(outcome)
		all[outcome] = [2]string{k.Class(), k.Shape()}
	}
	return all
}

// policy forbids the page everything but its own script and style.
func policy() string {
	return fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'",
		sourceHash(pageJS), sourceHash(pageCSS))
}

func sourceHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// counts are the outcomes that rows have, in the order of the table of outcomes.
func (v *pageView) counts() (all []count) {
	for _, outcome := range journal.Outcomes() {
		if n := v.Outcomes[outcome]; n > 0 {
			all = append(all, count{outcome, words(outcome), meaning(outcome, v.Command), kindOf(outcome), n,
				number(100 * float64(n) / float64(v.Input.Rows))})
		}
	}
	return all
}

// Link is an organization's page in the Auth0 Dashboard, or "".
func (v *pageView) Link(org string) string { return organizationLink(v.dashboard, org) }

// write writes the page.
func (p *webPage) write(w io.Writer, s *Summary, ix *index) error {
	page, err := template.New("page").Funcs(template.FuncMap{
		"grouped": grouped, "counted": Counted, "visible": visible, "utc": utc,
		"title": func(s string) string { return strings.ToUpper(s[:1]) + s[1:] },
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	return page.Execute(w, p.view(s, ix))
}

// fact is a line of the run's facts.
type fact struct{ Name, Value string }

// facts are what the run was asked for, and how it went.
func (v *pageView) facts(run journal.Header, sittings int) []fact {
	facts := []fact{
		{"Tenant", v.Tenant},
		{"Command", v.title()},
		{"List", run.Input.Name()},
		{"List, rows", fmt.Sprintf("%s, %s with a row to work on", Counted(v.Input.Rows, "row"), Counted(v.Input.Organizations, "organization"))},
		{"List, SHA-256", v.Input.SHA256},
		{"Settings", settings(run.Settings)},
		{"Version", v.Version},
		{"Run directory", v.RunDir},
		{"Started", utc(v.StartedAt)},
		{"Finished", v.ended()},
		{"Time at work", seconds(v.DurationS)},
		{"Sittings", strconv.Itoa(sittings)},
		{"Exit code", v.exitCode()},
		{"Calls", fmt.Sprintf("%s, %s, %s repeated, %s answered 429", Counted(v.Calls.Reads, "read"), Counted(v.Calls.Writes, "write"),
			grouped(v.Calls.Retries), grouped(v.Calls.RateLimited))},
	}
	if v.Note != "" {
		facts = append([]fact{{"Note", v.Note}}, facts...)
	}
	for i := range facts {
		facts[i].Value = visible(facts[i].Value)
	}
	return facts
}

// title is what was done, as it was typed.
func (v *pageView) title() string { return journal.Label(v.Command, v.DryRun) }

func (v *pageView) ended() string {
	if v.FinishedAt == nil {
		return "not yet, or the run was killed"
	}
	return utc(*v.FinishedAt)
}

func (v *pageView) exitCode() string {
	if v.ExitCode == nil {
		return "none yet"
	}
	return strconv.Itoa(*v.ExitCode)
}

// settings are the flags that say the same as the settings.
func settings(s journal.Settings) string {
	var flags []string
	add := func(set bool, format string, args ...any) {
		if set {
			flags = append(flags, fmt.Sprintf(format, args...))
		}
	}
	add(s.DryRun, "--dry-run")
	add(s.NoCheck, "--no-check")
	add(s.AllowLockout, "--allow-lockout")
	add(s.AllowDefaults, "--allow-defaults")
	add(s.MissingOK, "--missing-ok")
	for _, org := range s.Organizations[:min(len(s.Organizations), 20)] {
		add(true, "--org %s", org)
	}
	add(len(s.Organizations) > 20, "(and %d organizations more)", len(s.Organizations)-20)
	add(s.Limit > 0, "--limit %d", s.Limit)
	add(s.MaxChanges > 0, "--max-changes %d", s.MaxChanges)
	add(true, "--max-failures %s", s.MaxFailures)
	add(true, "--headroom %s%%", strconv.FormatFloat(s.Headroom*100, 'f', -1, 64))
	add(s.MaxRPS > 0, "--max-rps %s", strconv.FormatFloat(s.MaxRPS, 'f', -1, 64))
	add(true, "--workers %d", s.Workers)
	add(true, "--timeout %s", s.Timeout)
	add(s.MaxDuration > 0, "--max-duration %s", s.MaxDuration)
	return strings.Join(flags, " ")
}
