package batch

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

func TestDecideEnable(t *testing.T) {
	no := false
	hidden := &journal.Snapshot{LinkSettings: apiclient.LinkSettings{ShowAsButton: &no}}
	shown := &journal.Snapshot{LinkSettings: apiclient.LinkSettings{ShowAsButton: new(true)}}
	none := "none"
	full := "full"
	cases := []struct {
		name, links string
		listed      *journal.Snapshot
		row         row
		family      apiclient.Family
		outcome     journal.Outcome
		message     string
		switchesOn  bool
	}{
		{name: "not there", links: "b"},
		{name: "enabled already", links: "a b", outcome: journal.AlreadyEnabled},
		{name: "enabled with other settings", links: "a b", listed: hidden, outcome: journal.AlreadyEnabled, message: messageDiffers + "show_as_button"},
		{name: "enabled with these settings", links: "a~ b", listed: hidden, outcome: journal.AlreadyEnabled},
		{name: "enabled by an earlier attempt", links: "a", row: row{maybeDone: true}, outcome: journal.Enabled, message: messageEarlier},
		{name: "enabled by an earlier attempt, with a setting that does not apply", links: "a", listed: hidden, row: row{maybeDone: true}, outcome: journal.Enabled, message: messageEarlier},
		{name: "enabled by somebody else after an earlier attempt", links: "a~", listed: shown, row: row{maybeDone: true}, outcome: journal.AlreadyEnabled, message: messageDiffers + "show_as_button"},
		{name: "switched on by an earlier attempt", links: "a", listed: hidden, row: row{maybeDone: true, wasOff: true}, outcome: journal.Enabled, message: messageEarlier},
		{name: "switched off", links: "a- b", switchesOn: true},
		{name: "switched off with other settings", links: "a- b", listed: hidden, switchesOn: true, message: messageDiffers + "show_as_button"},
		{name: "switched off, older endpoints", links: "a- b", family: apiclient.OlderFamily, outcome: journal.Failed, message: messageCannotOn},
		{name: "nine links", links: "b c d e f g h i j-"},
		{name: "ten links", links: "b c d e f g h i j k-", outcome: journal.Blocked, message: fmt.Sprintf(messageFull, 10)},
		{name: "ten links, one of them is meant", links: "a b c d e f g h i j", outcome: journal.AlreadyEnabled},
		{name: "ten links, one to be switched on", links: "a- b c d e f g h i j", switchesOn: true},
		{name: "a setting that the tenant lacks", links: "", listed: &journal.Snapshot{LinkSettings: apiclient.LinkSettings{AccessLevel: &full}},
			family: apiclient.OlderFamily, message: messageLostInNew + "organization_access_level"},
		{name: "a default that the tenant lacks", links: "", listed: &journal.Snapshot{LinkSettings: apiclient.LinkSettings{AccessLevel: &none}},
			family: apiclient.OlderFamily},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.row.Row = list.Row{Line: 2, ConnectionID: "a", Wanted: c.listed}
			if c.family == "" {
				c.family = apiclient.NewerFamily
			}
			enabling{}.decide([]*row{&c.row}, c.family, byID(linksOf(c.links)))
			if d := c.row.decision; d.outcome != c.outcome || d.message != c.message || (d.link != nil) != c.switchesOn {
				t.Errorf("got %q %q, link %v, want %q %q", d.outcome, d.message, d.link, c.outcome, c.message)
			}
		})
	}
}

// An organization has room for ten links, also with those whose calls are on their way.
func TestEnableLeavesNoRowWithoutRoom(t *testing.T) {
	o := &organization{rows: rowsOf("a b c")}
	links := linksOf("1 2 3 4 5 6 7 8")
	check(o, enabling{}, links)
	if !o.claim(o.rows[0]) || o.rows[1].outcome != "" || o.rows[2].outcome != journal.Blocked {
		t.Fatalf("of three rows for two places, c is %q", o.rows[2].outcome)
	}
	check(o, enabling{}, append(links, linksOf("9")...))
	if o.rows[1].outcome != journal.Blocked {
		t.Error("row b is sent, though a's link will be the tenth")
	}
}

