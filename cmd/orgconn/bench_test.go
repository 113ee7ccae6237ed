package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
)

// benchTenant is a tenant with a list of that many rows, ten in an organization.
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

// BenchmarkRealTime is a run of 250 rows in real time against a bucket of 25 tokens
// and 750 per minute. T* is the ideal time, which leaves nothing to others.
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

// BenchmarkProcess is the program against a tenant without limits, from its start to
// its end, beside a bare loop that only sends the calls. They are processes of their
// own and run in turn. The figures are means of all turns.
func BenchmarkProcess(b *testing.B) {
	const rows = 20_000
	var bare, unchecked, checked measured
	for b.Loop() {
		bare.add(measureProcess(b, rows, "bareloop", "pairs.csv"))
		unchecked.add(measureProcess(b, rows, "orgconn", "disable", "--yes", "--quiet", "--no-check", "pairs.csv"))
		checked.add(measureProcess(b, rows, "orgconn", "disable", "--yes", "--quiet", "--allow-lockout", "pairs.csv"))
	}
	bare.report(b, "bare-")
	unchecked.report(b, "no-check-")
	checked.report(b, "checked-")
	b.ReportMetric(bare.wall.Seconds()/unchecked.wall.Seconds(), "no-check/bare")
}

// BenchmarkMillion is the program on a list of a million rows.
func BenchmarkMillion(b *testing.B) {
	var run measured
	for b.Loop() {
		run.add(measureProcess(b, 1_000_000, "orgconn", "disable", "--yes", "--quiet", "--allow-lockout", "pairs.csv"))
	}
	run.report(b, "")
}

// measured is what processes used: their times together, and the largest resident
// memory of one, in MiB.
type measured struct {
	rows      int
	wall, cpu time.Duration
	peak      float64
}

func (m *measured) add(one measured) {
	m.rows += one.rows
	m.wall += one.wall
	m.cpu += one.cpu
	m.peak = max(m.peak, one.peak)
}

func (m *measured) report(b *testing.B, prefix string) {
	b.ReportMetric(float64(m.rows)/m.wall.Seconds(), prefix+"rows/s")
	b.ReportMetric(float64(m.cpu.Microseconds())/float64(m.rows), prefix+"µs/row")
	b.ReportMetric(m.peak, prefix+"peak-MiB")
}

// measureProcess runs a program on a list of that many rows.
func measureProcess(b *testing.B, rows int, name string, args ...string) measured {
	b.StopTimer()
	tenant, dir := benchTenant(b, "unlimited", rows)
	runtime.GC()
	b.StartTimer()
	began := time.Now()
	p := startProgram(b, tenant, dir, name, args...)
	watched := peakMemory(p.Process.Pid)
	if code := p.end(); code != journal.ExitOK {
		b.Fatalf("%s: exit %d\n%s", name, code, &p.output)
	}
	wall := time.Since(began)
	tenant.close()
	return measured{rows, wall, p.ProcessState.UserTime() + p.ProcessState.SystemTime(), <-watched}
}

// bareLoop sends the DELETE of each row of a list with as many workers as the program
// has, and records nothing.
func bareLoop() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	base := os.Getenv("AUTH0_DOMAIN")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: defaultWorkers}}
	token := bareToken(client, base)
	var pool errgroup.Group
	pool.SetLimit(defaultWorkers)
	for line := range strings.Lines(strings.TrimPrefix(string(text), "org_id,connection_id\n")) {
		org, connection, _ := strings.Cut(strings.TrimSpace(line), ",")
		pool.Go(func() error {
			req, err := http.NewRequest(http.MethodDelete, base+"/api/v2/organizations/"+org+"/enabled_connections/"+connection, nil)
			if err != nil {
				return err
			}
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := client.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		})
	}
	if err := pool.Wait(); err != nil {
		log.Fatal(err)
	}
}

func bareToken(client *http.Client, base string) string {
	resp, err := client.PostForm(base+"/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {os.Getenv("AUTH0_CLIENT_ID")},
		"client_secret": {os.Getenv("AUTH0_CLIENT_SECRET")}, "audience": {base + "/api/v2/"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	return answer.Token
}

// peakMemory sends a process's largest resident memory, in MiB, after its end. It
// reads /proc, because the figure that wait returns includes the parent's memory.
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
