package batch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/reports"
)

var (
	seeds     = flag.Int("seeds", 300, "scenarios of TestSimulation")
	firstSeed = flag.Uint64("seed", 1, "the first of them; a failing one is printed")
)

// TestSimulation runs whole jobs (list, check, pool, throttle, journal, resume,
// restore, reports) in virtual time, with crashes, power losses and faults. One
// seed decides all of a scenario. After each, nothing may be lost.
func TestSimulation(t *testing.T) {
	var total sheet
	t.Run("seed", func(t *testing.T) {
		for i := range *seeds {
			seed := *firstSeed + uint64(i)
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				t.Cleanup(func() {
					if t.Failed() {
						t.Logf("repeat it with: go test ./batch -run TestSimulation -seed %d -seeds 1", seed)
					}
				})
				synctest.Test(t, func(t *testing.T) { newScenario(t, seed, &total).play() })
			})
		}
	})
	t.Logf("%d scenarios: %d rows, %d sittings, of which %d killed, %d without power, %d told to stop", *seeds,
		total.rows.Load(), total.sittings.Load(), total.kills.Load(), total.powerLosses.Load(), total.stops.Load())
}

// sheet shows that scenarios are not empty.
type sheet struct{ rows, sittings, kills, powerLosses, stops atomic.Int64 }

// scenario is one job from its first sitting to its restore.
type scenario struct {
	t      *testing.T
	random *rand.Rand
	sheet  *sheet

	tenant   *simulator.Tenant
	rows     []simulator.Pair // of the list; line n+2 is row n
	lines    map[simulator.Pair]int
	before   map[string]string // each organization's links, as text
	had      map[simulator.Pair]bool
	settings journal.Settings

	dir     string
	sum     string // of the input
	disk    *disk
	dead    atomic.Bool // the process is: nothing more leaves it
	command string
}

func newScenario(t *testing.T, seed uint64, sheet *sheet) *scenario {
	random := rand.New(rand.NewPCG(seed, 1))
	plans := simulator.Plans()
	s := &scenario{
		t: t, random: random, sheet: sheet,
		tenant: simulator.New(simulator.Config{
			Plan:                plans[random.IntN(len(plans))],
			Latency:             time.Duration(20+random.IntN(200)) * time.Millisecond,
			Seed:                seed,
			EmptyForUnknown:     random.IntN(4) == 0,
			DeleteMissingStatus: []int{204, 404}[random.IntN(2)],
			DuplicateStatus:     []int{409, 400}[random.IntN(2)],
		}),
		lines: map[simulator.Pair]int{},
		had:   map[simulator.Pair]bool{},
	}
	s.settings = journal.Settings{
		MaxFailures: "0", Headroom: []float64{0, 0.1, 0.25}[random.IntN(3)],
		Workers: []int{1, 2, 8, 128}[random.IntN(4)], Timeout: "5s",
		AllowLockout: random.IntN(4) == 0, NoCheck: random.IntN(6) == 0,
	}
	s.populate()
	return s
}

// populate makes the tenant and the list.
func (s *scenario) populate() {
	for org := range 2 + s.random.IntN(10) {
		s.tenant.AddOrganization(orgID(org), "")
		for conn := range 1 + s.random.IntN(4) {
			p := pair(org, conn)
			if s.random.IntN(5) > 0 {
				s.rows = append(s.rows, p)
			}
			switch s.random.IntN(8) {
			case 0: // not linked
			case 1:
				s.tenant.Enable(orgID(org), simulator.EnabledConnection{ConnectionID: connID(conn), Off: true, ShowAsButton: true})
			default:
				assign := s.random.IntN(2) == 0
				s.tenant.Enable(orgID(org), simulator.EnabledConnection{
					ConnectionID: connID(conn), AssignMembershipOnLogin: assign, ShowAsButton: s.random.IntN(2) == 0,
				})
				s.had[p] = true
			}
		}
		if s.random.IntN(3) > 0 {
			s.tenant.Enable(orgID(org), simulator.DefaultSettings(simulator.SpareConnection))
		}
		if s.random.IntN(12) == 0 {
			s.tenant.RemoveOrganization(orgID(org))
			maps.DeleteFunc(s.had, func(p simulator.Pair, _ bool) bool { return p.OrganizationID == orgID(org) })
		}
	}
	s.random.Shuffle(len(s.rows), func(i, j int) { s.rows[i], s.rows[j] = s.rows[j], s.rows[i] })
	for i, p := range s.rows {
		s.lines[p] = i + 2
	}
	s.before = s.links()
	s.sheet.rows.Add(int64(len(s.rows)))
}

