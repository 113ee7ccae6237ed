package batch

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// ofNewer limits a fault to the newer family of endpoints.
func ofNewer(f simulator.Fault) simulator.Fault {
	f.Match = func(r *http.Request) bool { return newerPath(r.URL.Path) }
	return f
}

func newerPath(path string) bool {
	return strings.Contains(path, "/organizations/") && strings.Contains(path, "/connections")
}

// countNewer counts the calls of a method to the newer family.
func (r *rig) countNewer(method string) (n int) {
	for _, call := range r.calls(method) {
		if newerPath(call.Path) {
			n++
		}
	}
	return n
}

// withoutFamily are the answers that a tenant without the newer family may give.
func withoutFamily() map[string]simulator.Fault {
	return map[string]simulator.Fault{
		"404":                    {Kind: simulator.Status, Code: 404},
		"403":                    {Kind: simulator.Status, Code: 403},
		"403 insufficient_scope": {Kind: simulator.Status, Code: 403, ErrorCode: "insufficient_scope"},
		"405":                    {Kind: simulator.Status, Code: 405},
		"400":                    {Kind: simulator.Status, Code: 400},
		"a page of status 200":   {Kind: simulator.Page, Code: 200},
		"a page of status 404":   {Kind: simulator.Page, Code: 404},
	}
}

// A tenant without the newer family costs one call a run, whatever it answers, and
// one of the tokens at most. Everything else is as ever.
func TestTenantWithoutTheNewerFamily(t *testing.T) {
	for name, fault := range withoutFamily() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				r.tenant.Inject(ofNewer(fault))
				rows := pairs(40, 1)
				r.tenant.SeedPairs(rows)
				if result := r.run(rows); result.ExitCode != journal.ExitOK {
					t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
				}
				r.expect(rows, "disabled*40")
				if newer, reads := r.countNewer(http.MethodGet), r.count(http.MethodGet); newer != 1 || reads != 41 {
					t.Errorf("%d calls to the newer family and %d reads, want 1 and 41", newer, reads)
				}
				if tokens := r.tenant.Count(http.MethodPost, "/oauth/token"); tokens != 1 {
					t.Errorf("%d tokens", tokens)
				}
			})
		})
	}
}

// An organization that does not exist says nothing of the family, and the other way
// round.
func TestMissingOrganizationIsNoMissingFamily(t *testing.T) {
	for _, lacks := range []bool{false, true} {
		t.Run(fmt.Sprintf("the family is missing: %t", lacks), func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				rows := pairs(5, 1)
				r.tenant.SeedPairs(rows)
				r.tenant.RemoveOrganization(orgID(0))
				r.tenant.RemoveOrganization(orgID(1))
				reads := 2*2 + 3
				if lacks {
					r.tenant.Inject(ofNewer(status(404)))
					reads++
				}
				r.run(rows)
				r.expect(rows, "not_found*2", "disabled*3")
				if n := r.count(http.MethodGet); n != reads {
					t.Errorf("%d reads, want %d", n, reads)
				}
			})
		})
	}
}

// An answer that is worth repeating does not decide for the older family.
func TestFaultIsNoMissingFamily(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"503": status(503), "429": status(429), "no answer": {Kind: simulator.Reset}, "an expired token": {Kind: simulator.Expire},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				fault.Times = 1
				r.tenant.Inject(ofNewer(fault))
				rows := pairs(4, 1)
				r.tenant.SeedPairs(rows)
				r.tenant.Enable(orgID(3), simulator.EnabledConnection{ConnectionID: connID(0), Off: true})
				r.run(rows)
				r.expect(rows, "disabled*3", "already_disabled")
				if newer, reads := r.countNewer(http.MethodGet), r.count(http.MethodGet); newer != reads {
					t.Errorf("%d of %d reads went to the older family", reads-newer, reads)
				}
			})
		})
	}
}

// Credentials that are refused everywhere still end the run at once.
func TestRefusalByBothFamiliesIsToldAsEver(t *testing.T) {
	for name, fault := range map[string]simulator.Fault{
		"403":                    status(403),
		"403 insufficient_scope": {Kind: simulator.Status, Code: 403, ErrorCode: "insufficient_scope"},
		"401":                    status(401),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				r.tenant.Inject(on(http.MethodGet, fault))
				rows := pairs(20, 1)
				r.tenant.SeedPairs(rows)
				result := r.run(rows)
				if result.ExitCode != journal.ExitCredentials || r.count(http.MethodDelete) > 0 {
					t.Errorf("exit %d: %v, %d writes", result.ExitCode, result.Stop, r.count(http.MethodDelete))
				}
				if reads := r.count(http.MethodGet); reads > 4 {
					t.Errorf("%d reads", reads)
				}
			})
		})
	}
}

