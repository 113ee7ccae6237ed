package batch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// lookUp looks the names of a list up, whose rows are organization and
// connection by name, and returns the list as it is then.
func (r *rig) lookUp(names *list.Names, rows ...string) (*list.List, *Stop) {
	r.t.Helper()
	lookup := r.newLookup(names, rows...)
	stop := lookup.Do(r.stop)
	if stop == nil { // else the throttle and the ETA count on calls that never come
		r.expectNoCalls(lookup.pool)
	}
	if err := lookup.List.Identify(); err != nil {
		r.t.Fatal(err)
	}
	return lookup.List, stop
}

// newLookup prepares the lookup of a list's names.
func (r *rig) newLookup(names *list.Names, rows ...string) *Lookup {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "names.csv")
	text := "org_name,connection_name\n" + strings.Join(rows, "\n") + "\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
	l, err := list.Open(path, "names.csv", list.Options{Command: journal.CommandDisable, Names: names})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { l.Close() })
	return NewLookup(LookupConfig{
		API: r.client(), List: l, Names: names, Journal: &r.records, Settings: r.settings, Log: zap.NewNop(),
	})
}

// journaled are the ids that the journal has, organizations and connections.
func (r *rig) journaled() map[string]string {
	all := map[string]string{}
	for _, rec := range r.records.all {
		if rec.Names == nil {
			continue
		}
		for _, ids := range []map[string]string{rec.Names.Organizations, rec.Names.Connections} {
			for name, id := range ids {
				all[name] = id
			}
		}
	}
	return all
}

// name gives the tenant organizations and connections with names.
func (r *rig) name(organizations, connections int) {
	for i := range organizations {
		r.tenant.AddOrganization(orgID(i), fmt.Sprint("org", i))
	}
	for i := range connections {
		r.tenant.AddConnection(connID(i), fmt.Sprint("con", i), "samlp")
	}
}

func TestNamesAreLookedUpByFewestCalls(t *testing.T) {
	many := func(n int) (rows []string) {
		for i := range n {
			rows = append(rows, fmt.Sprintf("org%d,con0", i%20), fmt.Sprintf("org%d,con%d", i, i%20))
		}
		return rows
	}
	for _, test := range []struct {
		organizations            int
		rows                     []string
		asks, lists, connections int // calls
	}{
		{250, []string{"org0,con0", "org1,con1", "org0,con1"}, 2, 0, 2},
		{250, []string{"org7,con0", "org8,con0", "org9,con0"}, 3, 1, 1},
		{250, []string{"org0,con0", "org1,con0", "org2,con0", "org101,con0"}, 0, 3, 1}, // the third page is not needed
		{1250, many(100), 0, 2, 2},
		{150, append(many(120), "org0,nope", "nope,con0"), 0, 3, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, simulator.Config{})
			r.name(test.organizations, 30)
			var names list.Names
			l, stop := r.lookUp(&names, test.rows...)
			if stop != nil || names.Missing() > 0 || l.Counts().Unidentified > 0 {
				t.Fatalf("%v, %d missing, %+v", stop, names.Missing(), l.Counts())
			}
			asks := r.tenant.Count("GET", "/api/v2/organizations/name/")
			lists := r.tenant.Count("GET", "/api/v2/organizations") - asks
			connections := r.tenant.Count("GET", "/api/v2/connections")
			if asks != test.asks || lists != test.lists || connections != test.connections {
				t.Errorf("%d names asked for, %d calls of lists, %d of connections, want %+v", asks, lists, connections, test)
			}
			found := r.journaled()
			for rec := range l.Records() {
				if found[rec.OrgName] != rec.OrgID || found[rec.ConnectionName] != rec.ConnectionID {
					t.Errorf("%+v is not what the journal has", rec)
				}
			}
		})
	}
}

