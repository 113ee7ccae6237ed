package batch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

// export exports the rig's tenant, and returns the pairs in short.
func (r *rig) export(cfg ExportConfig, write func([]ExportedPair) error) ([]string, *Stop) {
	cfg.API, cfg.Settings, cfg.Log = r.client(), r.settings, zap.NewNop()
	var got []string
	e := NewExport(cfg)
	stop := e.Do(r.stop, func(pairs []ExportedPair) error {
		for _, p := range pairs {
			got = append(got, fmt.Sprintf("%s %s %s %s", p.OrgID, p.OrgName, p.ConnectionID, p.Link.Name))
		}
		if write != nil {
			return write(pairs)
		}
		return nil
	})
	if p := e.Progress(); stop == nil && p.ETA != 0 {
		r.t.Errorf("at the end the ETA is %s", p.ETA)
	}
	return got, stop
}

// exportedText is a pair as export shows it.
func exportedText(org, connection int) string {
	return fmt.Sprintf("%s org-%016d %s con-%016d", orgID(org), org, connID(connection), connection)
}

// enable enables pairs and nothing else.
func (r *rig) enable(rows []simulator.Pair) {
	for _, p := range rows {
		r.tenant.Enable(p.OrganizationID, simulator.DefaultSettings(p.ConnectionID))
	}
}

func expectPairs(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("pairs\n got %v\nwant %v", got, want)
	}
}

// More organizations than offsets reach, in the tenant's order, each read once.
func TestExportOfThousands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simulator.Config{Latency: 100 * time.Millisecond})
		r.enable(pairs(2500, 2))
		got, stop := r.export(ExportConfig{}, nil)
		if stop != nil {
			t.Fatal(stop)
		}
		var want []string
		for org := range 2500 {
			want = append(want, exportedText(org, 0), exportedText(org, 1))
		}
		expectPairs(t, got, want...)
		if n := r.count("GET"); n != 1+25+2500 {
			t.Errorf("%d calls, want one to count, 25 pages and 2500 reads", n)
		}
	})
}

// A list that ends before the tenant's own total is not the whole.
func TestExportOfHalfAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simulator.Config{})
		r.enable(pairs(150, 1))
		r.tenant.Inject(simulator.Fault{Code: http.StatusOK, Body: `{"organizations":[]}`, Match: func(req *http.Request) bool {
			return req.URL.Query().Has("from")
		}})
		got, stop := r.export(ExportConfig{}, nil)
		if stop == nil || stop.Code != journal.ExitStopped || len(got) != 100 || !strings.Contains(stop.Hint, "export again") {
			t.Errorf("%d pairs, stop %v", len(got), stop)
		}
	})
}

// An export that an organization stops names it.
func TestExportNamesWhatStopsIt(t *testing.T) {
	var links []string
	for i := range 100 {
		links = append(links, `{"connection_id":"`+connID(i)+`"}`)
	}
	always := `{"total":200,"enabled_connections":[` + strings.Join(links, ",") + `]}` // whatever page is asked for
	for reason, fault := range map[string]simulator.Fault{
		"list enabled connections: status 400":    {Code: http.StatusBadRequest},
		"the list of enabled connections changed": {Code: http.StatusOK, Body: always},
	} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.enable(pairs(3, 1))
			r.settings.API = apiclient.OlderFamily
			fault.Path = "/api/v2/organizations/" + orgID(1) + "/"
			r.tenant.Inject(fault)
			_, stop := r.export(ExportConfig{}, nil)
			if want := "organization " + orgID(1) + ": " + reason; stop == nil || stop.Code != journal.ExitStopped || !strings.HasPrefix(stop.Reason, want) {
				t.Errorf("stop %+v, want one with code %d: %s", stop, journal.ExitStopped, want)
			}
		})
	}
}

// Each kind of call has a bucket of its own at Auth0, and so its own throttle.
func TestCallsKeepToTheirThrottle(t *testing.T) {
	for name, c := range map[string]struct {
		organizations, connections []string
		calls                      [5]int64
	}{
		"all":     {nil, nil, [5]int64{2, 0, 0, 0, 3}},
		"by id":   {[]string{orgID(0), orgID(1)}, nil, [5]int64{0, 2, 0, 0, 2}},
		"by name": {[]string{"org0"}, []string{"con0"}, [5]int64{0, 0, 1, 1, 1}},
	} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.enable(pairs(3, 1))
			r.name(1, 1)
			e := NewExport(ExportConfig{API: r.client(), Organizations: c.organizations, Connections: c.connections, Settings: r.settings, Log: zap.NewNop()})
			if stop := e.Do(r.stop, func([]ExportedPair) error { return nil }); stop != nil {
				t.Fatalf("%s: %v", name, stop)
			}
			var sent [5]int64
			for i, throttle := range []*caller{e.lists, e.byID, e.byName, e.connections, e.links.caller} {
				sent[i] = throttle.sent.Load()
			}
			if sent != c.calls {
				t.Errorf("%s: calls of lists, by id, by name, of connections, of links: %v, want %v", name, sent, c.calls)
			}
		})
	}
}