// unlinked is a list of enable whose tenant has organizations and connections, but no links.
func (r *rig) unlinked(rows []simulator.Pair) []simulator.Pair {
	r.restorable(rows)
	r.command = journal.CommandEnable
	return rows
}

// undo turns the rig's enable into its restore. The tenant's links before it were these.
func (r *rig) undo(rows []simulator.Pair, settings ...string) {
	r.command, r.undoes, r.records = journal.CommandRestore, journal.CommandEnable, memoryJournal{}
	text := "org_id,connection_id,outcome,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant\n"
	for i, p := range rows {
		text += fmt.Sprintf("%s,%s,enabled,%s,enable,tenant.example\n", p.OrganizationID, p.ConnectionID, settings[i])
	}
	r.input = text
}

func TestEnableWithTheListsSettings(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := r.unlinked(pairs(3, 1))
		off := simulator.DefaultSettings(connID(0))
		off.Off = true
		r.tenant.Enable(orgID(1), off)
		r.tenant.Enable(orgID(2), simulator.DefaultSettings(connID(0)))
		r.input = "org_id,connection_id,show_as_button,organization_access_level,is_signup_enabled\n"
		for _, p := range rows {
			r.input += fmt.Sprintf("%s,%s,no,readonly,\n", p.OrganizationID, p.ConnectionID)
		}
		if result := r.run(rows); result.ExitCode != journal.ExitOK {
			t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
		}
		r.expect(rows, "enabled", "enabled", "already_enabled")
		made, switched := r.tenant.Enabled(orgID(0))[0], r.tenant.Enabled(orgID(1))[0]
		if made.ShowAsButton || made.AccessLevel != "readonly" || made.AssignMembershipOnLogin {
			t.Errorf("the new link is %+v", made)
		}
		if switched.Off || !switched.ShowAsButton {
			t.Errorf("the link that was switched on is %+v", switched)
		}
		if posts, patches := r.count(http.MethodPost), r.count(http.MethodPatch); posts != 1 || patches != 1 {
			t.Errorf("%d links were made and %d switched on", posts, patches)
		}

		r.undo(rows[:2], ",,", "no,yes,")
		r.settings.AllowLockout = true
		r.run(rows[:2])
		r.expect(rows[:2], "restored", "restored")
		if links := r.tenant.Enabled(orgID(0)); len(links) > 0 {
			t.Errorf("the new link is still there: %v", links)
		}
		if links := r.tenant.Enabled(orgID(1)); len(links) != 1 || !links[0].Off {
			t.Errorf("the link that was switched on is %v", links)
		}
	})
}

// A link that shows no settings leaves a trace in the results all the same: without one,
// restore would remove it.
func TestLinkWithoutSettingsIsSwitchedOffAgain(t *testing.T) {
	rows := rowsOf("a")
	enabling{}.decide(rows, apiclient.NewerFamily, byID(linksOf("a-")))
	if cells := list.SettingCells(rows[0].link).Texts(); strings.Join(cells, "") == "" {
		t.Error("the results do not show that the link was there")
	}
}

func TestEnableDryRunOnlyReads(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := r.unlinked(pairs(3, 1))
		r.settings.DryRun = true
		r.run(rows)
		r.expect(rows, "would_enable*3")
		if writes := r.count(http.MethodPost) + r.count(http.MethodPatch); writes != 0 {
			t.Errorf("%d writes", writes)
		}
	})
}

// A connection that does not exist is found by the tenant's answer or, in a dry run, by
// a question of its own.
func TestEnableOfWhatIsNotThere(t *testing.T) {
	for _, dryRun := range []bool{false, true} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := r.unlinked(pairs(3, 2))
			r.settings.DryRun, r.connections = dryRun, true
			r.tenant.RemoveOrganization(orgID(2))
			r.tenant.RemoveConnection(connID(1))
			done := "enabled"
			if dryRun {
				done = "would_enable"
			}
			if result := r.run(rows); result.ExitCode != journal.ExitFailedRows {
				t.Errorf("exit %d: %v", result.ExitCode, result.Stop)
			}
			r.expect(rows, done, "not_found", done, "not_found", "not_found", "not_found")
		})
	}
}