// A lookup says how far it is, and how long it still takes.
func TestLookupHasAnETA(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "self-service")}, func(t *testing.T, r *rig) {
		r.name(10_000, 1) // so many that their list is not worth it
		var rows []string
		for i := range 50 {
			rows = append(rows, fmt.Sprintf("org%d,con0", i))
		}
		lookup := r.newLookup(new(list.Names), rows...)
		began, ended := time.Now(), make(chan *Stop)
		go func() { ended <- lookup.Do(r.stop) }()
		time.Sleep(10 * time.Second)
		p := lookup.Progress()
		if p.Rows != 51 || p.Done < 10 || p.Done > 40 {
			t.Errorf("%d of %d names", p.Done, p.Rows)
		}
		stop := <-ended
		if took, said := time.Since(began), 10*time.Second+p.ETA; stop != nil || (said-took).Abs() > took/5 {
			t.Errorf("%v: the lookup took %s, after 10 s it said %s", stop, took, said)
		}
	})
}

func TestNamesOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simulator.Config{})
		r.name(2, 2)
		l, stop := r.lookUp(new(list.Names), "org0,con1", "org0,Con1", "Org1,con1", "ä,con1", "a/b%2e?,con1")
		if stop != nil {
			t.Fatal(stop)
		}
		var got []string
		for rec := range l.Records() {
			got = append(got, rec.OrgID+" "+rec.ConnectionID+" "+string(rec.Outcome))
		}
		want := []string{orgID(0) + " " + connID(1) + " ", orgID(0) + "  not_found",
			" " + connID(1) + " not_found", " " + connID(1) + " not_found", " " + connID(1) + " not_found"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("rows\n got %q\nwant %q", got, want)
		}
	})
}

// A tenant that finds another organization than the one that was asked for has not
// found it: its rows must not be disabled.
func TestOrganizationOfAnotherName(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		r.name(2, 1)
		r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 200, Path: "/api/v2/organizations/name/Org1",
			Body: `{"id":"` + orgID(1) + `","name":"org1"}`})
		l, stop := r.lookUp(new(list.Names), "Org1,con0")
		if counts := l.Counts(); stop != nil || counts.Pairs != 0 || counts.UnknownOrganizations != 1 {
			t.Errorf("%v, %+v", stop, counts)
		}
		if n := r.tenant.Count("GET", "/api/v2/organizations/name/"); n != 1 {
			t.Errorf("%d asked for", n)
		}
	})
}

// Only 404 says that a name does not exist. A name for which no answer can be got
// is its row's failure, to be tried again; the other rows go on.
func TestNamesWithoutAnswer(t *testing.T) {
	for _, code := range []int{302, 400, 403, 405, 414, 451, 500} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.name(2, 2)
			r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: code, Path: "/api/v2/organizations/name/org1"})
			l, stop := r.lookUp(new(list.Names), "org0,con0", "org1,con1")
			if stop != nil {
				t.Fatalf("status %d: %v", code, stop)
			}
			if o := r.outcome(1); o.Outcome != journal.Failed || !strings.Contains(o.Message, fmt.Sprint("status ", code)) {
				t.Errorf("status %d: the row is %s: %q", code, o.Outcome, o.Message)
			}
			if counts := l.Counts(); counts.Pairs != 1 || counts.Unidentified != 1 || counts.UnknownOrganizations != 0 {
				t.Errorf("status %d: %+v", code, counts)
			}
			if ids := r.journaled(); len(ids) != 3 {
				t.Errorf("status %d: the journal has %v", code, ids)
			}
		})
	}
}

// A row has one outcome, if no answer could be got for one of its names or for both.
func TestConnectionNameWithoutAnswer(t *testing.T) {
	for _, organization := range []string{"org0", "org1"} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.name(2, 1)
			r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 400, Path: "/api/v2/organizations/name/org1"})
			r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 400, Path: "/api/v2/connections"})
			if _, stop := r.lookUp(new(list.Names), organization+",con0"); stop != nil {
				t.Fatal(stop)
			}
			outcomes := 0
			for _, rec := range r.records.all {
				if rec.Outcome != nil {
					outcomes++
				}
			}
			if outcomes != 1 || r.outcome(0).Outcome != journal.Failed {
				t.Errorf("%s: %d outcomes, the last is %s", organization, outcomes, r.outcome(0).Outcome)
			}
		})
	}
}

