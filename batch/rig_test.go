package batch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// rig runs jobs against a simulated tenant over an in-memory transport. Inside
// a synctest bubble a run takes no real time.
type rig struct {
	t           *testing.T
	tenant      *simulator.Tenant
	credentials apiclient.Credentials
	command     string
	undoes      string
	runID       string
	input       string // the list's text; "" is made from the rows
	settings    journal.Settings
	records     memoryJournal
	stop        context.Context
	during      func(*Run)                // runs beside the job
	beside      sync.WaitGroup            // waits for the end of during, before what it found is read
	connections bool                      // the token may read connections
	history     *History                  // of earlier invocations
	unsent      func(*http.Request) error // why a request does not leave; may be nil
	log         *zap.Logger
}

func newRig(t *testing.T, config simulator.Config) *rig {
	config.RecordCalls = true
	if config.Latency == 0 {
		config.Latency = 40 * time.Millisecond
	}
	return &rig{
		t:           t,
		tenant:      simulator.New(config),
		command:     journal.CommandDisable,
		credentials: apiclient.Credentials{ClientID: "client", ClientSecret: "secret"},
		settings:    journal.Settings{Headroom: 0.1, Workers: 128, Timeout: journal.Duration(30 * time.Second)},
		stop:        context.Background(),
		log:         zap.NewNop(),
	}
}

// pair is a row of a list: organization and connection by number.
func pair(org, connection int) simulator.Pair {
	return simulator.Pair{OrganizationID: orgID(org), ConnectionID: connID(connection)}
}

func orgID(n int) string  { return fmt.Sprintf("org_%016d", n) }
func connID(n int) string { return fmt.Sprintf("con_%016d", n) }

// pairs are rows of organizations with the same number of connections each.
func pairs(orgs, connections int) []simulator.Pair {
	var all []simulator.Pair
	for o := range orgs {
		for c := range connections {
			all = append(all, pair(o, c))
		}
	}
	return all
}

// run runs the job on the list; line n+2 of it is pair n.
func (r *rig) run(rows []simulator.Pair) Result {
	r.t.Helper()
	run := r.newRun(rows)
	if r.during != nil {
		r.beside.Go(func() { r.during(run) })
	}
	ctx, cancel := WithMaxDuration(r.stop, r.settings.MaxDuration)
	defer cancel()
	defer time.AfterFunc(24*time.Hour, func() { panic(r.t.Name() + ": the run does not end") }).Stop()
	result := run.Do(ctx)
	if result.Stop == nil { // else the throttle and the ETA count on calls that never come
		r.expectNoCalls(run.pool)
	}
	return result
}

// expectNoCalls fails if a job still expects calls at its end.
func (r *rig) expectNoCalls(p *pool) {
	r.t.Helper()
	for _, c := range p.callers {
		if left := c.throttle.State().Left; left != 0 {
			r.t.Errorf("at the end %d calls are still expected", left)
		}
	}
}

// resume runs the job again, as resume does after all that the journal has.
func (r *rig) resume(rows []simulator.Pair) Result {
	r.t.Helper()
	r.history = r.replay()
	return r.run(rows)
}

