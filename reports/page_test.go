package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

// pageOf makes the page of a run. It returns the page and the data of its script.
func pageOf(t testing.TB, input string, first journal.Record, records ...journal.Record) (page string, data scriptData) {
	t.Helper()
	dir := writeRun(t, input, first, records...)
	if _, err := Make(context.Background(), dir, nil); err != nil {
		t.Fatal(err)
	}
	return readPage(t, dir)
}

type scriptData struct {
	Total            int
	Columns, Carried []string
	Rows             [][]any
}

func readPage(t testing.TB, dir string) (page string, data scriptData) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	page = string(content)
	decodeScript(t, page, "data", &data)
	decodeScript(t, page, "cells", &data.Rows)
	return page, data
}

// decodeScript decodes the JSON that a page has for its script.
func decodeScript(t testing.TB, page, id string, into any) {
	t.Helper()
	_, rest, _ := strings.Cut(page, `<script type="application/json" id="`+id+`">`)
	content, _, _ := strings.Cut(rest, "</script>")
	if err := json.Unmarshal([]byte(content), into); err != nil {
		t.Fatal(err)
	}
}

// text is a page's text, without tags, scripts and data.
func text(page string) string {
	page, _, _ = strings.Cut(page, "<script")
	page = regexp.MustCompile(`(?s)<style>.*</style>|<desc>.*?</desc>|<[^>]*>`).ReplaceAllString(page, "")
	return strings.Join(strings.Fields(page), " ")
}