// Rows whose names could not be looked up, or do not exist, make the exit code 1; those
// left to be looked up are among the rows that resume counts.
func TestRowsWithoutIDsFail(t *testing.T) {
	for name, c := range map[string]struct {
		row       string
		missingOK bool
		exit      int
		left      int
	}{
		"no answer":                         {"org1,con1", true, journal.ExitFailedRows, 1},
		"no organization":                   {"nope,con1", false, journal.ExitFailedRows, 0},
		"no organization, but --missing-ok": {"nope,con1", true, journal.ExitOK, 0},
		"no connection":                     {"org0,nope", true, journal.ExitFailedRows, 0},
	} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.name(2, 2)
			r.tenant.SeedPairs(pairs(1, 1))
			r.tenant.Inject(simulator.Fault{Code: 400, Path: "/api/v2/organizations/name/org1"})
			l, stop := r.lookUp(new(list.Names), "org0,con0", c.row)
			if stop != nil {
				t.Fatal(stop)
			}
			r.settings.MissingOK = c.missingOK
			run, err := New(Config{Command: r.command, List: l, API: r.client(), Journal: &r.records, Settings: r.settings, Log: zap.NewNop()})
			if err != nil {
				t.Fatal(err)
			}
			if result := run.Do(r.stop); result.ExitCode != c.exit {
				t.Errorf("%s: exit %d: %q", name, result.ExitCode, result.Reason())
			}
			if left := r.replay().Left(l); left != c.left {
				t.Errorf("%s: %d rows are left, want %d", name, left, c.left)
			}
		})
	}
}

// A filter that is ignored sends other connections too, and the pages after the
// first.
func TestNamesInUnfilteredLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simulator.Config{})
		page := func(from int) string {
			items := make([]string, apiclient.PageSize)
			for i := range items {
				items[i] = fmt.Sprintf(`{"id":"%s","name":"con%d"}`, connID(from+i), from+i)
			}
			return "[" + strings.Join(items, ",") + "]"
		}
		for n := range 2 {
			r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 200, Path: "/api/v2/connections", Skip: n, Times: 1, Body: page(100 * n)})
		}
		r.name(1, 0)
		l, stop := r.lookUp(new(list.Names), "org0,con150")
		if stop != nil || l.Counts().Pairs != 1 || r.journaled()["con150"] != connID(150) {
			t.Errorf("%v, %+v, %v", stop, l.Counts(), r.journaled())
		}
	})
}

// Paging may be ignored. All names of a long page would not fit a record of the journal.
func TestNamesOfALongPageAreManyRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const organizations = 3 * notedAtOnce
		r := newRig(t, simulator.Config{})
		r.name(organizations, 1)
		var rows, items []string
		for i := range organizations {
			rows = append(rows, fmt.Sprintf("org%d,con0", i))
			items = append(items, fmt.Sprintf(`{"id":"%s","name":"org%d"}`, orgID(i), i))
		}
		r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 200, Path: "/api/v2/organizations", Skip: 1, // the count
			Body: `{"organizations":[` + strings.Join(items, ",") + `]}`})
		l, stop := r.lookUp(new(list.Names), rows...)
		if stop != nil || l.Counts().Pairs != organizations {
			t.Fatalf("%v, %+v", stop, l.Counts())
		}
		for _, rec := range r.records.all {
			if rec.Names != nil && len(rec.Names.Organizations) > notedAtOnce {
				t.Errorf("%d names in a record", len(rec.Names.Organizations))
			}
		}
	})
}

// A list proves nothing if it is shorter than the tenant says, if the tenant does not say
// how long it is, or if it cannot be read. Then the names are asked for one by one.
func TestNamesThatAListLacks(t *testing.T) {
	const organizations = "/api/v2/organizations"
	one := simulator.Fault{Kind: simulator.Status, Code: 200, Body: `{"organizations":[{"id":"` + orgID(3) + `","name":"org3"}]}`}
	for name, c := range map[string]struct {
		fault       simulator.Fault
		skip, times int // of the calls of lists, the first of which asks for the count
		asked       int
	}{
		"shorter":    {one, 1, 1, 4},
		"no count":   {one, 0, 2, 5},
		"unreadable": {simulator.Fault{Kind: simulator.Status, Code: 400}, 1, 1, 5},
	} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.name(10, 1)
			c.fault.Skip, c.fault.Times = c.skip, c.times
			c.fault.Match = func(req *http.Request) bool { return req.URL.Path == organizations }
			r.tenant.Inject(c.fault)
			l, stop := r.lookUp(new(list.Names), "org1,con0", "org2,con0", "org3,con0", "org4,con0", "nope,con0")
			if counts := l.Counts(); stop != nil || counts.Pairs != 4 || counts.UnknownOrganizations != 1 {
				t.Errorf("%s: %v, %+v", name, stop, counts)
			}
			if n := r.tenant.Count("GET", organizations+"/name/"); n != c.asked {
				t.Errorf("%s: %d asked for, want %d", name, n, c.asked)
			}
		})
	}
}