// replay is the history that the journal tells.
func (r *rig) replay() *History {
	r.t.Helper()
	history, err := Replay(func(yield func(journal.Entry, error) bool) {
		for _, rec := range r.records.all {
			if !yield(journal.Entry{Record: rec}, nil) {
				return
			}
		}
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return history
}

// newRun prepares a run on the list.
func (r *rig) newRun(rows []simulator.Pair) *Run {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "pairs.csv")
	if err := os.WriteFile(path, []byte(r.list(rows)), 0o644); err != nil {
		r.t.Fatal(err)
	}
	l, err := list.Open(path, "pairs.csv", list.Options{Command: r.command, Limit: r.settings.Limit})
	if err != nil {
		r.t.Fatal(err)
	}
	run, err := New(Config{
		RunID: r.runID, Command: r.command, Undoes: r.undoes, List: l, History: r.history, API: r.client(), Journal: &r.records, Settings: r.settings,
		ReadConnections: r.connections, Log: r.log,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return run
}

// list is the text of a list, or of the results that are to be restored.
func (r *rig) list(rows []simulator.Pair) string {
	var text strings.Builder
	if r.input != "" {
		return r.input
	}
	if r.command != journal.CommandRestore {
		text.WriteString("org_id,connection_id\n")
		for _, p := range rows {
			fmt.Fprintf(&text, "%s,%s\n", p.OrganizationID, p.ConnectionID)
		}
		return text.String()
	}
	text.WriteString("org_id,connection_id,outcome,assign_membership_on_login,show_as_button,is_signup_enabled,command,tenant\n")
	for _, p := range rows {
		fmt.Fprintf(&text, "%s,%s,disabled,no,yes,,disable,tenant.example\n", p.OrganizationID, p.ConnectionID)
	}
	return text.String()
}

func (r *rig) client() *apiclient.Client {
	client, err := apiclient.New(apiclient.Config{
		BaseURL:     &url.URL{Scheme: "https", Host: "tenant.example"},
		Credentials: r.credentials,
		Timeout:     time.Duration(r.settings.Timeout),
		Version:     "test",
		Transport:   dialer{r, r.tenant.Transport()},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return client
}

// dialer is the network before the tenant.
type dialer struct {
	*rig
	next http.RoundTripper
}

func (d dialer) RoundTrip(req *http.Request) (*http.Response, error) {
	if d.unsent != nil {
		if err := d.unsent(req); err != nil {
			return nil, err
		}
	}
	return d.next.RoundTrip(req)
}

// outcomes is what became of each pair, in the list's order.
func (r *rig) outcomes(rows []simulator.Pair) []journal.Outcome {
	outcomes := make([]journal.Outcome, len(rows))
	for i := range rows {
		outcomes[i] = r.outcome(i).Outcome
	}
	return outcomes
}

// outcome is the journal's last word on the pair, which is none where the run
// never came to it.
func (r *rig) outcome(i int) journal.RowOutcome {
	r.records.mu.Lock()
	defer r.records.mu.Unlock()
	o := journal.RowOutcome{Outcome: journal.NotAttempted}
	for _, rec := range r.records.all {
		switch {
		case rec.Outcome != nil && rec.Outcome.Line == i+2:
			o = *rec.Outcome
		case rec.Intent != nil && rec.Intent.Line == i+2:
			o = journal.RowOutcome{Outcome: journal.Unknown}
		}
	}
	return o
}

// expect compares the outcomes; "disabled*250" stands for 250 of them.
func (r *rig) expect(rows []simulator.Pair, want ...string) {
	r.t.Helper()
	var all []string
	for _, w := range want {
		outcome, times, n := w, 1, 0
		if at := strings.IndexByte(w, '*'); at > 0 {
			outcome = w[:at]
			fmt.Sscanf(w[at+1:], "%d", &times)
		}
		for ; n < times; n++ {
			all = append(all, outcome)
		}
	}
	got := r.outcomes(rows)
	if fmt.Sprint(got) != fmt.Sprint(all) {
		r.t.Errorf("outcomes\n got %v\nwant %v", got, all)
	}
}

// calls are the calls of a method to the API, in the order of their arrival.
func (r *rig) calls(method string) (calls []simulator.Call) {
	for _, call := range r.tenant.Calls() {
		if call.Method == method && strings.HasPrefix(call.Path, "/api/v2/") {
			calls = append(calls, call)
		}
	}
	slices.SortStableFunc(calls, func(a, b simulator.Call) int { return a.Time.Compare(b.Time) })
	return calls
}

// count counts calls to the API, tokens aside.
func (r *rig) count(method string) int { return r.tenant.Count(method, "/api/v2/") }

// limited counts calls answered by 429.
func (r *rig) limited() (n int) {
	for _, call := range r.tenant.Calls() {
		if call.Status == http.StatusTooManyRequests {
			n++
		}
	}
	return n
}

// enabled says whether the tenant still has the pair enabled.
func (r *rig) enabled(p simulator.Pair) bool {
	for _, link := range r.tenant.Enabled(p.OrganizationID) {
		if link.ConnectionID == p.ConnectionID {
			return true
		}
	}
	return false
}

// memoryJournal keeps records in memory. A commit takes its time, as long as a disk's
// sync or as sync says. If its context ends meanwhile, the record is there nevertheless.
type memoryJournal struct {
	mu   sync.Mutex
	all  []journal.Record
	fail error // of every further record
	sync time.Duration
}

func (m *memoryJournal) Append(rec journal.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if rec.At.IsZero() {
		return errors.New("the record has no time")
	}
	m.all = append(m.all, rec)
	return nil
}

func (m *memoryJournal) Commit(ctx context.Context, rec journal.Record) error {
	if err := m.Append(rec); err != nil {
		return err
	}
	select {
	case <-time.After(cmp.Or(m.sync, 3*time.Millisecond)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// status is a fault that answers with a status.
func status(code int) simulator.Fault {
	return simulator.Fault{Kind: simulator.Status, Code: code}
}

// on limits a fault to the API's requests of a method.
func on(method string, f simulator.Fault) simulator.Fault {
	f.Method, f.Path = method, "/api/v2/"
	return f
}

// once lets a fault strike each row's request once.
func once(f simulator.Fault) simulator.Fault {
	f.Times, f.PerPath = 1, true
	return f
}

// onRow limits a fault to the calls for one pair.
func onRow(p simulator.Pair, f simulator.Fault) simulator.Fault {
	f.Match = func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, p.OrganizationID) && strings.HasSuffix(r.URL.Path, "/"+p.ConnectionID)
	}
	return f
}