func TestPageSays(t *testing.T) {
	const one = "org_id,connection_id\n" + orgA + "," + con1 + "\n"
	const two = one + orgB + "," + con2 + "\n"
	end := func(code int, reason string) journal.Record {
		return after(900, journal.Record{End: &journal.End{ExitCode: code, Reason: reason}})
	}
	dry := runRecord()
	dry.Header.Settings.DryRun = true
	tolerant := runRecord()
	tolerant.Header.Settings.MissingOK = true
	unused := runRecord()
	unused.Header.Settings.DryRun, unused.Header.Settings.UnusedFor = true, journal.Age(72*time.Hour)
	unchecked := runRecord()
	unchecked.Header.Settings.NoCheck = true
	back := runRecord()
	back.Header.Command = "restore"
	done := func(line int) journal.Record { // with the settings that the check read
		rec := outcome(line, journal.Disabled)
		rec.Outcome.Snapshot = connection("okta")
		return rec
	}
	for _, test := range []struct {
		name    string
		input   string
		first   journal.Record
		records []journal.Record
		says    []string
	}{
		{"all well", one, runRecord(), []journal.Record{after(1, done(2)), end(0, "")},
			[]string{"Finished: no row failed", "This run disabled 1 of 1 row, in 1 organization. Already disabled before: 0.", "What needs attention Nothing.", "Undo orgconn restore /", "This puts back 1 row, each with the settings that it had"}},
		{"failed", two, runRecord(), []journal.Record{after(1, outcome(2, journal.Disabled)), after(2, called(3, journal.Failed, journal.Call{Status: 400, ErrorCode: "invalid_body"})), end(1, "")},
			[]string{"Finished, but 1 row needs attention", "status 400: invalid_body: 1 row, 1 organization", "orgconn resume /"}},
		{"killed", one, runRecord(), nil, []string{"Not finished", "orgconn resume /", "the run did not reach this row: 1 row"}},
		{"stopped", one, runRecord(), []journal.Record{end(5, "--max-duration 1h is over")},
			[]string{"Stopped before the end", "Reason: --max-duration 1h is over", "orgconn resume /"}},
		{"refused", one, runRecord(), []journal.Record{end(3, "status 401")}, []string{"Stopped: credentials refused"}},
		{"interrupted", one, runRecord(), []journal.Record{end(130, "interrupted")}, []string{"Interrupted", "orgconn resume /"}},
		{"missing", one, runRecord(), []journal.Record{after(1, outcome(2, journal.NotFound)), end(1, "")},
			[]string{"1 row needs attention", "--missing-ok counts them as ok"}},
		{"missing and ok", one, tolerant, []journal.Record{after(1, outcome(2, journal.NotFound)), end(0, "")},
			[]string{"◆ Finished, with something to look at", "Because of --missing-ok"}},
		{"a remark", one, runRecord(), []journal.Record{
			after(1, journal.Record{Outcome: &journal.RowOutcome{Line: 2, Outcome: journal.Disabled, Message: onlyHidden, Snapshot: connection("okta")}}), end(0, "")},
			[]string{"◆ Finished, with something to look at", "Disabled, with a remark: 1 row"}},
		{"a remark in a proposal", one, dry, []journal.Record{
			after(1, journal.Record{Outcome: &journal.RowOutcome{Line: 2, Outcome: journal.WouldDisable, Message: onlyHidden}}), end(0, "")},
			[]string{"◆ Proposal, with something to look at"}},
		{"a proposal without remarks", one, dry, []journal.Record{after(1, outcome(2, journal.WouldDisable)), end(0, "")},
			[]string{"● Proposal ", "What can be undone after a run A run removes links (DELETE)", "Its limits: An organization or a connection"}},
		{"none is there, so the tenant may be the wrong one", one, tolerant, []journal.Record{after(1, outcome(2, journal.NotFound)),
			end(1, "no organization of the list exists: is this the right tenant?")}, []string{"▲ The wrong tenant, or the wrong list"}},
		{"a connection that is missing is not ok", "org_name,connection_name\nacme,nope\nacme,okta\n", tolerant, []journal.Record{
			after(1, journal.Record{Names: &journal.Names{Organizations: map[string]string{"acme": orgA}, Connections: map[string]string{"nope": "", "okta": con1}}}),
			after(2, outcome(3, journal.Disabled)), end(1, "")},
			[]string{"Finished, but 1 row needs attention", "the tenant has no connection named …: 1 row"}},
		{"unknown, not checked", one, unchecked, []journal.Record{after(1, intent(2, nil)), after(2, outcome(2, journal.Unknown)), end(1, "")},
			[]string{"Resume the run: it sends them again."}},
		{"not checked", one, unchecked, []journal.Record{
			after(1, journal.Record{Outcome: &journal.RowOutcome{Line: 2, Outcome: journal.Disabled, Message: "not checked before (--no-check)"}}), end(0, "")},
			[]string{"Changed without a check: 1 row No lockout guard looked", "restore does not know. not checked before (--no-check): 1 row, 1 organization Organizations" + orgA + " Undo orgconn", "◆ Finished, without a check first", "It did not check 1 row first, so some may have been disabled already.",
				"orgconn restore --allow-defaults /", "1 row was changed without a check. Nobody knows the settings"}},
		{"gone since", "line,org_id,connection_id,outcome,command,tenant,assign_membership_on_login,show_as_button,is_signup_enabled\n2," +
			orgA + "," + con1 + ",disabled,disable,acme.eu.auth0.com,,yes,\n",
			back, []journal.Record{after(1, outcome(2, journal.NotFound)), end(1, "")}, []string{"What was deleted in the meantime cannot be restored."}},
		{"killed before a sample", one, runRecord(), []journal.Record{after(1, intent(2, nil))}, []string{"0 reads, 1 write,"}},
		{"dry run", two, dry, []journal.Record{
			after(1, outcome(2, journal.WouldDisable)),
			after(2, journal.Record{Outcome: &journal.RowOutcome{Line: 3, Outcome: journal.Blocked, Message: lastOne}}),
			after(900, journal.Record{End: &journal.End{ExitCode: 1, Final: sample(2, 0)}})},
			[]string{"Proposal, 1 row needs attention", "1 of 2 rows would be disabled, in 1 organization.", "sends 1 write", "/results.csv",
				"◆ Proposal, 1 row needs", "Blocked: a run leaves these as they are: 1 row", orgB, "orgconn disable --dry-run --allow-lockout pairs.csv"}},
		{"a dry run that keeps what is used", two, unused, []journal.Record{
			after(1, outcome(2, journal.WouldDisable)),
			after(2, journal.Record{Outcome: &journal.RowOutcome{Line: 3, Outcome: journal.Blocked, Message: lastOne}}), end(1, "")},
			[]string{"orgconn disable --dry-run --unused-for 3d --allow-lockout pairs.csv", "the last login of each pair again: 1 read of the tenant's log."}},
		{"a lockout", two, dry, []journal.Record{
			after(1, read(orgA, 1)), after(1, outcome(2, journal.WouldDisable)), after(2, read(orgB, 2)), after(2, outcome(3, journal.WouldDisable)), end(0, "")},
			[]string{"◆ Proposal that leaves 1 organization without a way in", "2 of 2 rows would be disabled, in 2 organizations."}},
		{"dry run that measured", two, dry, []journal.Record{
			after(1, outcome(2, journal.WouldDisable)), after(2, outcome(3, journal.WouldDisable)),
			after(9000, journal.Record{End: &journal.End{Final: journal.Sample{Reads: journal.Bucket{Burst: 10, Refill: 1.7, Sent: 20, ActiveS: 9}}}})},
			[]string{"That takes about 1.0 s: the dry run measured"}},
		{"never seen", one, runRecord(), []journal.Record{after(1, outcome(2, journal.AlreadyDisabled)), end(0, "")},
			[]string{"Connections found in no organization", "If nobody has disabled them before", con1}},
		{"never seen, and one that does not exist", two, runRecord(), []journal.Record{after(1, outcome(2, journal.AlreadyDisabled)),
			after(2, journal.Record{Outcome: &journal.RowOutcome{Line: 3, Outcome: journal.NotFound, NoConnection: true, Message: "the tenant has no connection " + con2}}), end(1, "")},
			[]string{"the tenant has no connection " + con2 + ": 1 row", "Compare them with the source of the list. " + con1 + " Every row"}},
		{"drifted", "line,org_id,connection_id,outcome,command,tenant,correlation_id\n2," + orgA + "," + con1 + ",would_disable,disable --dry-run,acme.eu.auth0.com," + journal.CorrelationID("k3v9q2m7x4ta", 2, orgA, con1) + "\n",
			runRecord(), []journal.Record{after(1, outcome(2, journal.AlreadyDisabled)), end(0, "")},
			[]string{"Follows runk3v9q2m7x4ta", "Different from the dry run: 1 row", "outcome: already disabled"}},
		{"announced, and its call failed", "line,org_id,connection_id,outcome,command,tenant,correlation_id\n2," + orgA + "," + con1 + ",would_disable,disable --dry-run,acme.eu.auth0.com," + journal.CorrelationID("k3v9q2m7x4ta", 2, orgA, con1) + "\n",
			runRecord(), []journal.Record{after(1, outcome(2, journal.Failed)), end(1, "")}, []string{"Follows runk3v9q2m7x4ta", "not done; nothing was changed: 1 row, 1 organization Organizations" + orgA + " Show these rows Every row"}},
		{"resumed", one, runRecord(), []journal.Record{after(1000, outcome(2, journal.Failed)), end(1, ""), after(3_600_000, runRecord()), after(3_601_000, outcome(2, journal.Disabled))},
			[]string{"Invocations2, with pauses between them: 59 min 59 s after 0.9 s"}},
		{"no rows", "org_id,connection_id\n", runRecord(), []journal.Record{end(0, "")}, []string{"The list has no rows"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			page, _ := pageOf(t, test.input, test.first, test.records...)
			said := strings.NewReplacer("&#39;", "'", "&#34;", `"`).Replace(text(page))
			for _, want := range test.says {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
		})
	}
}

// Columns that somebody added matter more than columns of an export or of results.
func TestPageShowsCarriedColumns(t *testing.T) {
	_, data := pageOf(t, "org_id,connection_id,command,tenant,message,attempts,ticket\n"+orgA+","+con1+",a,b,c,d,CHG-1\n", runRecord())
	got := fmt.Sprint(data.Carried, data.Rows[0][len(data.Columns):])
	if want := "[input_command input_tenant input_message ticket] [a b c CHG-1]"; got != want {
		t.Errorf("the page shows %s, want %s", got, want)
	}
}

// Without script the page says where every row is.
func TestPageWithoutScript(t *testing.T) {
	page, _ := pageOf(t, "org_id,connection_id\n"+orgA+","+con1+"\n", runRecord())
	_, rest, _ := strings.Cut(page, "<noscript>")
	instead, _, _ := strings.Cut(rest, "</noscript>")
	if !strings.Contains(instead, "results.csv") {
		t.Errorf("it says %q", instead)
	}
}

// The page shows text from the list or the server as text: it neither runs it nor
// lets it hide something.
func TestPageEscapes(t *testing.T) {
	const evil = `</script><script>alert(1)</script><img src=x onerror=alert(1)>"'&`
	const hidden = "a\u202eb\u200bc\x1bd\u2066"
	first := runRecord()
	first.Header.By = &journal.By{ClientID: evil + hidden, User: evil + hidden, Host: evil + hidden}
	first.Header.Note, first.Header.Input.Path = evil+hidden, evil+hidden // a journal with such a tenant is refused
	cell := `"` + strings.ReplaceAll(evil+hidden, `"`, `""`) + `"`
	page, data := pageOf(t, "org_id,connection_id,"+cell+"\n"+orgA+","+con1+","+cell+"\n"+cell+","+cell+",\n", first,
		after(1, journal.Record{Outcome: &journal.RowOutcome{Line: 2, Outcome: journal.Failed, Message: evil + hidden,
			Call:     &journal.Call{Status: 400, ErrorCode: evil + hidden, RequestID: evil + hidden},
			Snapshot: connection(evil + hidden)}}),
		after(2, journal.Record{Organization: &journal.Organization{ID: orgA, WaysIn: 2}}),
		after(2, journal.Record{End: &journal.End{ExitCode: 5, Reason: evil + hidden}}))
	if n := strings.Count(page, "<script"); n != 3 {
		t.Errorf("%d scripts, want 3", n)
	}
	if strings.Contains(page, "<img") {
		t.Error("there is an image")
	}
	for _, r := range "\u202e\u200b\x1b\u2066" {
		if strings.ContainsRune(page, r) {
			t.Errorf("there is a %U", r)
		}
	}
	if got, want := data.Rows[0][len(data.Columns)], visible(evil+hidden); got != excerpt(want, cellLength) {
		t.Errorf("the script reads %q, want %q", got, want)
	}
}

// The policy allows the page's own script and style, and nothing else.
func TestPagePolicy(t *testing.T) {
	page, _ := pageOf(t, "org_id,connection_id\n", runRecord())
	style, _, _ := strings.Cut(page[strings.Index(page, "<style>")+len("<style>"):], "</style>")
	script := page[strings.LastIndex(page, "<script>")+len("<script>") : strings.LastIndex(page, "</script>")]
	for _, want := range []string{"default-src &#39;none&#39;", "script-src &#39;" + escaped(sourceHash(script)), "style-src &#39;" + escaped(sourceHash(style))} {
		if !strings.Contains(page, want) {
			t.Errorf("the policy does not have %s", want)
		}
	}
	if strings.Contains(page, " style=") || strings.Contains(page, " onclick=") {
		t.Error("there are style or script attributes, which the policy forbids")
	}
}

func escaped(s string) string { return strings.ReplaceAll(s, "+", "&#43;") }

// However long the list is, the page stays below 4 MB and has the rows that need
// attention.
func TestPageSize(t *testing.T) {
	t.Parallel()
	const bound = 4_000_000                      // bytes
	for _, rows := range []int{10_000, 11_000} { // all are shown; some are left out
		var input strings.Builder
		input.WriteString("org_id,connection_id,customer,remark\n")
		var records []journal.Record
		for i := range rows {
			fmt.Fprintf(&input, "org_%016d,con_%016d,customer %d,%s\n", i/2, i%5000, i, strings.Repeat("x", 40))
			o := &journal.RowOutcome{Line: i + 2, Outcome: journal.Disabled, Snapshot: connection(fmt.Sprint("connection-", i%5000)),
				Call: &journal.Call{Status: 204, Attempts: 1, DurationMS: 90, RequestID: fmt.Sprintf("%032d", i)}}
			if i%(rows/100) == rows/100-1 {
				o.Outcome, o.Message = journal.Failed, fmt.Sprint("reason ", i)
			}
			records = append(records, after(i, journal.Record{Outcome: o}))
		}
		page, data := pageOf(t, input.String(), runRecord(), records...)
		t.Logf("%d rows: %d bytes, %d rows kept", rows, len(page), len(data.Rows))
		if len(page) > bound || data.Total != rows {
			t.Errorf("%d rows: a page of %d bytes that tells of %d rows", rows, len(page), data.Total)
		}
		outcomes := make(map[journal.Outcome]int)
		last := 0.0
		lineAt, outcomeAt := slices.Index(data.Columns, "line"), slices.Index(data.Columns, "outcome")
		for _, cells := range data.Rows {
			outcomes[journal.Outcome(cells[outcomeAt].(string))]++
			if line := cells[lineAt].(float64); line <= last {
				t.Fatalf("line %v after %v", line, last)
			} else {
				last = line
			}
		}
		if want := map[journal.Outcome]int{journal.Failed: 100, journal.Disabled: min(len(data.Rows)-100, rows-100)}; !maps.Equal(outcomes, want) {
			t.Errorf("%d rows: the page has %v, want %v", rows, outcomes, want)
		}
		if rows == 10_000 && len(data.Rows) != rows {
			t.Errorf("%d of 10,000 rows", len(data.Rows))
		}
	}
}