// Every organization of a list that changes while its pages are read by number is
// exported, and once, or the export fails.
func TestExportOfAListThatChanges(t *testing.T) {
	for name, c := range map[string]struct {
		pages  [][]int
		pairs  int
		reason string
	}{
		"once":       {append(movedPages(), numbers(1, 101), numbers(101, 201), nil, numbers(1, 101), numbers(101, 201), nil), 200, ""},
		"every time": {movingPages(), 105, "the tenant's list changed each time it was read"},
	} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			r.enable(pairs(200, 1))
			r.listPages(c.pages...)
			got, stop := r.export(ExportConfig{}, nil)
			if len(got) != c.pairs || c.reason == "" && stop != nil || c.reason != "" && (stop == nil || stop.Reason != c.reason) {
				t.Errorf("%s: %d pairs, %v", name, len(got), stop)
			}
		})
	}
}

func TestExportFilters(t *testing.T) {
	for _, test := range []struct {
		organizations, connections []string
		want                       []string
		calls                      int
	}{
		{nil, []string{connID(1)}, []string{exportedText(0, 1), exportedText(1, 1), exportedText(2, 1)}, 2 + 3},
		{nil, []string{"con-0000000000000000", connID(1)}, []string{
			exportedText(0, 0), exportedText(0, 1), exportedText(1, 0), exportedText(1, 1), exportedText(2, 0), exportedText(2, 1)}, 3 + 3},
		{[]string{orgID(2), "org-0000000000000001", "org-0000000000000002"}, []string{connID(0)},
			[]string{exportedText(2, 0), exportedText(1, 0)}, 3 + 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, simulator.Config{})
			r.enable(pairs(3, 3))
			got, stop := r.export(ExportConfig{Organizations: test.organizations, Connections: test.connections}, nil)
			if stop != nil {
				t.Fatal(stop)
			}
			expectPairs(t, got, test.want...)
			if n := r.count("GET"); n != test.calls {
				t.Errorf("%d calls, want %d", n, test.calls)
			}
		})
	}
}

// A connection that no organization has is told: most likely it is a typing error.
func TestExportTellsOfUnseenConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simulator.Config{})
		r.enable(pairs(2, 2))
		e := NewExport(ExportConfig{Connections: []string{connID(7), connID(1), connID(5)}, API: r.client(), Settings: r.settings, Log: zap.NewNop()})
		stop := e.Do(r.stop, func([]ExportedPair) error { return nil })
		if got := e.Unseen(); stop != nil || !slices.Equal(got, []string{connID(5), connID(7)}) {
			t.Errorf("%v, %v", got, stop)
		}
	})
}

// A tenant that ignores paging sends its first page again: that ends the list.
func TestExportWithoutPaging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simulator.Config{})
		r.enable(pairs(2, 1))
		r.tenant.Inject(simulator.Fault{
			Code: http.StatusOK, Match: func(req *http.Request) bool {
				return strings.HasSuffix(req.URL.Path, "/organizations") && !strings.Contains(req.URL.RawQuery, "include_totals")
			},
			Body: `{"organizations":[{"id":"` + orgID(0) + `","name":"a"},{"id":"` + orgID(1) + `","name":"b"}],"next":"more"}`,
		})
		limited, cancel := WithMaxDuration(r.stop, journal.Duration(time.Minute))
		defer cancel()
		r.stop = limited
		if got, stop := r.export(ExportConfig{}, nil); stop != nil || len(got) != 2 {
			t.Errorf("%v, %v", got, stop)
		}
	})
}

func TestExportOfUnknownNames(t *testing.T) {
	for _, cfg := range []ExportConfig{
		{Organizations: []string{"org-0000000000000000", "nope"}},
		{Organizations: []string{orgID(7)}},
		{Organizations: []string{".."}},
		{Connections: []string{"nope"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, simulator.Config{})
			r.enable(pairs(1, 1))
			got, stop := r.export(cfg, nil)
			if stop == nil || stop.Code != journal.ExitRefused || len(got) > 0 {
				t.Errorf("%v, %v", got, stop)
			}
		})
	}
}

func TestExportLeavesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simulator.Config{})
		r.enable(pairs(3, 1))
		off := simulator.DefaultSettings(connID(0))
		off.Off = true
		r.tenant.Enable(orgID(1), off)
		// One that is deleted after it was listed is no fault.
		r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 404, Path: "/api/v2/organizations/" + orgID(2) + "/"})
		got, stop := r.export(ExportConfig{}, nil)
		if stop != nil {
			t.Fatal(stop)
		}
		expectPairs(t, got, exportedText(0, 0))
	})
}