// What is undone leaves no organization without a way in, and removes nothing that
// somebody has switched off meanwhile.
func TestUndoOfEnableIsGuarded(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := r.unlinked(pairs(4, 1))
		for i, p := range rows {
			link := simulator.DefaultSettings(p.ConnectionID)
			link.Off = i == 2
			if i != 3 {
				r.tenant.Enable(p.OrganizationID, link)
			}
			if i > 0 {
				r.tenant.Enable(p.OrganizationID, simulator.DefaultSettings(simulator.SpareConnection))
			}
		}
		r.undo(rows, ",,", ",,", ",,", ",,")
		r.run(rows)
		r.expect(rows, "blocked", "restored", "already_disabled", "already_disabled")
		if len(r.tenant.Enabled(orgID(2))) != 2 {
			t.Error("a link that is switched off was removed")
		}
	})
}

// Without the newer endpoints a link cannot be switched off again. It must not be
// removed instead: its settings would be lost.
func TestUndoNeedsTheNewerEndpoints(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := r.unlinked(pairs(1, 1))
		r.tenant.Enable(orgID(0), simulator.DefaultSettings(connID(0)))
		r.tenant.Enable(orgID(0), simulator.DefaultSettings(simulator.SpareConnection))
		r.undo(rows, "no,yes,")
		r.settings.API = apiclient.OlderFamily
		r.run(rows)
		r.expect(rows, "failed")
		if o := r.outcome(0); o.Message != messageCannotOff {
			t.Errorf("message %q", o.Message)
		}
	})
}

// After a kill, what a lost attempt has switched on counts as done by this run, though
// it kept other settings than the list's. So restore takes it back.
func TestResumeKnowsWhatWasSwitchedOn(t *testing.T) {
	for _, command := range []string{journal.CommandEnable, journal.CommandRestore} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := r.unlinked(pairs(1, 1))
			off := simulator.DefaultSettings(connID(0))
			off.Off = true
			r.tenant.Enable(orgID(0), off)
			r.input = fmt.Sprintf("org_id,connection_id,show_as_button\n%s,%s,no\n", orgID(0), connID(0))
			want := "enabled"
			if r.command = command; command == journal.CommandRestore {
				want, r.settings.KeepLink = "restored", true
				r.input = "line,org_id,connection_id,outcome,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant\n" +
					fmt.Sprintf("2,%s,%s,disabled,,no,,disable --keep-link,tenant.example\n", orgID(0), connID(0))
			}
			r.records.all = []journal.Record{{Header: &journal.Header{Command: command}}}
			r.run(rows)
			r.records.all = r.records.all[:len(r.records.all)-1] // its outcome
			r.resume(rows)
			r.expect(rows, want)
		})
	}
}

// What --api gives is recorded like what was found, so that the page and resume know.
func TestGivenFamilyIsRecorded(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(2, 1)
		r.tenant.SeedPairs(rows)
		r.settings.API = apiclient.OlderFamily
		r.run(rows)
		if got := r.replay().family(); got != apiclient.OlderFamily {
			t.Errorf("the journal has the family %q", got)
		}
	})
}

func TestLastLogins(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(3, 2)
		r.tenant.SeedPairs(rows)
		r.tenant.Disable(orgID(2), connID(1))
		at := time.Now().Add(-10 * 24 * time.Hour).Truncate(time.Second)
		r.tenant.Login(orgID(0), connID(0), at)
		r.tenant.Login(orgID(0), connID(0), at.Add(-time.Hour))
		r.tenant.Login(orgID(1), connID(1), time.Now().Add(-40*24*time.Hour))
		r.settings.UnusedFor = journal.Age(30 * 24 * time.Hour)
		r.run(rows)
		r.expect(rows, "blocked", "disabled", "disabled", "disabled", "disabled", "already_disabled")
		for i, want := range []string{at.UTC().Format(time.RFC3339), "none", "none", "", "none", ""} {
			if got := r.outcome(i).LastLogin; got != want && i != 3 {
				t.Errorf("row %d: last login %q, want %q", i, got, want)
			}
		}
		if asked := r.tenant.Count(http.MethodGet, "/api/v2/logs"); asked != 5 {
			t.Errorf("the log was read %d times for 5 links", asked)
		}
		if message := r.outcome(0).Message; !strings.Contains(message, "--unused-for 30d") {
			t.Errorf("message %q", message)
		}
	})
}

