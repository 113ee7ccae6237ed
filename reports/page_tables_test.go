package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

func read(id string, waysIn int) journal.Record {
	return journal.Record{Organization: &journal.Organization{ID: id, WaysIn: waysIn}}
}

func disabledRow(line int) journal.Record {
	rec := outcome(line, journal.Disabled)
	rec.Outcome.Snapshot = connection("okta")
	return rec
}

// more ends the text of a table that scrolls.
const more = " It has more rows: scroll it down ↓"

// sectionOf is the text of a part of a page.
func sectionOf(page, id string) string {
	_, rest, _ := strings.Cut(page, ` id="`+id+`">`)
	part, _, _ := strings.Cut(rest, "</section>")
	return text(part)
}

// The ways in before and after are those of the whole run, also where the last check of
// an organization has seen some of its changes.
func TestPageByOrganization(t *testing.T) {
	input := "org_id,connection_id\n" + orgA + "," + con1 + "\n" + orgA + "," + con2 + "\n" + orgB + "," + con1 + "\n" + orgC + "," + con1 + "\n"
	end := after(900, journal.Record{End: &journal.End{}})
	back := runRecord()
	back.Header.Command = journal.CommandRestore
	for name, c := range map[string]struct {
		first   journal.Record
		input   string
		records []journal.Record
		want    string
	}{
		"a run": {runRecord(), input, []journal.Record{
			after(1, read(orgA, 4)), after(2, disabledRow(2)), after(3, read(orgA, 3)), after(4, disabledRow(3)),
			after(5, read(orgB, 2)), after(6, disabledRow(4)), after(7, read(orgC, 1)), after(8, disabledRow(5)), end},
			"(3) ▲ Left without a way in: 1 organization. ◆ Left with one way in: 1 organization. A way in is an enabled connection. " +
				"This table is wider than the window: scroll it sideways → Organization Ways in before Ways in after Connections in the list Disabled " +
				orgC + " 1 ▲ 0 1 1 " + orgB + " 2 ◆ 1 1 1 " + orgA + " 4 2 2 2"},
		"an answer that was lost": {runRecord(), input, []journal.Record{
			after(1, read(orgA, 4)), after(2, intent(2, nil)), after(3, outcome(2, journal.Unknown)), after(4, disabledRow(3)), end},
			"(3) Not known, as answers were lost: 1 organization. A way in is an enabled connection. This table is wider than the window: scroll it sideways → " +
				"Organization Ways in before Ways in after Connections in the list Disabled Failed, unknown, not found Not reached " +
				orgA + " 4 2 to 3 2 1 1 0 " + orgB + " 1 0 0 1 " + orgC + " 1 0 0 1"},
		"an earlier attempt that was done": {runRecord(), input, []journal.Record{
			after(1, read(orgA, 4)), after(2, intent(2, nil)), after(3, outcome(2, journal.Unknown)), after(4, read(orgA, 3)), after(5, disabledRow(2)), end},
			"(3) This table is wider than the window: scroll it sideways → Organization Ways in before Ways in after Connections in the list Disabled Not reached " +
				orgA + " 4 3 2 1 1 " + orgB + " 1 0 1 " + orgC + " 1 0 1"},
		"what was so before": {runRecord(), input, []journal.Record{
			after(1, read(orgA, 0)), after(2, outcome(2, journal.AlreadyDisabled)), after(2, outcome(3, journal.AlreadyDisabled)),
			after(3, read(orgB, 1)), after(4, outcome(4, journal.AlreadyDisabled)),
			after(5, read(orgC, 1)), after(6, outcome(5, journal.AlreadyDisabled)), end},
			"(3) This table is wider than the window: scroll it sideways → Organization Ways in before Ways in after Connections in the list " +
				orgA + " 0 0 2 " + orgB + " 1 1 1 " + orgC + " 1 1 1"},
		"without these records": {runRecord(), input, []journal.Record{after(2, disabledRow(2)), end},
			"(3) This table is wider than the window: scroll it sideways → Organization Connections in the list Disabled Not reached " +
				orgA + " 2 1 1 " + orgB + " 1 0 1 " + orgC + " 1 0 1"},
		"a restore": {back, "line,org_id,connection_id,outcome,command,tenant,assign_membership_on_login,show_as_button,is_signup_enabled\n2," +
			orgA + "," + con1 + ",disabled,disable,acme.eu.auth0.com,,yes,\n",
			[]journal.Record{after(1, read(orgA, 0)), after(2, outcome(2, journal.Restored)), end},
			"(1) This table is wider than the window: scroll it sideways → Organization Ways in before Ways in after Connections in the list Enabled again " + orgA + " 0 1 1 1"},
	} {
		page, _ := pageOf(t, c.input, c.first, c.records...)
		page = strings.ReplaceAll(strings.ReplaceAll(page, "</t", " </t"), "<small", " <small")
		if got := sectionOf(page, "organizations"); got != "By organization "+c.want+more {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// A link that an enable has made had no settings before. A restore that removes it found it
// enabled all the same.
func TestRemovedLinkWasEnabled(t *testing.T) {
	undo := newTallies(&index{header: journal.Header{Command: journal.CommandRestore, Undoes: journal.CommandEnable}})
	for outcome, want := range map[journal.Outcome]bool{journal.Restored: true, journal.WouldRestore: true, journal.AlreadyDisabled: false} {
		if got := undo.wasEnabled(list.Result{Record: list.Record{Outcome: outcome}}); got != want {
			t.Errorf("%s: enabled before %t", outcome, got)
		}
	}
}

// Customers are known by their names: the tables, the reasons and the rows have them, also
// in a run from a results file.
func TestPageNamesOrganizations(t *testing.T) {
	back := runRecord()
	back.Header.Command = journal.CommandRestore
	for _, c := range []struct {
		first journal.Record
		input string
	}{
		{runRecord(), "org_id,org_name,connection_id,ticket\n" + orgA + ",initech-eu," + con1 + ",OPS-1\n"},
		{back, "line,org_id,connection_id,outcome,command,tenant,assign_membership_on_login,show_as_button,is_signup_enabled,org_name,ticket\n2," +
			orgA + "," + con1 + ",disabled,disable,acme.eu.auth0.com,,yes,,initech-eu,OPS-1\n"},
	} {
		page, data := pageOf(t, c.input, c.first, after(1, outcome(2, journal.Failed)))
		for _, id := range []string{"organizations", "attention"} {
			if !strings.Contains(sectionOf(page, id), orgA+"initech-eu") {
				t.Errorf("%s: it does not name the organization:\n%s", id, sectionOf(page, id))
			}
		}
		if got := fmt.Sprint(data.Rows[0][slices.Index(data.Columns, "orgName")], data.Carried); got != "initech-eu[ticket]" {
			t.Errorf("in the rows: %s", got)
		}
	}
}

// loginsPage makes the page of a dry run that asked for last logins.
func loginsPage(t *testing.T) (dir, page string) {
	input := "org_id,connection_id\n" + orgA + "," + con1 + "\n" + orgA + "," + con2 + "\n" + orgB + "," + con2 + "\n" + orgB + "," + con3 + "\n"
	first := runRecord()
	first.Header.Settings.DryRun = true
	var records []journal.Record
	for line := 2; line <= 5; line++ {
		records = append(records, after(line, outcome(line, journal.WouldDisable)))
	}
	dir = writeRun(t, input, first, append(records, after(900, journal.Record{End: &journal.End{}}))...)
	logins := []string{"none", "2026-11-20T05:00:00Z", "2026-11-23T09:00:00.5Z", ""}
	return dir, makePage(t, dir, func(line int) string { return logins[line-2] })
}

// makePage makes only the page of a run, with these last logins.
func makePage(t testing.TB, dir string, login func(line int) string) string {
	t.Helper()
	run, err := openRun(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer run.close()
	p, counts := newPageBuilder(run.index, run.list), newRowCounts(run.index.header, run.list)
	if err := writeResults(io.Discard, run.index, run.list, func(r list.Result) error {
		r.LastLogin = login(r.Line)
		counts.add(r)
		return p.add(r)
	}); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := p.write(&out, summarize(dir, run.index, run.list, counts)); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "report.html", out.String())
	return out.String()
}

// An approver sees first who still logs in.
func TestPageByConnectionShowsLogins(t *testing.T) {
	_, page := loginsPage(t)
	page = strings.ReplaceAll(strings.ReplaceAll(page, "</t", " </t"), "<small", " <small")
	want := "Connection Organizations in the list Have it enabled Would be disabled With a login Last login " +
		con2 + " 2 2 2 2 2026-11-23 09:00:00 UTC less than a day before the run " + con1 + " 1 1 1 0 none " + con3 + " 1 1 1"
	if got := sectionOf(page, "connections"); !strings.HasSuffix(got, want+more) {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
}

func TestRowsAreSorted(t *testing.T) {
	b := openBrowser(t)
	dir, _ := loginsPage(t)
	b.open(t, dir)
	lines := func() string {
		return eval[string](t, b, `[...document.querySelectorAll("#table tbody th")].map(th => th.textContent).join(" ")`)
	}
	press := func(selector string) { eval[bool](t, b, `document.querySelector('`+selector+`').click(), true`) }
	if got := lines(); got != "4 3 2 5" {
		t.Errorf("rows %s, want the latest logins first", got)
	}
	for _, want := range []string{"2 3 4 5", "5 4 3 2"} {
		if press("#table th button"); lines() != want {
			t.Errorf("by line: rows %s, want %s", lines(), want)
		}
	}
	press("#connections th button")
	if got := eval[string](t, b, `document.querySelector("#connections tbody code").textContent`); got != con1 {
		t.Errorf("by connection, the first is %s", got)
	}
	press("#connections th:last-child button")
	if got := eval[string](t, b, `document.querySelector("#connections tbody code").textContent`); got != con2 {
		t.Errorf("by last login, the first is %s", got)
	}
	b.checkQuiet(t)
}

// What the search found is marked, however often a cell has it, and in no time.
func TestSearchMarks(t *testing.T) {
	b := openBrowser(t)
	b.look(t, 380, "light")
	b.open(t, sampleRuns()[2].make(t))
	marks := eval[string](t, b, `(() => {
		const search = document.getElementById("search");
		search.value = "OR";
		search.dispatchEvent(new Event("input"));
		return [...document.querySelector("#table tbody tr").querySelectorAll("mark")].map(m => m.textContent + "|" + m.parentNode.textContent.slice(0, 10)).join("; ");
	})()`)
	if want := `or|org_000000; or|status 400`; marks != want {
		t.Errorf("marked: %s, want %s", marks, want)
	}
	for _, hint := range []string{"#rows .sideways", "#connections .sideways", "#connections .downwards"} {
		if eval[bool](t, b, `document.querySelector("`+hint+`").hidden`) {
			t.Errorf("%s: in a narrow window, nothing says that the table scrolls", hint)
		}
	}
}

// The tables have a bound, and say so.
func TestPageTablesAreBounded(t *testing.T) {
	ts := newTallies(&index{header: *runRecord().Header})
	for i := range 2 * maxCounted {
		var r list.Result
		r.OrgID, r.ConnectionID, r.Outcome = fmt.Sprint("org_", i), fmt.Sprint("con_", i), journal.Disabled
		ts.add(r)
	}
	v := &pageView{Summary: &Summary{StartedAt: time.Now()}}
	for _, table := range []*table{v.byConnection(ts), v.byOrganization(ts)} {
		if len(table.Rows)+table.Left != maxCounted || len(table.Rows) > maxOrganizationsShown || !table.Some {
			t.Errorf("%d rows, %d left", len(table.Rows), table.Left)
		}
	}
}