// listPages has the tenant send these pages of organizations, one after the other, by
// number. The first call, that for the count, is let pass.
func (r *rig) listPages(pages ...[]int) {
	for n, page := range pages {
		items := make([]string, len(page))
		for i, org := range page {
			items[i] = fmt.Sprintf(`{"id":"%s","name":"org%d"}`, orgID(org), org)
		}
		r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 200, Body: "[" + strings.Join(items, ",") + "]", Skip: 1 + n, Times: 1,
			Match: func(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/organizations") }})
	}
}

// numbers are those from one to before another, and more.
func numbers(from, to int, more ...int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return append(all, more...)
}

// movedPages are those of a list of 200 organizations. Between the first two, org0 is
// deleted and org200 is added, so that org100 is in none of them.
func movedPages() [][]int { return [][]int{numbers(0, 100), numbers(101, 201), {}} }

// movingPages are those of a list that changes for ever.
func movingPages() (pages [][]int) {
	for n := range maxFaults {
		pages = append(pages, numbers(0, 100), numbers(101+n, 102+n))
	}
	return pages
}

// A list that changes while its pages are read by number can lack what is there.
func TestNamesInAListThatChanges(t *testing.T) {
	for name, c := range map[string]struct {
		pages [][]int
		asks  int
	}{
		"once":       {append(movedPages(), numbers(1, 101), numbers(101, 201), nil), 0},
		"every time": {movingPages(), 1},
	} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.name(200, 1)
			r.listPages(c.pages...)
			l, stop := r.lookUp(new(list.Names), "org97,con0", "org98,con0", "org99,con0", "org100,con0")
			if counts := l.Counts(); stop != nil || counts.Pairs != 4 {
				t.Errorf("%s: %v, %+v", name, stop, counts)
			}
			if n := r.tenant.Count("GET", "/api/v2/organizations/name/"); n != c.asks {
				t.Errorf("%s: %d asked for, want %d", name, n, c.asks)
			}
		})
	}
}

// What was found before a stop is in the journal, and is not looked up again.
func TestLookupStopsAndGoesOn(t *testing.T) {
	tests := map[string]struct {
		set  func(*rig, context.CancelCauseFunc)
		code int
	}{
		"interrupted": {func(_ *rig, cancel context.CancelCauseFunc) {
			time.AfterFunc(20*time.Second, func() { cancel(&Stop{Code: journal.ExitInterrupted, Reason: "interrupted"}) })
		}, journal.ExitInterrupted},
		"out of reach": {func(r *rig, _ context.CancelCauseFunc) {
			time.AfterFunc(20*time.Second, func() { r.tenant.Inject(on("GET", status(503))) })
		}, journal.ExitStopped},
		"token revoked": {func(r *rig, _ context.CancelCauseFunc) {
			time.AfterFunc(20*time.Second, func() { r.tenant.Inject(on("GET", status(401))) })
		}, journal.ExitCredentials},
		"journal that fails": {func(r *rig, _ context.CancelCauseFunc) {
			time.AfterFunc(20*time.Second, func() {
				r.records.mu.Lock()
				defer r.records.mu.Unlock()
				r.records.fail = errors.New("disk full")
			})
		}, journal.ExitStopped},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				plan, _ := plans.ByName("self-service")
				r := newRig(t, simulator.Config{Plan: plan})
				r.name(60_000, 1) // so many that their list is not worth it
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				r.stop = ctx
				test.set(r, cancel)
				var rows []string
				for i := range 100 {
					rows = append(rows, fmt.Sprintf("org%d,con0", i))
				}
				var names list.Names
				l, stop := r.lookUp(&names, rows...)
				found := r.journaled()
				if stop == nil || stop.Code != test.code || len(found) < 20 || len(found) > 100 {
					t.Fatalf("%+v, %d found", stop, len(found))
				}
				if counts := l.Counts(); counts.Pairs != len(found)-1 || counts.Unidentified != 101-len(found) {
					t.Errorf("%d in the journal, %+v", len(found), counts)
				}
				r.goOn(rows, found)
			})
		})
	}
}