// The limits are kept, each group's own, and lost answers are repeated.
func TestExportAtThePaceOfTheTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan, _ := plans.ByName("enterprise")
		r := newRig(t, simulator.Config{Plan: plan})
		r.enable(pairs(110, 1))
		r.tenant.Inject(once(on("GET", simulator.Fault{Kind: simulator.Reset, Stage: simulator.AtHandler, Probability: 0.1})))
		began := time.Now()
		got, stop := r.export(ExportConfig{}, nil)
		if stop != nil || len(got) != 110 {
			t.Fatalf("%d pairs, %v", len(got), stop)
		}
		if took := time.Since(began); took < 55*time.Second || took > 90*time.Second {
			t.Errorf("it took %s, of which a bucket of 10 and 100 a minute allows a minute", took)
		}
		for _, group := range []string{plans.OrganizationConnectionsRead, plans.OrganizationsRead} {
			if refused := r.tenant.Bucket(group).Refused; refused > 0 {
				t.Errorf("%s: %d calls refused", group, refused)
			}
		}
	})
}

// An export says how far it is, and how long it still takes; but not if the tenant does
// not say how many organizations it has.
func TestExportHasAnETA(t *testing.T) {
	for _, counted := range []bool{true, false} {
		inBubble(t, simulator.Config{Plan: limits(t, "enterprise")}, func(t *testing.T, r *rig) {
			r.enable(pairs(110, 1))
			if !counted {
				r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 400, Match: func(req *http.Request) bool {
					return req.URL.Path == "/api/v2/organizations" && req.URL.Query().Has("include_totals")
				}})
			}
			e := NewExport(ExportConfig{API: r.client(), Settings: r.settings, Log: zap.NewNop()})
			began, ended := time.Now(), make(chan *Stop)
			go func() { ended <- e.Do(r.stop, func([]ExportedPair) error { return nil }) }()
			time.Sleep(20 * time.Second)
			p := e.Progress()
			stop := <-ended
			took, said := time.Since(began), 20*time.Second+p.ETA
			switch {
			case stop != nil || e.Progress().Done != 110 || p.Done == 0 || p.Done == 110:
				t.Errorf("%v: %d, in the end %d organizations", stop, p.Done, e.Progress().Done)
			case counted && (p.Rows != 110 || (said-took).Abs() > took/5):
				t.Errorf("the export of %d took %s, after 20 s it said %s", p.Rows, took, said)
			case !counted && (p.Rows != 0 || p.ETA != 0):
				t.Errorf("nobody knows that it is %d organizations and %s", p.Rows, p.ETA)
			}
		})
	}
}

// What was written when an export stops is its beginning, without gaps.
func TestExportStops(t *testing.T) {
	tests := map[string]struct {
		set  func(*rig, context.CancelCauseFunc)
		code int
	}{
		"interrupted": {func(r *rig, cancel context.CancelCauseFunc) {
			time.AfterFunc(5*time.Second, func() { cancel(&Stop{Code: journal.ExitInterrupted, Reason: "interrupted"}) })
		}, journal.ExitInterrupted},
		"out of reach": {func(r *rig, _ context.CancelCauseFunc) {
			time.AfterFunc(5*time.Second, func() { r.tenant.Inject(on("GET", status(503))) })
		}, journal.ExitStopped},
		"scope lost": {func(r *rig, _ context.CancelCauseFunc) {
			r.credentials = apiclient.Credentials{Token: apiclient.Secret(r.tenant.IssueToken("read:organizations"))}
		}, journal.ExitCredentials},
		"an organization that cannot be read": {func(r *rig, _ context.CancelCauseFunc) {
			f := status(500)
			f.Path = "/api/v2/organizations/" + orgID(300) + "/"
			r.tenant.Inject(f)
		}, journal.ExitStopped},
		"a list that cannot be read": {func(r *rig, _ context.CancelCauseFunc) {
			f := status(400)
			f.Match = func(req *http.Request) bool { return req.URL.Query().Has("from") }
			r.tenant.Inject(f)
		}, journal.ExitStopped},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, simulator.Config{Latency: 2 * time.Second})
				r.enable(pairs(2000, 1))
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				r.stop = ctx
				test.set(r, cancel)
				got, stop := r.export(ExportConfig{}, nil)
				if stop == nil || stop.Code != test.code || len(got) >= 2000 {
					t.Fatalf("%d pairs, %+v", len(got), stop)
				}
				for i, line := range got {
					if line != exportedText(i, 0) {
						t.Fatalf("line %d is %s", i, line)
					}
				}
			})
		})
	}
}

func TestExportThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simulator.Config{})
		r.enable(pairs(3000, 1))
		_, stop := r.export(ExportConfig{}, func([]ExportedPair) error { return errors.New("disk full") })
		if stop == nil || stop.Code != journal.ExitStopped || stop.Reason != "write the export: disk full" {
			t.Errorf("%+v", stop)
		}
		if n := r.count("GET"); n > exportWindow+200 {
			t.Errorf("%d calls after that", n)
		}
	})
}

// A slow writer holds the reads back, so that the memory stays bounded.
func TestExportReadsNotFarAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, simulator.Config{})
		r.enable(pairs(3000, 1))
		written := 0
		_, stop := r.export(ExportConfig{}, func([]ExportedPair) error {
			time.Sleep(time.Second)
			written++
			if ahead := r.tenant.Count("GET", "/api/v2/organizations/") - written; ahead > exportWindow+1 {
				return fmt.Errorf("%d organizations ahead", ahead)
			}
			return nil
		})
		if stop != nil {
			t.Error(stop)
		}
	})
}
