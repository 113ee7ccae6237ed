package main

import (
	"bytes"
	"flag"
	"fmt"
	"hash/crc32"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/list"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "6") // the tests mostly wait for processes and the tenant's limits
	testscript.Main(m, map[string]func(){"orgconn": main, "faulty": faulty, "bareloop": bareLoop})
}

// TestScripts runs the program as users do. Each script has a simulated tenant of
// its own, which the command tenant changes and checks:
//
//	tenant seed FILE [SPARE]      enables every pair of a list, with a spare connection in each organization as
//	                              simulate's --spare says
//	tenant disable FILE LINE...   disables the pairs of these lines, as somebody else would
//	tenant enable ORG CONNECTION  enables a pair, with settings that are not Auth0's defaults
//	tenant remove ORG             deletes an organization
//	tenant name ORG NAME          adds an organization with a name, which another one may have had
//	tenant off ORG CONNECTION     switches a link off, and keeps it
//	tenant login ORG CON AGE      somebody logged in so long ago, such as 48h
//	tenant fault SPEC [METHOD]    injects a fault of parseFault; with METHOD once for each request of that method;
//	                              with a path instead, for paths that begin with it; SPEC none removes all faults
//	tenant token SCOPE...         sets AUTH0_API_TOKEN to a token with these scopes
//	tenant calls METHOD N         checks that N calls of a method were made, those for tokens aside
//	tenant enabled FILE N         checks that N pairs of a list are enabled
//	tenant lockouts N             checks that calls left N organizations without a way in, at any instant
//	tenant snapshot FILE          writes to a file what every organization has
//
// Another command is for journals that somebody forges:
//
//	checksums FILE                corrects the checksums of a journal that was edited
func TestScripts(t *testing.T) { runScripts(t, "../../testdata/scripts") }

// runScripts runs the scripts in a folder.
func runScripts(t *testing.T, dir string) {
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup:               setupTenant,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"tenant": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg {
					ts.Fatalf("there is no ! tenant")
				}
				ts.Check(tenantCommand(ts, args))
			},
			"checksums": func(ts *testscript.TestScript, _ bool, args []string) {
				text, err := os.ReadFile(ts.MkAbs(args[0]))
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), correctChecksums(text), 0o644))
			},
		},
	})
}

type tenantKey struct{}

// setupTenant gives a script its tenant and the environment for it.
func setupTenant(env *testscript.Env) error {
	tenant := newSimulated(simulator.Config{RecordCalls: true})
	unlimit(tenant)
	if err := tenant.listen("127.0.0.1:0"); err != nil {
		return err
	}
	env.Defer(tenant.close)
	env.Values[tenantKey{}] = tenant
	env.Vars = append(env.Vars, noRaceSleep)
	for _, name := range tenant.variables() {
		env.Setenv(name, tenant.environment(name))
	}
	lists, err := filepath.Abs("../../testdata/lists")
	if err != nil {
		return err
	}
	env.Setenv("LISTS", lists)
	env.Setenv("TENANT", strings.TrimPrefix(tenant.domain, "http://"))
	return nil
}

// correctChecksums returns a journal with the checksum that each of its lines must
// have.
func correctChecksums(journal []byte) []byte {
	const open, end = `{"crc":"`, `",`
	var all []byte
	for line := range bytes.Lines(journal) {
		body := bytes.TrimPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte("{"))
		if bytes.HasPrefix(line, []byte(open)) && len(line) > len(open)+8+len(end) {
			body = body[len(open)+8+len(end)-1:]
		}
		sum := crc32.Checksum(append([]byte("{"), body...), crc32.MakeTable(crc32.Castagnoli))
		all = fmt.Appendf(all, "%s%08x%s%s\n", open, sum, end, body)
	}
	return all
}

