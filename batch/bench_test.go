package batch

import (
	"context"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/reports"
)

// benchRows are the rows of one run: ten connections each in 2,000
// organizations.
const benchRows = 20_000

// BenchmarkNoLimit is a whole job over loopback sockets against a tenant
// without limits: as it is, without fsync, and without the check. The program
// beside a bare loop is measured in cmd/orgconn.
func BenchmarkNoLimit(b *testing.B) {
	b.Run("whole job", func(b *testing.B) { benchmark(b, wholeJob(true, false)) })
	b.Run("without fsync", func(b *testing.B) { benchmark(b, wholeJob(false, false)) })
	b.Run("without check", func(b *testing.B) { benchmark(b, wholeJob(true, true)) })
}

func benchmark(b *testing.B, run func(*testing.B, string, []simulator.Pair)) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		rows := pairs(benchRows/10, 10)
		plan, _ := plans.ByName("unlimited")
		tenant := simulator.New(simulator.Config{Plan: plan})
		tenant.SeedPairs(rows)
		server := httptest.NewServer(tenant)
		b.StartTimer()
		run(b, server.URL, rows)
		b.StopTimer()
		server.Close()
		if left := len(tenant.Enabled(orgID(7))); left != 1 {
			b.Fatalf("%d connections are left in an organization", left)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(benchRows*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(benchRows*b.N), "µs/row")
}

// unsynced is a journal's file that is never synced.
type unsynced struct{ io.Writer }

func (unsynced) Sync() error { return nil }

// wholeJob is a run from its list to its reports.
func wholeJob(sync, noCheck bool) func(*testing.B, string, []simulator.Pair) {
	return func(b *testing.B, base string, rows []simulator.Pair) {
		dir := b.TempDir()
		input := filepath.Join(dir, "input.csv")
		r := &rig{command: journal.CommandDisable}
		if err := os.WriteFile(input, []byte(r.list(rows)), 0o644); err != nil {
			b.Fatal(err)
		}
		l, err := list.Open(input, "pairs.csv", list.Options{Command: journal.CommandDisable})
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		f, err := os.OpenFile(filepath.Join(dir, "journal.jsonl"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		var file journal.File = f
		if !sync {
			file = unsynced{f}
		}
		settings := journal.Settings{Headroom: 0.25, Workers: 128, Timeout: journal.Duration(30 * time.Second), NoCheck: noCheck}
		writer, err := journal.Create(file, journal.Record{At: time.Now(), Header: &journal.Header{
			Format: journal.Format, Command: journal.CommandDisable, Tenant: "tenant.example", Settings: settings,
		}})
		if err != nil {
			b.Fatal(err)
		}
		target, err := apiclient.ParseDomain(base)
		if err != nil {
			b.Fatal(err)
		}
		client, err := apiclient.New(apiclient.Config{
			BaseURL: target, Credentials: apiclient.Credentials{ClientID: "client", ClientSecret: "secret"},
			Timeout: 30 * time.Second, MaxConns: 128,
		})
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		run, err := New(Config{Command: journal.CommandDisable, List: l, API: client, Journal: writer, Settings: settings, Log: zap.NewNop()})
		if err != nil {
			b.Fatal(err)
		}
		if result := run.Do(b.Context()); result.ExitCode != journal.ExitOK {
			b.Fatalf("exit %d: %v", result.ExitCode, result.Stop)
		}
		if err := writer.Close(); err != nil {
			b.Fatal(err)
		}
		if _, err := reports.Make(context.Background(), dir, l); err != nil {
			b.Fatal(err)
		}
	}
}
