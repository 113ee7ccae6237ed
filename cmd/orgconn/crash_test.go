package main

import (
	"encoding/csv"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

var kills = flag.Int("kills", 30, "kills of TestCrash, at least")

// TestCrash kills the process at random instants while the tenant misbehaves,
// resumes until the run is done, and restores in the same way.
func TestCrash(t *testing.T) {
	t.Parallel()
	c := &crash{t: t, tenant: newSimulated(simulator.Config{Latency: 5 * time.Millisecond})}
	if err := c.tenant.listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer c.tenant.close()
	c.startup = time.Minute
	for range 3 {
		began := time.Now()
		start(t, c.tenant, t.TempDir(), "version").end()
		c.startup = min(c.startup, time.Since(began))
	}
	for round := 0; c.kills < *kills; round++ {
		c.round(fmt.Sprintf("round%d", round))
	}
	t.Logf("%d kills, %d rows", c.kills, c.rows)
}

type crash struct {
	t           *testing.T
	tenant      *simulated
	startup     time.Duration // of the process, which takes long with the race detector
	kills, rows int
}

// round disables a list and restores it, with kills.
func (c *crash) round(name string) {
	dir := c.t.TempDir()
	pairs := populate(c.tenant, name)
	before := links(c.tenant.Tenant)
	writePairs(c.t, filepath.Join(dir, "pairs.csv"), pairs)
	c.misbehave()
	c.until(dir, "run", "disable", "--yes", "--max-failures", "0", "--out", "run", "pairs.csv")
	expectOutcome(c.t, filepath.Join(dir, "run"), len(pairs), "disabled")
	for _, p := range pairs {
		if slices.ContainsFunc(c.tenant.Enabled(p.OrganizationID), func(l simulator.EnabledConnection) bool { return l.ConnectionID == p.ConnectionID }) {
			c.t.Errorf("%v is still enabled", p)
		}
	}
	c.misbehave()
	c.until(dir, "back", "restore", "--yes", "--max-failures", "0", "--out", "back", "run")
	expectOutcome(c.t, filepath.Join(dir, "back"), len(pairs), "restored")
	if after := links(c.tenant.Tenant); after != before {
		c.t.Errorf("before:\n%s\nafter restore:\n%s", before, after)
	}
	c.rows += len(pairs)
}

// populate makes 20 organizations with four connections each, and returns the pairs
// of three of them.
func populate(tenant *simulated, name string) []simulator.Pair {
	var pairs []simulator.Pair
	for org := range 20 {
		for connection := range 3 {
			pairs = append(pairs, simulator.Pair{
				OrganizationID: fmt.Sprintf("org_%s%0*d", name, 16-len(name), org), ConnectionID: fmt.Sprintf("con_%016d", connection),
			})
		}
	}
	tenant.SeedPairs(pairs)
	return pairs
}

// misbehave makes the tenant lose answers, fail, and refuse calls for lack of tokens.
func (c *crash) misbehave() {
	c.tenant.ClearFaults()
	plan, _ := plans.ByName("private-500")
	c.tenant.SetPlan(plan)
	for _, f := range []simulator.Fault{
		{Kind: simulator.Reset, Stage: simulator.AfterEffect},
		{Kind: simulator.Status, Code: 503},
		{Kind: simulator.Status, Code: 429},
	} {
		f.Path, f.Probability = apiPath, 0.05
		c.tenant.Inject(f)
	}
}

// until runs a command and then resume, killing most of them, until the run ends by
// itself.
func (c *crash) until(dir, run string, command ...string) {
	for invocation := 0; ; invocation++ {
		code, output := c.kill(dir, invocation, command)
		switch {
		case code == journal.ExitOK:
			return
		case code == journal.ExitFailedRows || code == killed || code == journal.ExitStopped:
		default:
			c.t.Fatalf("%v: exit %d\n%s", command, code, output)
		}
		if invocation > 100 {
			c.t.Fatalf("the run does not end: exit %d\n%s", code, output)
		}
		if _, err := os.Stat(filepath.Join(dir, run)); err == nil {
			command = []string{"resume", "--yes", run}
		}
	}
}

// killed stands for the exit code of a process that has none.
const killed = -1

// kill runs a command and kills it after a while, unless it ends before. Later
// invocations get more time, so that the run ends on a slow machine too.
func (c *crash) kill(dir string, invocation int, args []string) (code int, output string) {
	p := start(c.t, c.tenant, dir, args...)
	delay := c.startup + time.Duration(rand.IntN(400+20*invocation))*time.Millisecond
	timer := time.AfterFunc(delay, func() { _ = p.Process.Kill() })
	code = p.end()
	timer.Stop()
	if code == killed {
		c.kills++
	}
	return code, p.output.String()
}

// expectOutcome checks that the results have each row once, with the outcome.
func expectOutcome(t *testing.T, dir string, rows int, outcome string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "results.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != rows+1 {
		t.Fatalf("%d lines of results for %d rows", len(records)-1, rows)
	}
	for i, record := range records[1:] {
		if record[0] != fmt.Sprint(i+2) || record[3] != outcome {
			t.Errorf("%s: line %s is %s, want line %d %s", dir, record[0], record[3], i+2, outcome)
		}
	}
}

// links describes what every organization has.
func links(tenant *simulator.Tenant) string {
	var all strings.Builder
	for _, org := range tenant.Organizations() {
		links := tenant.Enabled(org)
		slices.SortFunc(links, func(a, b simulator.EnabledConnection) int { return strings.Compare(a.ConnectionID, b.ConnectionID) })
		fmt.Fprintln(&all, org, links)
	}
	return all.String()
}

// writePairs writes a list.
func writePairs(t testing.TB, path string, pairs []simulator.Pair) {
	t.Helper()
	var text strings.Builder
	text.WriteString("org_id,connection_id\n")
	for _, p := range pairs {
		text.WriteString(p.OrganizationID + "," + p.ConnectionID + "\n")
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
