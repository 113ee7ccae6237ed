package batch

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

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
		{Code: 404, Method: http.MethodDelete},                                               // by a gateway
		{Code: 200, Method: http.MethodGet, Body: `{"enabled_connections":[],"total":3}`},    // half a list
		{Code: 403, Path: "/api/v2/organizations/" + orgID(s.random.IntN(5))},                // a refused organization
		{Code: 503, Path: "/oauth/token", Skip: s.random.IntN(2), Times: s.random.IntN(100)}, // the token endpoint is out
	}
	if !s.lacks && s.settings.API == "" { // a refusal of the first read would decide for the older family
		faults = slices.DeleteFunc(faults, func(f simulator.Fault) bool {
			return f.Code == 400 || f.Code == 403
		})
	}
	for range s.random.IntN(4) {
		f := faults[s.random.IntN(len(faults))]
		f.Path, f.Probability = cmp.Or(f.Path, "/api/v2/"), []float64{0.05, 0.2, 1}[s.random.IntN(3)]
		if f.Code == 429 {
			f.Probability = 0.2 // for ever would be a run without end
		}
		f.Skip = cmp.Or(f.Skip, s.random.IntN(10))
		s.tenant.Inject(f)
	}
}

// invocation is one process: it reads what is there, works, and ends or dies.
func (s *scenario) invocation(n int, troubled bool) int {
	history, writer := s.open(n)
	if s.command == journal.CommandDisable && history != nil && s.settings.AllowLockout {
		history.Unblock = true
	}
	l, err := list.Open(filepath.Join(s.dir, "input.csv"), "input.csv", list.Options{Command: s.command, Connection: s.settings.Connection})
	s.must(err)
	defer l.Close()
	r, err := New(Config{
		RunID: s.run().RunID, Command: s.command, Undoes: s.run().Undoes, List: l, History: history, API: s.client(), Journal: writer, Settings: s.settings, Log: zap.NewNop(),
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
	if result.ExitCode == journal.ExitInternal {
		s.t.Fatalf("internal error: %v", result.Stop)
	}
	if died || s.dead.Load() {
		return journal.ExitStopped
	}
	if s.random.IntN(4) == 0 {
		s.checkReports()
	}
	return result.ExitCode
}

// run is what a invocation begins with.
func (s *scenario) run() journal.Header {
	undoes := s.undoes
	if s.command != journal.CommandRestore {
		undoes = ""
	}
	return journal.Header{
		Format: journal.Format, RunID: "k3v9q2m7x4ta", Command: s.command, Undoes: undoes, Tenant: "tenant.example", Settings: s.settings,
		Input: journal.Input{Path: "input.csv", SHA256: s.sum},
	}
}

// open opens the journal as the commands do: new, or read, repaired and gone
// on with.
func (s *scenario) open(n int) (*History, *journal.Writer) {
	run := journal.Record{At: time.Now(), Header: new(s.run())}
	s.dead.Store(false)
	if n == 0 {
		writer, err := journal.Create(s.disk, run)
		s.must(err)
		return nil, writer
	}
	reader := journal.NewReader(bytes.NewReader(s.disk.content))
	history, err := Replay(reader.Entries())
	s.must(err)
	s.disk.restart(s.disk.content[:reader.Tail().Offset])
	writer := journal.Continue(s.disk, reader.Tail().Offset)
	s.must(writer.Commit(context.Background(), run))
	return history, writer
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
			signal(&Stop{Code: journal.ExitTerminated, Reason: "terminated"})
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
	if r.Method == http.MethodGet || !strings.Contains(r.URL.Path, "/organizations/") {
		return w.next.RoundTrip(r)
	}
	w.s.checkIntent(r)
	return w.next.RoundTrip(r)
}

// checkIntent checks that one of the organization's rows that may be meant has
// its intent on disk.
func (s *scenario) checkIntent(r *http.Request) {
	for p, line := range s.lines {
		if strings.Contains(r.URL.Path, p.OrganizationID) && (r.Method != http.MethodDelete || strings.HasSuffix(r.URL.Path, p.ConnectionID)) &&
			s.disk.intended(line) {
			return
		}
	}
	s.t.Errorf("%s %s was sent without an intent on disk", r.Method, r.URL.Path)
}