// links is what every organization has, as text.
func (s *scenario) links() map[string]string {
	all := map[string]string{}
	for _, org := range s.tenant.Organizations() {
		links := s.tenant.Enabled(org)
		slices.SortFunc(links, func(a, b simulator.EnabledConnection) int {
			return strings.Compare(a.ConnectionID, b.ConnectionID)
		})
		all[org] = fmt.Sprint(links)
	}
	return all
}

func (s *scenario) enabled(p simulator.Pair) bool {
	return slices.ContainsFunc(s.tenant.Enabled(p.OrganizationID), func(link simulator.EnabledConnection) bool {
		return link.ConnectionID == p.ConnectionID && !link.Off
	})
}

// play plays the scenario: disable, and then restore what was disabled.
func (s *scenario) play() {
	if len(s.rows) == 0 {
		return
	}
	s.job(CommandDisable, s.list())
	s.checkDisabled()
	results := new(bytes.Buffer)
	s.must(reports.Results(s.dir, results))
	s.settings.AllowDefaults = s.settings.NoCheck
	s.settings.AllowLockout, s.settings.NoCheck = false, false
	disabledUnchecked := s.settings.AllowDefaults
	s.job(CommandRestore, results.Bytes())
	s.checkRestored(disabledUnchecked)
}

func (s *scenario) list() []byte {
	var text bytes.Buffer
	fmt.Fprintln(&text, "org_id,connection_id")
	for _, p := range s.rows {
		fmt.Fprintf(&text, "%s,%s\n", p.OrganizationID, p.ConnectionID)
	}
	return text.Bytes()
}

// job runs a command to its end, however many sittings that takes. The last
// ones have no crashes and no faults.
func (s *scenario) job(command string, input []byte) {
	s.begin(command, input)
	troubled := s.random.IntN(4)
	for n := 0; ; n++ {
		if n > 12 {
			s.t.Fatal("the run does not come to an end")
		}
		s.tenant.ClearFaults()
		if n < troubled {
			s.injectFaults()
		}
		code := s.sitting(n, n < troubled)
		s.sheet.sittings.Add(1)
		if n >= troubled && code <= ExitFailedRows && !s.isOpen() {
			return
		}
	}
}

// begin prepares a run directory with its input.
func (s *scenario) begin(command string, input []byte) {
	s.command, s.dir, s.sum = command, s.t.TempDir(), fmt.Sprintf("%x", sha256.Sum256(input))
	s.must(os.WriteFile(filepath.Join(s.dir, "input.csv"), input, 0o644))
	s.disk = &disk{random: rand.New(rand.NewPCG(s.random.Uint64(), 2)), intents: map[int]bool{}}
}

// injectFaults lets the tenant misbehave.
func (s *scenario) injectFaults() {
	faults := []simulator.Fault{
		{Kind: simulator.Reset, Stage: simulator.AfterEffect}, // the answer is lost
		{Kind: simulator.Reset, Stage: simulator.AtHandler},
		{Kind: simulator.Hang, Stage: simulator.AfterEffect},
		{Kind: simulator.Status, Code: 503},
		{Kind: simulator.Status, Code: 502, Stage: simulator.AfterEffect},
		{Kind: simulator.Status, Code: 429},
		{Kind: simulator.Status, Code: 400},
		{Kind: simulator.Truncate},
		{Kind: simulator.Page},
	}
	for range s.random.IntN(4) {
		f := faults[s.random.IntN(len(faults))]
		f.Path, f.Probability = "/api/v2/", []float64{0.05, 0.2, 1}[s.random.IntN(3)]
		if f.Code == 429 {
			f.Probability = 0.2 // for ever would be a run without end
		}
		f.Skip = s.random.IntN(10)
		s.tenant.Inject(f)
	}
}

