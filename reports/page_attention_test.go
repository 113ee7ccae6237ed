package reports

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

func TestReasonsAreGrouped(t *testing.T) {
	var input strings.Builder
	input.WriteString("org_id,connection_id\n")
	var records []journal.Record
	for i := range 200 {
		fmt.Fprintf(&input, "org_%016d,con_%016d\n", i/2, i)
		message := fmt.Sprintf(`status 400 Bad Request: "con_%016d cannot be removed"`, i)
		if i%10 == 0 {
			message = fmt.Sprint("reason ", i)
		}
		records = append(records, after(i, journal.Record{Outcome: &journal.RowOutcome{Line: i + 2, Outcome: journal.Failed, Message: message}}))
	}
	for i := range 5 {
		fmt.Fprintf(&input, "org_bad-%d,%s\n", i, con1)
	}
	page, _ := pageOf(t, input.String(), runRecord(), records...)
	for _, want := range []string{"… cannot be removed&#34;: 180 rows, 100 organizations", "reason 0: 1 row, 1 organization",
		"org_id … has characters other than letters and digits after org_: 5 rows, 5 organizations"} {
		if !strings.Contains(text(page), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}

// The summary has the groups of failed rows with their first lines, the most urgent
// outcomes first. Organizations that may be missing are left out.
func TestFailedRowsAreGrouped(t *testing.T) {
	rs := newReasons(false, false)
	add := func(line int, outcome journal.Outcome, message, org, connection string) {
		r := list.Result{}
		r.Line, r.Outcome, r.Message, r.OrgID, r.ConnectionID = line, outcome, message, org, connection
		rs.add(r)
	}
	for line := 2; line < 7; line++ {
		add(line, journal.NotFound, "the organization does not exist", "org_a", con1)
	}
	add(7, journal.NotFound, `the tenant has no organization named "a"`, "", con1)
	add(8, journal.NotFound, `the tenant has no connection named "b"`, "org_a", "")
	add(9, journal.Failed, "status 400", "org_a", con1)
	add(10, journal.Disabled, "a remark", "org_a", con1)
	named := FailedRows{journal.NotFound, "the tenant has no connection named …", 1, []int{8}, true}
	refused := FailedRows{journal.Failed, "status 400", 1, []int{9}, false}
	want := []FailedRows{refused, {journal.NotFound, "the organization does not exist", 5, []int{2, 3, 4}, false}, named,
		{journal.NotFound, "the tenant has no organization named …", 1, []int{7}, false}}
	if diff := cmp.Diff(want, rs.failed(false)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]FailedRows{refused, named}, rs.failed(true)); diff != "" {
		t.Errorf("with --missing-ok: %s", diff)
	}
}

// What the tenant says of a call is part of the reason. Only what a row itself quotes is
// not.
func TestReasonHasTheTenantsWords(t *testing.T) {
	message := `enable connection: status 404 Not Found: "No connection found by that id in org_aaaaaaaaaaaaaaa1"`
	got := ReasonOf(journal.RowOutcome{Outcome: journal.NotFound, Message: message, Call: &journal.Call{Status: 404}})
	if want := `enable connection: status 404 Not Found: "No connection found by that id in …"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	t.Parallel()
	rs := newReasons(false, false)
	for i := range 3 * maxCounted {
		r := list.Result{}
		r.OrgID, r.Outcome, r.Message = fmt.Sprint("org_", i), journal.Failed, fmt.Sprint("reason ", i%1000)
		rs.add(r)
	}
	found := rs.matching(topic{outcome: journal.Failed})
	if len(found) != maxReasons+1 || found[0].Text != "other reasons" || !found[0].More {
		t.Errorf("%d reasons, the first %+v", len(found), found[0])
	}
	rows := 0
	for _, r := range found {
		rows += r.Rows
	}
	if rows != 3*maxCounted {
		t.Errorf("%d rows, want %d", rows, 3*maxCounted)
	}
}

// The advice for blocked rows goes by why they are blocked, and not by the flags of an
// invocation that did not reach them.
func TestAdviceForBlockedRows(t *testing.T) {
	const used = "somebody logged in through it on 2026-11-20T05:00:00Z (--unused-for 30d)"
	for message, want := range map[string]string{
		"it is the last enabled connection": "with --allow-lockout",
		used:                                "somebody has logged in through them lately",
	} {
		blocked := outcome(2, journal.Blocked)
		blocked.Outcome.Message = message
		resumed := after(2, runRecord())
		resumed.Header.Settings.AllowLockout = true
		page, _ := pageOf(t, "org_id,connection_id\n"+orgA+","+con1+"\n", runRecord(), after(1, blocked),
			after(1, journal.Record{End: &journal.End{ExitCode: journal.ExitFailedRows}}),
			resumed, after(3, journal.Record{End: &journal.End{ExitCode: journal.ExitStopped}}))
		if got := sectionOf(page, "attention"); !strings.Contains(got, want) {
			t.Errorf("%s:\n%s", message, got)
		}
	}
}

// A flag that a resume had is not proposed twice.
func TestDryRunAgainWithAFlag(t *testing.T) {
	for _, had := range [][]string{nil, {"--any-id"}, {"--allow-lockout", "--any-id"}} {
		v := &pageView{Summary: &Summary{Repeated: had, Input: Input{Path: "a list.csv"}}}
		if got := v.again("--allow-lockout"); strings.Count(got, "--allow-lockout") != 1 || !strings.HasSuffix(got, " 'a list.csv'") {
			t.Errorf("%q: %s", had, got)
		}
	}
}

// Rows that people have used lately have one reason, although each names its own time.
func TestRowsWithLoginsHaveOneReason(t *testing.T) {
	for _, at := range []string{"2026-11-28T19:33:53Z", "2026-11-27T12:00:00.123Z"} {
		got := ReasonOf(journal.RowOutcome{Outcome: journal.Blocked, Message: "somebody logged in through it on " + at + " (--unused-for 3d)"})
		if want := "somebody logged in through it on … (--unused-for 3d)"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