// A run that is resumed keeps to its family, whatever the tenant answers meanwhile.
func TestResumedRunKeepsToItsFamily(t *testing.T) {
	for _, lacks := range []bool{false, true} {
		t.Run(fmt.Sprintf("the family was missing: %t", lacks), func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				rows := pairs(6, 1)
				r.tenant.SeedPairs(rows)
				r.tenant.Inject(onRow(rows[2], status(400)))
				if lacks {
					r.tenant.Inject(ofNewer(status(404)))
				}
				r.run(rows)
				r.expect(rows, "disabled*2", "failed", "disabled*3")
				r.tenant.ClearFaults()
				if !lacks {
					r.tenant.Inject(ofNewer(simulator.Fault{Kind: simulator.Status, Code: 404, Times: 1}))
				}
				newer, reads := r.countNewer(http.MethodGet), r.count(http.MethodGet)
				r.resume(rows)
				newer, reads = r.countNewer(http.MethodGet)-newer, r.count(http.MethodGet)-reads
				if lacks && newer != 0 || !lacks && newer != reads {
					t.Errorf("%d of %d reads went to the newer family", newer, reads)
				}
			})
		})
	}
}

// Each way decides as --api says, and asks nothing of the other family.
func TestFamilyThatIsGiven(t *testing.T) {
	for family, newer := range map[apiclient.Family]int{apiclient.NewerFamily: 3, apiclient.OlderFamily: 0} {
		t.Run(string(family), func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				r.settings.API = family
				rows := pairs(3, 1)
				r.tenant.SeedPairs(rows)
				r.run(rows)
				r.expect(rows, "disabled*3")
				if n := r.countNewer(http.MethodGet); n != newer || r.count(http.MethodGet) != 3 {
					t.Errorf("%d of %d reads went to the newer family, want %d of 3", n, r.count(http.MethodGet), newer)
				}
			})
		})
	}
}

// allSettings are links in all combinations of their settings, one organization each.
func allSettings(r *rig) (rows []simulator.Pair) {
	for n := range 2 * 2 * 2 * 2 * 4 {
		bit := func(b int) bool { return n>>b&1 == 1 }
		p := pair(n, n)
		strategy := "samlp"
		if bit(1) {
			strategy = "auth0"
		}
		r.tenant.AddConnection(p.ConnectionID, "", strategy)
		link := simulator.EnabledConnection{
			ConnectionID: p.ConnectionID, AssignMembershipOnLogin: bit(0), IsSignupEnabled: bit(0) && bit(1), ShowAsButton: bit(2), Off: bit(3),
			AccessLevel: []string{"", "readonly", "limited", "full"}[n>>4],
		}
		if bit(0) != bit(3) {
			link.Alias = fmt.Sprint("name-", n)
		}
		r.tenant.Enable(p.OrganizationID, link)
		r.tenant.Enable(p.OrganizationID, simulator.DefaultSettings(simulator.SpareConnection))
		rows = append(rows, p)
	}
	return rows
}

// restore restores what the run before did, with the snapshots in its journal.
func (r *rig) restore(rows []simulator.Pair) Result {
	r.t.Helper()
	snapshots := map[int]*journal.Snapshot{}
	for _, rec := range r.records.all {
		if rec.Intent != nil {
			snapshots[rec.Intent.Line] = rec.Intent.Snapshot
		}
	}
	label := journal.Label{Command: journal.CommandDisable, KeepLink: r.settings.KeepLink}
	var text strings.Builder
	fmt.Fprintln(&text, strings.Join(list.ResultsColumns(), ","))
	for i, p := range rows {
		result := list.Result{Command: label.String(), Tenant: "tenant.example"}
		result.Record = list.Record{Line: i + 2, OrgID: p.OrganizationID, ConnectionID: p.ConnectionID, Outcome: r.outcome(i).Outcome, Snapshot: snapshots[i+2]}
		fmt.Fprintln(&text, strings.Join(result.Cells().Texts(), ","))
	}
	r.command, r.input, r.records.all, r.history = journal.CommandRestore, text.String(), nil, nil
	return r.run(rows)
}