func tenantCommand(ts *testscript.TestScript, args []string) error {
	tenant := ts.Value(tenantKey{}).(*simulated)
	switch what, args := args[0], args[1:]; what {
	case "seed":
		return seedFrom(tenant.Tenant, ts.MkAbs(args[0]), append(args, "auto")[1])
	case "lockouts":
		return expectNumber(args[0], len(tenant.Lockouts()))
	case "disable":
		found := 0
		for pair, line := range pairsIn(ts, args[0]) {
			if slices.Contains(args[1:], strconv.Itoa(line)) {
				tenant.Disable(pair.OrganizationID, pair.ConnectionID)
				found++
			}
		}
		return expectNumber(strconv.Itoa(len(args[1:])), found)
	case "enable":
		link := simulator.DefaultSettings(args[1])
		link.AssignMembershipOnLogin, link.ShowAsButton = true, false
		tenant.Enable(args[0], link)
	case "remove":
		tenant.RemoveOrganization(args[0])
	case "name":
		tenant.AddOrganization(args[0], args[1])
	case "off":
		links := tenant.Enabled(args[0])
		at := slices.IndexFunc(links, func(l simulator.EnabledConnection) bool { return l.ConnectionID == args[1] })
		if at < 0 {
			return fmt.Errorf("%s has no %s", args[0], args[1])
		}
		links[at].Off = true
		tenant.Enable(args[0], links[at])
	case "login":
		age, err := time.ParseDuration(args[2])
		if err != nil {
			return err
		}
		tenant.Login(args[0], args[1], time.Now().Add(-age))
	case "fault":
		if args[0] == "none" {
			tenant.ClearFaults()
			break
		}
		fault, err := parseFault(args[0])
		if err != nil {
			return err
		}
		switch {
		case len(args) > 1 && strings.HasPrefix(args[1], "/"):
			fault.Path = args[1]
		case len(args) > 1:
			fault.Method, fault.Times, fault.PerPath = args[1], 1, true
		}
		tenant.Inject(fault)
	case "older": // lacks the newer family of endpoints
		tenant.Inject(simulator.Fault{Kind: simulator.Status, Code: http.StatusNotFound, Match: func(r *http.Request) bool {
			return strings.Contains(r.URL.Path, "/organizations/") && strings.Contains(r.URL.Path, "/connections")
		}})
	case "token":
		ts.Setenv("AUTH0_API_TOKEN", tenant.IssueToken(args...))
	case "calls":
		return expectNumber(args[1], tenant.Count(args[0], apiPath))
	case "snapshot":
		return os.WriteFile(ts.MkAbs(args[0]), []byte(links(tenant.Tenant)), 0o644)
	case "enabled":
		n := 0
		for pair := range pairsIn(ts, args[0]) {
			for _, link := range tenant.Enabled(pair.OrganizationID) {
				if link.ConnectionID == pair.ConnectionID {
					n++
				}
			}
		}
		return expectNumber(args[1], n)
	default:
		return fmt.Errorf("tenant: unknown %s", what)
	}
	return nil
}

// pairsIn returns the valid pairs of a list with their lines.
func pairsIn(ts *testscript.TestScript, file string) map[simulator.Pair]int {
	l, err := list.Open(ts.MkAbs(file), file, list.Options{Command: "disable", AnyID: true})
	ts.Check(err)
	defer l.Close()
	pairs := map[simulator.Pair]int{}
	for org := range l.Organizations() {
		for _, row := range org.Rows {
			pairs[simulator.Pair{OrganizationID: org.ID, ConnectionID: row.ConnectionID}] = row.Line
		}
	}
	return pairs
}

func expectNumber(want string, got int) error {
	if n, err := strconv.Atoi(want); err != nil || n != got {
		return fmt.Errorf("got %d, want %s", got, want)
	}
	return nil
}

// apiPath keeps faults away from the token endpoint, because without a token there
// is no run.
const apiPath = "/api/v2/"

// parseFault reads a fault of a script: a name or an HTTP status, and after = the
// share of the calls, such as 503=30%.
func parseFault(spec string) (simulator.Fault, error) {
	name, share, hasShare := strings.Cut(spec, "=")
	fault, known := map[string]simulator.Fault{
		"hang-after":    {Kind: simulator.Hang, Stage: simulator.AfterEffect},
		"expired-token": {Kind: simulator.Expire},
	}[name]
	if status, err := strconv.Atoi(name); err == nil {
		fault, known = simulator.Fault{Kind: simulator.Status, Code: status}, true
	}
	if !known {
		return fault, fmt.Errorf("there is no fault %q", name)
	}
	fault.Path = apiPath
	if hasShare {
		percent, err := strconv.ParseFloat(strings.TrimSuffix(share, "%"), 64)
		if err != nil {
			return fault, err
		}
		fault.Probability = percent / 100
	}
	return fault, nil
}
