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
