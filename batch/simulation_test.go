package batch

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/reports"
)

var (
	seeds     = flag.Int("seeds", 120, "scenarios of TestSimulation")
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
	t.Logf("%d scenarios: %d rows, %d invocations, of which %d killed, %d without power, %d told to stop", *seeds,
		total.rows.Load(), total.invocations.Load(), total.kills.Load(), total.powerLosses.Load(), total.stops.Load())
}

// sheet shows that scenarios are not empty.
type sheet struct{ rows, invocations, kills, powerLosses, stops atomic.Int64 }

// scenario is one job from its first invocation to its restore.
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
	lacks    bool // the tenant lacks the newer family of endpoints
	undoes   string
	suspends bool // the machine sleeps now and then

	dir     string
	sum     string // of the input
	disk    *disk
	dead    atomic.Bool // the process is: nothing more leaves it
	command string
}

func newScenario(t *testing.T, seed uint64, sheet *sheet) *scenario {
	random := rand.New(rand.NewPCG(seed, 1))
	all := plans.All()
	s := &scenario{
		t: t, random: random, sheet: sheet,
		tenant: simulator.New(simulator.Config{
			Plan:                all[random.IntN(len(all))],
			Latency:             time.Duration(20+random.IntN(200)) * time.Millisecond,
			Seed:                seed,
			EmptyForUnknown:     random.IntN(4) == 0,
			DeleteMissingStatus: []int{204, 404}[random.IntN(2)],
			DuplicateStatus:     []int{409, 400}[random.IntN(2)],
			TokenLifetime:       []time.Duration{24 * time.Hour, 15 * time.Second}[random.IntN(2)],
		}),
		lines:    map[simulator.Pair]int{},
		had:      map[simulator.Pair]bool{},
		suspends: true,
	}
	s.settings = journal.Settings{
		Headroom: []float64{0, 0.1, 0.25}[random.IntN(3)],
		Workers:  []int{1, 2, 8, 128}[random.IntN(4)], Timeout: journal.Duration(5 * time.Second),
		AllowLockout: random.IntN(4) == 0, NoCheck: random.IntN(6) == 0,
	}
	switch random.IntN(3) {
	case 0:
		s.lacks = true
	case 1:
		s.settings.API = apiclient.NewerFamily
	}
	s.settings.KeepLink = !s.lacks && !s.settings.NoCheck && random.IntN(3) == 0
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
				link := s.link(conn)
				link.Off = !s.lacks // nobody could tell
				s.tenant.Enable(orgID(org), link)
				if !link.Off {
					s.had[p] = true
				}
			default:
				s.tenant.Enable(orgID(org), s.link(conn))
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

// link is a link with settings of all kinds, as far as the tenant has them.
func (s *scenario) link(conn int) simulator.EnabledConnection {
	link := simulator.EnabledConnection{
		ConnectionID: connID(conn), AssignMembershipOnLogin: s.random.IntN(2) == 0, ShowAsButton: s.random.IntN(2) == 0,
	}
	if !s.lacks {
		link.AccessLevel = []string{"", "readonly", "limited", "full"}[s.random.IntN(4)]
		link.Alias = []string{"", "staff", "=1+1", "true"}[s.random.IntN(4)]
	}
	return link
}

func (s *scenario) links() map[string]string { return linksIn(s.tenant) }

// linksIn is what every organization has, as text.
func linksIn(tenant *simulator.Tenant) map[string]string {
	all := map[string]string{}
	for _, org := range tenant.Organizations() {
		links := tenant.Enabled(org)
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

// play plays the scenario.
func (s *scenario) play() {
	if len(s.rows) == 0 {
		return
	}
	switch s.random.IntN(4) {
	case 0:
		s.enableAndUndo()
	case 1:
		s.move()
	default:
		s.disableAndRestore()
	}
}

// enableAndUndo enables what is listed and then takes that back.
func (s *scenario) enableAndUndo() {
	s.withoutDisable()
	s.job(journal.CommandEnable, s.list())
	s.checkEnabled()
	results := s.restorable()
	s.settings.AllowLockout, s.undoes = true, journal.CommandEnable
	s.job(journal.CommandRestore, results)
	s.checkRestored(false)
}

// move moves organizations from the connections of the list to another one.
func (s *scenario) move() {
	s.withoutDisable()
	list := s.list()
	s.settings.Connection = connID(9)
	s.job(journal.CommandEnable, list)
	s.settings.Connection = ""
	s.job(journal.CommandDisable, list)
	s.checkNoLockout()
	for p, line := range s.lines {
		to := simulator.Pair{OrganizationID: p.OrganizationID, ConnectionID: connID(9)}
		exists := slices.Contains(s.tenant.Organizations(), p.OrganizationID)
		if s.enabled(p) || exists != s.enabled(to) {
			s.t.Errorf("line %d, %v, was not moved", line, p)
		}
	}
}

// checkNoLockout checks that at no instant a call has left an organization without an
// enabled connection.
func (s *scenario) checkNoLockout() {
	if locked := s.tenant.Lockouts(); len(locked) > 0 {
		s.t.Errorf("locked out: %v", locked)
	}
}

// withoutDisable takes the settings away that only disable has.
func (s *scenario) withoutDisable() {
	s.settings.KeepLink, s.settings.NoCheck, s.settings.AllowLockout = false, false, false
	for conn := range 10 {
		s.tenant.AddConnection(connID(conn), "", "samlp")
	}
}

// disableAndRestore disables what is listed and then restores it.
func (s *scenario) disableAndRestore() {
	s.job(journal.CommandDisable, s.list())
	if !s.settings.AllowLockout && !s.settings.NoCheck {
		s.checkNoLockout()
	}
	s.checkDisabled()
	results := s.restorable()
	s.settings.AllowDefaults = s.settings.NoCheck
	s.settings.AllowLockout, s.settings.NoCheck = false, false
	disabledUnchecked := s.settings.AllowDefaults
	s.job(journal.CommandRestore, results)
	s.checkRestored(disabledUnchecked)
}

// restorable is what a restore of the run begins with.
func (s *scenario) restorable() []byte {
	text := new(bytes.Buffer)
	s.must(os.WriteFile(filepath.Join(s.dir, "journal.jsonl"), s.disk.content, 0o644))
	s.must(reports.Results(s.dir, text))
	return text.Bytes()
}

func (s *scenario) list() []byte {
	var text bytes.Buffer
	fmt.Fprintln(&text, "org_id,connection_id,show_as_button") // the last for enable
	for _, p := range s.rows {
		fmt.Fprintf(&text, "%s,%s,%s\n", p.OrganizationID, p.ConnectionID, []string{"yes", "no", ""}[s.random.IntN(3)])
	}
	return text.Bytes()
}

// job runs a command to its end, however many invocations that takes. The last
// ones have no crashes and no faults.
func (s *scenario) job(command string, input []byte) {
	s.begin(command, input)
	troubled := s.random.IntN(4)
	for n := 0; ; n++ {
		if n > 12 {
			s.t.Fatal("the run does not come to an end")
		}
		s.tenant.ClearFaults()
		if s.lacks {
			s.tenant.Inject(ofNewer(status(http.StatusNotFound)))
		}
		if n < troubled {
			s.injectFaults()
		}
		code := s.invocation(n, n < troubled)
		s.sheet.invocations.Add(1)
		if n >= troubled && code <= journal.ExitFailedRows && !s.isOpen() {
			return
		}
	}
}

// begin prepares a run directory with its input.
func (s *scenario) begin(command string, input []byte) {
	s.command, s.dir, s.sum = command, s.t.TempDir(), fmt.Sprintf("%x", sha256.Sum256(input))
	s.must(os.WriteFile(filepath.Join(s.dir, "input.csv"), input, 0o644))
	s.disk = &disk{random: rand.New(rand.NewPCG(s.random.Uint64(), 2)), intents: map[int]bool{}, suspends: s.suspends}
}

func (s *scenario) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