// What was disabled comes back field by field, and what was off stays off: when links
// are removed, and when they are kept.
func TestEverySettingComesBack(t *testing.T) {
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("links are kept: %t", keep), func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				rows := allSettings(r)
				before := fmt.Sprint(linksIn(r.tenant))
				r.settings.KeepLink = keep
				if result := r.run(rows); result.ExitCode != journal.ExitOK {
					t.Fatalf("exit %d: %v", result.ExitCode, result.Stop)
				}
				for i, p := range rows {
					if r.on(p) || keep && !r.enabled(p) {
						t.Errorf("%v is %s, and on %t, there %t", p, r.outcome(i).Outcome, r.on(p), r.enabled(p))
					}
				}
				if deletes, patches := r.count(http.MethodDelete), r.count(http.MethodPatch); keep && deletes > 0 || !keep && patches > 0 {
					t.Errorf("%d DELETEs and %d PATCHes", deletes, patches)
				}
				r.restore(rows)
				if after := fmt.Sprint(linksIn(r.tenant)); after != before {
					t.Errorf("the tenant had\n%s and now has\n%s", before, after)
				}
			})
		})
	}
}

// on reports whether the tenant has the pair, and not switched off.
func (r *rig) on(p simulator.Pair) bool {
	for _, link := range r.tenant.Enabled(p.OrganizationID) {
		if link.ConnectionID == p.ConnectionID {
			return !link.Off
		}
	}
	return false
}

// A dry run sends no PATCH, and neither does any run where the family is missing.
func TestKeepLinkSendsNothingTooEarly(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(3, 1)
		r.tenant.SeedPairs(rows)
		r.settings.KeepLink, r.settings.DryRun = true, true
		r.run(rows)
		r.expect(rows, "would_disable*3")
		if n := len(r.tenant.Calls()) - r.count(http.MethodGet); n != 1 { // the token
			t.Errorf("%d calls that are no reads", n)
		}
	})
	for name, fault := range withoutFamily() {
		t.Run(name, func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				r.tenant.Inject(ofNewer(fault))
				rows := pairs(3, 1)
				r.tenant.SeedPairs(rows)
				r.settings.KeepLink = true
				for range 2 { // a run that is resumed does not do it either
					result := r.resume(rows)
					if result.ExitCode != journal.ExitRefused || result.Stop == nil || result.Stop.Hint == "" {
						t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
					}
				}
				r.expect(rows, "not_attempted*3")
				if n := r.count(http.MethodPatch) + r.count(http.MethodDelete); n > 0 {
					t.Errorf("%d writes", n)
				}
			})
		})
	}
}

// Who keeps links is told which of them others can switch on again.
func TestKeptLinkThatOthersCanSwitchOnIsTold(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(4, 1)
		r.tenant.SeedPairs(rows)
		for i, level := range []string{"none", "readonly", "limited", "full"} {
			r.tenant.Enable(orgID(i), simulator.EnabledConnection{ConnectionID: connID(0), ShowAsButton: true, AccessLevel: level})
		}
		r.settings.KeepLink = true
		r.run(rows)
		for i, warned := range []bool{false, false, true, true} {
			if message := r.outcome(i).Message; strings.Contains(message, "organization_access_level") != warned {
				t.Errorf("row %d: %q", i, message)
			}
		}
	})
}

// An answer to a PATCH that was lost is asked for again; a kill is understood by a read.
func TestLostAnswerToAPatch(t *testing.T) {
	for _, stage := range []simulator.Stage{simulator.AtEdge, simulator.AfterEffect} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(4, 1)
			r.tenant.SeedPairs(rows)
			r.settings.KeepLink = true
			r.tenant.Inject(on(http.MethodPatch, simulator.Fault{Kind: simulator.Reset, Stage: stage}))
			r.run(rows)
			r.expect(rows, "unknown*4")
			r.tenant.ClearFaults()
			r.resume(rows)
			r.expect(rows, "disabled*4")
			for _, p := range rows {
				if r.on(p) || !r.enabled(p) {
					t.Errorf("%v: on %t, there %t", p, r.on(p), r.enabled(p))
				}
			}
		})
	}
}

// A link that is gone when it is to be switched off, or on, is understood by a read.
func TestKeptLinkThatIsGone(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(2, 1)
		r.tenant.SeedPairs(rows)
		r.settings.KeepLink = true
		r.tenant.Inject(onRow(rows[0], simulator.Fault{Kind: simulator.Status, Code: 404}))
		r.unsent = func(req *http.Request) error {
			if req.Method == http.MethodPatch && strings.Contains(req.URL.Path, orgID(1)) {
				r.tenant.Disable(orgID(1), connID(0))
			}
			return nil
		}
		r.run(rows)
		r.expect(rows, "failed", "already_disabled")
	})
}