// goOn looks up what is left, and fails where a name is looked up again.
func (r *rig) goOn(rows []string, found map[string]string) {
	r.t.Helper()
	r.stop = context.Background()
	r.tenant.ClearFaults()
	r.records.fail = nil
	var names list.Names
	for _, rec := range r.records.all {
		if rec.Names != nil {
			names.Add(*rec.Names)
		}
	}
	before := r.tenant.Count("GET", "/api/v2/organizations/name/")
	l, stop := r.lookUp(&names, rows...)
	if stop != nil || l.Counts().Pairs != len(rows) {
		r.t.Fatalf("%v, %+v", stop, l.Counts())
	}
	if n := r.tenant.Count("GET", "/api/v2/organizations/name/") - before; n != 101-len(found) {
		r.t.Errorf("%d looked up, of which %d were left", n, 101-len(found))
	}
}

func TestIDThatCannotBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simulator.Config{})
		r.name(1, 0)
		r.tenant.AddConnection("../con_1", "con0", "samlp")
		l, stop := r.lookUp(new(list.Names), "org0,con0")
		if stop == nil || stop.Code != journal.ExitStopped || l.Counts().Unidentified != 1 {
			t.Errorf("%v, %+v", stop, l.Counts())
		}
	})
}

// The journal has every name before the list is told.
func TestFormerKnowsNames(t *testing.T) {
	entries := func(yield func(journal.Entry, error) bool) {
		yield(journal.Entry{Record: journal.Record{Names: &journal.Names{Organizations: map[string]string{"acme": orgID(1)}}}}, nil)
	}
	history, err := Replay(entries)
	if err != nil {
		t.Fatal(err)
	}
	history.Names.Organizations.Want("acme")
	if history.Names.Missing() != 0 {
		t.Error("acme is to be looked up again")
	}
}

// Rows that failed by the lookup of their names count for --max-failures, and the names
// that were found show that the tenant is the right one. They are no reason to let more
// of the other calls fail.
func TestMaxFailuresCountsNames(t *testing.T) {
	for name, c := range map[string]struct {
		limit   string
		named   NamedRows
		missing bool // the organizations of the rows do not exist
		calls   int
		stops   bool
	}{
		"too many names":                {"3", NamedRows{10, 3}, false, 0, true},
		"names and rows together":       {"5", NamedRows{10, 3}, true, 2 * 2, true}, // two families are asked,
		"a share of the names":          {"50%", NamedRows{1000, 120}, false, 2 * 120, false},
		"too large a share":             {"10%", NamedRows{1000, 120}, false, 0, true},
		"most rows, though names exist": {"50%", NamedRows{1000, 0}, true, 2 * 100, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				rows := pairs(120, 1)
				if !c.missing {
					r.tenant.SeedPairs(rows)
				}
				r.settings.AllowLockout, r.settings.Workers = true, 1
				if err := r.settings.MaxFailures.UnmarshalText([]byte(c.limit)); err != nil {
					t.Fatal(err)
				}
				run := r.newRun(rows)
				run.LookedUp, run.Named = c.named, true
				result := run.Do(r.stop)
				if (result.Stop != nil) != c.stops {
					t.Errorf("%+v", result)
				}
				if result.Stop != nil && strings.Contains(result.Stop.Reason, "no organization") {
					t.Error(result.Stop)
				}
				if calls := r.count("GET") + r.count("DELETE"); calls != c.calls {
					t.Errorf("%d calls, want %d", calls, c.calls)
				}
			})
		})
	}
}