// sitting is one process: it reads what is there, works, and ends or dies.
func (s *scenario) sitting(n int, troubled bool) int {
	former, writer := s.open(n)
	if s.command == CommandDisable && former != nil && s.settings.AllowLockout {
		former.Unblock()
	}
	l, err := list.Open(filepath.Join(s.dir, "input.csv"), "input.csv", list.Options{Command: s.command})
	s.must(err)
	defer l.Close()
	r, err := New(Config{
		Command: s.command, List: l, Former: former, API: s.client(), Journal: writer, Settings: s.settings, Log: zap.NewNop(),
	})
	s.must(err)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	if troubled {
		defer s.planEnd(cancel).Stop()
	}
	result := r.Do(ctx)
	end := journal.Record{At: time.Now(), End: &journal.End{ExitCode: result.ExitCode, Final: r.Sample()}}
	died := errors.Join(writer.Append(end), writer.Close()) != nil
	if result.ExitCode == ExitInternal {
		s.t.Fatalf("internal error: %v", result.Stop)
	}
	if died || s.dead.Load() {
		return ExitStopped
	}
	if s.random.IntN(4) == 0 {
		s.checkReports()
	}
	return result.ExitCode
}

// open opens the journal as the commands do: new, or read, repaired and gone
// on with.
func (s *scenario) open(n int) (*Former, *journal.Writer) {
	run := journal.Record{At: time.Now(), Run: &journal.Run{
		Format: journal.Format, Command: s.command, Tenant: "tenant.example", Settings: s.settings,
		Input: journal.Input{Path: "input.csv", SHA256: s.sum},
	}}
	s.dead.Store(false)
	if n == 0 {
		writer, err := journal.Create(s.disk, run)
		s.must(err)
		return nil, writer
	}
	reader := journal.NewReader(bytes.NewReader(s.disk.content))
	former, err := ReadFormer(reader.Skim())
	s.must(err)
	s.disk.restart(s.disk.content[:reader.Tail().Offset])
	writer := journal.Append(s.disk, reader.Tail().Offset)
	s.must(writer.Commit(context.Background(), run))
	return former, writer
}

// planEnd has the process end at some instant: killed, without power, or by a
// signal.
func (s *scenario) planEnd(signal context.CancelCauseFunc) *time.Timer {
	kind := s.random.IntN(4)
	within := []int{300, 2000, 15000}[s.random.IntN(3)]
	return time.AfterFunc(time.Duration(s.random.IntN(within))*time.Millisecond, func() {
		switch kind {
		case 0:
			s.sheet.kills.Add(1)
			s.dead.Store(true)
			s.disk.kill()
		case 1:
			s.sheet.powerLosses.Add(1)
			s.dead.Store(true)
			s.disk.powerLoss()
		case 2:
			s.sheet.stops.Add(1)
			signal(&Stop{Code: ExitTerminated, Reason: "terminated"})
		default: // it may go on to its end
		}
	})
}

func (s *scenario) client() *apiclient.Client {
	client, err := apiclient.New(apiclient.Config{
		BaseURL:     &url.URL{Scheme: "https", Host: "tenant.example"},
		Credentials: apiclient.Credentials{ClientID: "client", ClientSecret: "secret"},
		Timeout:     5 * time.Second,
		Version:     "test",
		Transport:   wire{s, s.tenant.Transport()},
	})
	s.must(err)
	return client
}

// wire is the network. Nothing leaves a dead process, but what it had sent
// arrives. A write that arrives without an intent on disk breaks the promise.
type wire struct {
	s    *scenario
	next http.RoundTripper
}

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.s.dead.Load() {
		return nil, errDead
	}
	if r.Method == http.MethodDelete || r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/organizations/") {
		w.s.checkIntent(r)
	}
	return w.next.RoundTrip(r)
}

// checkIntent checks that one of the organization's rows that may be meant has
// its intent on disk.
func (s *scenario) checkIntent(r *http.Request) {
	for p, line := range s.lines {
		if strings.Contains(r.URL.Path, p.OrganizationID) && (r.Method == http.MethodPost || strings.HasSuffix(r.URL.Path, p.ConnectionID)) &&
			s.disk.intended(line) {
			return
		}
	}
	s.t.Errorf("%s %s was sent without an intent on disk", r.Method, r.URL.Path)
}

// isOpen says whether the journal has a row that is to be tried again. Without
// a check, a 404 after a lost answer tells nothing, however often it comes.
func (s *scenario) isOpen() bool {
	for _, outcome := range s.outcomes() {
		switch outcome {
		case journal.NotAttempted, journal.Failed:
			return true
		case journal.Unknown:
			if !s.settings.NoCheck {
				return true
			}
		}
	}
	return false
}