// What the older endpoints cannot give back is named, never lost silently.
func TestSettingsThatCannotBeGivenBackAreNamed(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(2, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Enable(orgID(0), simulator.EnabledConnection{ConnectionID: connID(0), AccessLevel: "full", Alias: "staff"})
		r.run(rows)
		r.tenant.Inject(ofNewer(status(404)))
		r.restore(rows)
		if message := r.outcome(0).Message; message != messageLost+"organization_access_level, organization_connection_name" {
			t.Errorf("row 0: %q", message)
		}
		if message := r.outcome(1).Message; message != "" {
			t.Errorf("row 1 lost nothing: %q", message)
		}
	})
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(on(http.MethodGet, simulator.Fault{Kind: simulator.Status, Code: 200, Body: fmt.Sprintf(
			`[{"connection_id":%q,"organization_member_access_level":"full"},{"connection_id":"con_other"}]`, connID(0))}))
		r.run(rows)
		if o := r.outcome(0); o.Outcome != journal.Disabled || o.Message != messageUnknown+`"organization_member_access_level"` {
			t.Errorf("%s: %q", o.Outcome, o.Message)
		}
		for _, rec := range r.records.all {
			if rec.Intent != nil && string(rec.Intent.Snapshot.Unknown["organization_member_access_level"]) != `"full"` {
				t.Errorf("the journal has not kept it: %+v", rec.Intent.Snapshot)
			}
		}
	})
}

// Every write carries its own id, and every attempt of a write the same one. The
// journal has it before the write is sent.
func TestWritesCarryTheirIDs(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		r.runID = "k3v9q2m7x4ta"
		rows := pairs(6, 1)
		r.tenant.SeedPairs(rows)
		r.tenant.Inject(on(http.MethodDelete, once(status(503))))
		var mu sync.Mutex
		sent := map[string]int{} // attempts by id
		r.unsent = func(req *http.Request) error {
			mu.Lock()
			defer mu.Unlock()
			id := req.Header.Get("X-Correlation-ID")
			if req.Method == http.MethodGet && id != "" {
				t.Errorf("a read has the id %q", id)
			}
			if req.Method == http.MethodDelete {
				sent[id]++
			}
			return nil
		}
		r.run(rows)
		for _, rec := range r.records.all {
			if rec.Intent == nil {
				continue
			}
			p := rows[rec.Intent.Line-2]
			want := journal.CorrelationID(r.runID, rec.Intent.Line, p.OrganizationID, p.ConnectionID)
			if rec.Intent.CorrelationID != want || sent[want] != 2 {
				t.Errorf("line %d: the journal has %q, want %q, which was sent %d times", rec.Intent.Line, rec.Intent.CorrelationID, want, sent[want])
			}
		}
		if len(sent) != len(rows) {
			t.Errorf("%d ids for %d writes", len(sent), len(rows))
		}
	})
}

// An export goes by the same family, with one call more if the newer one is missing. It
// leaves out links that are off.
func TestExportFindsTheFamily(t *testing.T) {
	for _, lacks := range []bool{false, true} {
		t.Run(fmt.Sprintf("the family is missing: %t", lacks), func(t *testing.T) {
			inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
				rows := pairs(30, 1)
				for _, p := range rows {
					r.tenant.Enable(p.OrganizationID, simulator.DefaultSettings(p.ConnectionID))
				}
				want, reads := 30, 30
				if lacks {
					r.tenant.Inject(ofNewer(status(404)))
					reads++
				} else {
					r.tenant.Enable(orgID(7), simulator.EnabledConnection{ConnectionID: connID(0), Off: true})
					want--
				}
				export := NewExport(ExportConfig{API: r.client(), Settings: r.settings, Log: r.log})
				got := 0
				if stop := export.Do(r.stop, func(pairs []ExportedPair) error { got += len(pairs); return nil }); stop != nil {
					t.Fatal(stop)
				}
				if n := r.tenant.Count(http.MethodGet, "/api/v2/organizations/"); got != want || n != reads {
					t.Errorf("%d pairs by %d reads, want %d by %d", got, n, want, reads)
				}
			})
		})
	}
}