// However slow the tenant's log is, each login is read once: no check grows too old while
// others read theirs.
func TestSlowLog(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "self-service")}, func(t *testing.T, r *rig) {
		rows := pairs(150, 5)
		r.tenant.SeedPairs(rows)
		r.settings.UnusedFor = journal.Age(24 * time.Hour)
		if result := r.run(rows); result.ExitCode != journal.ExitOK {
			t.Errorf("exit %d: %s", result.ExitCode, result.Reason())
		}
		read := r.tenant.Count(http.MethodGet, "/api/v2/logs") - r.limited()
		if read > len(rows) {
			t.Errorf("the log was read %d times for %d links", read, len(rows))
		}
	})
}

// A pair with a login is left, so it is a way in: the organization's other pairs go.
func TestUsedConnectionIsAWayIn(t *testing.T) {
	inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
		rows := pairs(1, 2)
		r.tenant.Seed(rows)
		r.tenant.Disable(orgID(0), simulator.SpareConnection)
		r.tenant.Login(orgID(0), connID(1), time.Now().Add(-time.Hour))
		r.settings.UnusedFor = journal.Age(24 * time.Hour)
		r.run(rows)
		r.expect(rows, "disabled", "blocked")
	})
}

// Nothing is disabled if the log that should tell of logins cannot be read. As mere
// evidence it may be missing.
func TestLogThatCannotBeRead(t *testing.T) {
	for outcome, unusedFor := range map[string]time.Duration{"failed": time.Hour, "disabled": 0} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(1, 2)
			r.tenant.SeedPairs(rows)
			r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 400, Path: "/api/v2/logs"})
			r.settings.UnusedFor, r.settings.LastLogins = journal.Age(unusedFor), true
			r.run(rows)
			r.expect(rows, outcome+"*2")
			if message := r.outcome(0).Message; !strings.HasPrefix(message, messageNoLog) {
				t.Errorf("message %q", message)
			}
			if unusedFor > 0 && r.outcome(0).Snapshot == nil {
				t.Error("its link is not recorded, so its connection seems to be in no organization")
			}
		})
	}
}

// A run that stops while it reads the log gives no row up: resume asks for it again.
func TestStopWhileTheLogIsRead(t *testing.T) {
	for name, dryRun := range map[string]bool{"a run": false, "a dry run": true} {
		inBubble(t, simulator.Config{}, func(t *testing.T, r *rig) {
			rows := pairs(1, 1)
			r.tenant.SeedPairs(rows)
			r.tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: 503, Path: "/api/v2/logs"})
			r.tenant.Inject(simulator.Fault{Kind: simulator.Headers, Path: "/api/v2/logs", Edit: func(_ int, h http.Header) {
				h.Set("Retry-After", "25")
			}})
			r.settings.UnusedFor, r.settings.DryRun, r.settings.MaxDuration = journal.Age(time.Hour), dryRun, journal.Duration(10*time.Second)
			if result := r.run(rows); result.ExitCode != journal.ExitStopped {
				t.Errorf("%s: exit %d", name, result.ExitCode)
			}
			r.expect(rows, "not_attempted")
		})
	}
}

// The log has a bucket of its own, which may be the slowest.
func TestLogHoldsTheRunBack(t *testing.T) {
	inBubble(t, simulator.Config{Plan: limits(t, "self-service")}, func(t *testing.T, r *rig) {
		rows := pairs(200, 1)
		r.tenant.SeedPairs(rows)
		r.settings.DryRun, r.settings.LastLogins, r.settings.Workers = true, true, 128
		var slowest Progress
		r.during = func(run *Run) {
			time.Sleep(90 * time.Second)
			slowest = run.Progress()
		}
		r.run(rows)
		r.beside.Wait()
		r.expect(rows, "would_disable*200")
		if slowest.ETA < 20*time.Second {
			t.Errorf("after 90 s the run expects to take %s more", slowest.ETA)
		}
	})
}
