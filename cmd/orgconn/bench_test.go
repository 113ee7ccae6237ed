package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

// benchTenant is a tenant with a list of so many rows, ten in an organization.
func benchTenant(b *testing.B, plan string, rows int) (tenant *simulated, dir string) {
	config := simulator.Config{Latency: 40 * time.Millisecond, RecordCalls: true}
	if plan == "unlimited" {
		config = simulator.Config{}
	}
	config.Plan, _ = plans.ByName(plan)
	tenant = newSimulated(config)
	if err := tenant.listen("127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(tenant.close)
	pairs := make([]simulator.Pair, rows)
	for i := range pairs {
		pairs[i] = simulator.Pair{OrganizationID: fmt.Sprintf("org_%016d", i/10), ConnectionID: fmt.Sprintf("con_%016d", i%10)}
	}
	tenant.SeedPairs(pairs)
	dir = b.TempDir()
	writePairs(b, filepath.Join(dir, "pairs.csv"), pairs)
	return tenant, dir
}

// BenchmarkRealTime is a run of 250 rows in real time against a bucket of 25
// and 750 a minute. T* leaves nothing to others.
func BenchmarkRealTime(b *testing.B) {
	const rows, burst, refill = 250, 25, 750.0 / 60
	for b.Loop() {
		tenant, dir := benchTenant(b, "private-500", rows)
		p := start(b, tenant, dir, "disable", "--yes", "--json", "--headroom", "10%", "--allow-lockout", "pairs.csv")
		began := time.Now()
		if code := p.end(); code != journal.ExitOK {
			b.Fatalf("exit %d\n%s", code, &p.output)
		}
		ideal := (rows - burst) / refill
		b.ReportMetric(time.Since(began).Seconds()/ideal, "T/T*")
		b.ReportMetric(time.Since(began).Seconds()-ideal, "s-more")
		limited := 0
		for _, call := range tenant.Calls() {
			if call.Status == 429 {
				limited++
			}
		}
		b.ReportMetric(float64(limited), "429s")
	}
}

// BenchmarkProcess is the program itself against a tenant without limits, from
// its start to its end.
func BenchmarkProcess(b *testing.B) {
	for _, rows := range []int{20_000, 1_000_000} {
		b.Run(fmt.Sprint(rows, " rows"), func(b *testing.B) {
			for b.Loop() {
				tenant, dir := benchTenant(b, "unlimited", rows)
				began := time.Now()
				p := start(b, tenant, dir, "disable", "--yes", "--quiet", "--allow-lockout", "pairs.csv")
				watched := peakMemory(p.Process.Pid)
				if code := p.end(); code != journal.ExitOK {
					b.Fatalf("exit %d\n%s", code, &p.output)
				}
				peak := <-watched
				b.ReportMetric(float64(rows)/time.Since(began).Seconds(), "rows/s")
				cpu := p.ProcessState.UserTime() + p.ProcessState.SystemTime()
				b.ReportMetric(cpu.Seconds()/float64(rows)*1000, "CPU-s/1000rows")
				b.ReportMetric(peak, "peak-MiB")
			}
		})
	}
}

// peakMemory sends a process's largest resident memory, in MiB, when it has
// ended. What the system tells of a child at its end begins with its parent's.
func peakMemory(pid int) <-chan float64 {
	peak := make(chan float64)
	go func() {
		last := 0.0
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, after, found := strings.Cut(string(status), "VmHWM:")
			if err != nil || !found {
				peak <- last
				return
			}
			_, _ = fmt.Sscan(after, &last)
			last /= 1024
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return peak
}