// outcomes are the rows' outcomes as the report has them, by line. A line that
// is missing or there twice breaks the promise.
func (s *scenario) outcomes() map[int]string {
	s.must(os.WriteFile(filepath.Join(s.dir, "journal.jsonl"), s.disk.content, 0o644))
	text := new(bytes.Buffer)
	s.must(reports.Results(s.dir, text))
	outcomes := map[int]string{}
	for i, line := range strings.Split(strings.TrimSpace(text.String()), "\n")[1:] {
		cells := strings.Split(line, ",")
		if cells[0] != fmt.Sprint(i+2) {
			s.t.Fatalf("line %d of the results is of row %s", i+2, cells[0])
		}
		outcomes[i+2] = cells[3]
	}
	if len(outcomes) != len(s.rows) {
		s.t.Fatalf("%d lines of results for %d rows", len(outcomes), len(s.rows))
	}
	return outcomes
}

// checkReports checks that reports made twice are the same.
func (s *scenario) checkReports() {
	s.must(os.WriteFile(filepath.Join(s.dir, "journal.jsonl"), s.disk.content, 0o644))
	var made [2][]byte
	for i := range made {
		_, err := reports.Make(s.dir, nil)
		s.must(err)
		for _, name := range []string{"results.csv", "summary.json"} {
			text, err := os.ReadFile(filepath.Join(s.dir, name))
			s.must(err)
			made[i] = append(made[i], text...)
		}
	}
	if !bytes.Equal(made[0], made[1]) {
		s.t.Error("reports that were made twice differ")
	}
}

// checkDisabled holds the outcomes against the tenant.
func (s *scenario) checkDisabled() {
	outcomes := s.outcomes()
	exists := s.tenant.Organizations()
	for p, line := range s.lines {
		outcome, on := outcomes[line], s.enabled(p)
		var wrong bool
		switch outcome {
		case journal.Disabled:
			wrong = on || !s.had[p] && !s.settings.NoCheck
		case journal.AlreadyDisabled:
			wrong = on || s.had[p]
		case journal.Blocked:
			wrong = !on || s.settings.AllowLockout || s.settings.NoCheck
		case journal.NotFound:
			wrong = on || !s.settings.NoCheck && slices.Contains(exists, p.OrganizationID)
		case journal.Unknown:
			wrong = on || !s.settings.NoCheck
		default:
			wrong = true
		}
		if wrong {
			s.t.Errorf("line %d, %v: outcome %s, enabled before %t, now %t", line, p, outcome, s.had[p], on)
		}
	}
	s.checkUntouched()
}

// checkUntouched checks that nothing was done that the list does not say, and
// that nobody was locked out.
func (s *scenario) checkUntouched() {
	for org, before := range s.before {
		after := s.links()[org]
		if !s.settings.AllowLockout && !s.settings.NoCheck && hasWayIn(before) && !hasWayIn(after) {
			s.t.Errorf("%s was locked out: %s, now %s", org, before, after)
		}
		for _, link := range strings.Fields(strings.Trim(before, "[]")) {
			if id := strings.Trim(link, "{"); strings.HasPrefix(id, "con_") && !strings.Contains(after, id) {
				if _, listed := s.lines[simulator.Pair{OrganizationID: org, ConnectionID: id}]; !listed {
					s.t.Errorf("%s lost %s, which no row of the list asks for", org, id)
				}
			}
		}
	}
}

// hasWayIn says whether one of the links is not switched off; see links.
func hasWayIn(links string) bool {
	for _, link := range strings.Split(links, "} {") {
		if fields := strings.Fields(strings.Trim(link, "[{}]")); len(fields) >= 5 && fields[4] == "false" {
			return true
		}
	}
	return false
}

// checkRestored checks that everything is as it was before. Without a check
// the settings are not known, nor what was off before.
func (s *scenario) checkRestored(unchecked bool) {
	if unchecked {
		for p := range s.had {
			if !s.enabled(p) {
				s.t.Errorf("%v was not restored", p)
			}
		}
		return
	}
	for line, outcome := range s.outcomes() {
		if outcome != journal.Restored && outcome != journal.NotSelected {
			s.t.Errorf("line %d is %s, though nobody else restored it", line, outcome)
		}
	}
	after := s.links()
	for org, before := range s.before {
		if after[org] != before {
			s.t.Errorf("%s was %s and is %s", org, before, after[org])
		}
	}
}

func (s *scenario) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
