package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	ossignal "os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
)

// process is a process of orgconn or of another program that TestMain knows. It is
// this test's binary under the program's name.
type process struct {
	*exec.Cmd
	output bytes.Buffer // standard output and standard error
}

// noRaceSleep removes the second that a process with the race detector sleeps at its
// end.
const noRaceSleep = "GORACE=atexit_sleep_ms=0"

// start starts orgconn in a folder, for a tenant.
func start(t testing.TB, tenant *simulated, dir string, args ...string) *process {
	t.Helper()
	return startProgram(t, tenant, dir, "orgconn", args...)
}

func startProgram(t testing.TB, tenant *simulated, dir, name string, args ...string) *process {
	t.Helper()
	p := newProcess(t, tenant, dir, name, args...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// newProcess is a process that is not started yet.
func newProcess(t testing.TB, tenant *simulated, dir, name string, args ...string) *process {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{}
	p.Cmd = &exec.Cmd{Path: executable, Args: append([]string{name}, args...), Dir: dir, Stdout: &p.output, Stderr: &p.output}
	p.Env = append(os.Environ(), noRaceSleep)
	for _, name := range tenant.variables() {
		p.Env = append(p.Env, name+"="+tenant.environment(name))
	}
	return p
}

// under starts orgconn by another program, such as strace. It skips the test if the
// program does not work on this machine.
func under(t *testing.T, tenant *simulated, dir string, program []string, args ...string) *process {
	t.Helper()
	if output, err := exec.Command(program[0], append(program[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("%v: %v %s", program, err, output)
	}
	orgconn := start(t, tenant, dir, "version")
	orgconn.end()
	link := filepath.Join(t.TempDir(), "orgconn")
	if err := os.Symlink(orgconn.Path, link); err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(program[0], append(append(program[1:], link), args...)...)}
	p.Dir, p.Env, p.Stdout, p.Stderr = dir, orgconn.Env, &p.output, &p.output
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// unread returns a full pipe that nobody reads.
func unread(t *testing.T) *os.File {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	for total := 0; ; { // a slow machine may be past the deadline before it has written anything
		_ = writer.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		n, _ := writer.Write(make([]byte, 1<<16))
		if total += n; n == 0 && total > 0 {
			return writer
		}
	}
}

// closed returns a pipe whose reader has ended.
func closed(t *testing.T) *os.File {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { writer.Close() })
	reader.Close()
	return writer
}

// end waits for the process and returns its exit code; -1 if a signal ended it.
func (p *process) end() int {
	_ = p.Wait()
	return p.ProcessState.ExitCode()
}

// endByTwoSignals sends a SIGINT and a SIGTERM, and returns the exit code and how long
// the process took to end. Two signals of a kind might arrive as one.
func (p *process) endByTwoSignals() (code int, after time.Duration) {
	_ = p.Process.Signal(syscall.SIGINT)
	time.Sleep(100 * time.Millisecond) // so that they arrive in this order
	second := time.Now()
	_ = p.Process.Signal(syscall.SIGTERM)
	code = p.end()
	return code, time.Since(second)
}

// slowTenant is a tenant with a list that takes minutes. latency is the time to an
// answer.
func slowTenant(t *testing.T, latency time.Duration) (tenant *simulated, dir string) {
	t.Helper()
	plan, _ := plans.ByName("enterprise")
	tenant = newSimulated(simulator.Config{Plan: plan, Latency: latency, RecordCalls: true})
	if err := tenant.listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tenant.close)
	dir = t.TempDir()
	writePairs(t, filepath.Join(dir, "pairs.csv"), populate(tenant, "signal"))
	return tenant, dir
}

// unlimit removes the tenant's limits.
func unlimit(tenant *simulated) {
	plan, _ := plans.ByName("unlimited")
	tenant.SetPlan(plan)
}

// waitForWrites waits until the tenant has answered n writes.
func waitForWrites(t *testing.T, tenant *simulated, n int) {
	t.Helper()
	waitUntil(t, func() bool { return tenant.Count("DELETE", apiPath) >= n })
}

// waitUntil waits until another process has done something.
func waitUntil(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("timed out while waiting for another process")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// After the first signal the calls in flight finish, and the run can be resumed.
func TestFirstSignalDrains(t *testing.T) {
	t.Parallel()
	for signal, want := range map[syscall.Signal]int{
		syscall.SIGINT: journal.ExitInterrupted, syscall.SIGTERM: journal.ExitTerminated, syscall.SIGHUP: journal.ExitTerminated,
		syscall.SIGQUIT: journal.ExitQuit,
	} {
		t.Run(signal.String(), func(t *testing.T) {
			if ossignal.Ignored(signal) {
				t.Skip("the signal is ignored here, as under nohup")
			}
			t.Parallel()
			tenant, dir := slowTenant(t, 100*time.Millisecond)
			p := start(t, tenant, dir, "disable", "--yes", "--out", "run", "pairs.csv")
			waitForWrites(t, tenant, 3)
			_ = p.Process.Signal(signal)
			if code := p.end(); code != want {
				t.Errorf("exit %d, want %d\n%s", code, want, &p.output)
			}
			if text := p.output.String(); !strings.Contains(text, "hint: orgconn resume run continues the run") || strings.Contains(text, "unknown") {
				t.Errorf("output\n%s", text)
			}
			unlimit(tenant)
			if code := start(t, tenant, dir, "resume", "--yes", "run").end(); code != journal.ExitOK {
				t.Errorf("resume: exit %d", code)
			}
		})
	}
}

// The second signal ends the process at once, even if an answer hangs.
func TestSecondSignalLeavesAtOnce(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 10*time.Millisecond)
	tenant.Inject(simulator.Fault{Kind: simulator.Hang, Method: "DELETE", Stage: simulator.AfterEffect})
	p := start(t, tenant, dir, "disable", "--yes", "--out", "run", "pairs.csv")
	waitUntil(t, func() bool { return len(tenant.Enabled("org_signal0000000000")) < 4 })
	if code, after := p.endByTwoSignals(); code != journal.ExitTerminated || after > time.Second {
		t.Errorf("exit %d after %s\n%s", code, after, &p.output)
	}
	if want := "orgconn: terminated again, left at once; orgconn resume RUNDIR continues a run\n"; !strings.HasSuffix(p.output.String(), want) {
		t.Errorf("it does not say how to go on: %s", &p.output)
	}
	tenant.ClearFaults()
	unlimit(tenant)
	if code := start(t, tenant, dir, "resume", "--yes", "run").end(); code != journal.ExitOK {
		t.Errorf("resume: exit %d", code)
	}
	expectOutcome(t, filepath.Join(dir, "run"), 60, "disabled")
}

// A fault that the Go runtime finds does not end the program with the runtime's exit
// code 2, which means that nothing was sent.
func TestFaultOfTheRuntimeIsNotRefused(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 10*time.Millisecond)
	p := newProcess(t, tenant, dir, "faulty", "disable", "--yes", "--out", "run", "pairs.csv")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	p.Stdin = reader
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	waitForWrites(t, tenant, 1)
	writer.Close()
	if code := p.end(); code != killed || !strings.Contains(p.output.String(), faultText) {
		t.Errorf("exit %d\n%s", code, &p.output)
	}
	if _, err := os.Stat(filepath.Join(dir, "core")); err == nil {
		t.Error("a core file is left, which has secrets in it")
	}
}

const faultText = "a fault that nothing recovers"

// faulty is orgconn with a fault at the end of standard input.
func faulty() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		panic(faultText)
	}()
	main()
}

// noisyRun is a run that writes much to standard error, and some to standard output.
// The outputs that blocked names are pipes made by pipe, unread or closed.
func noisyRun(t *testing.T, tenant *simulated, dir, blocked string, pipe func(*testing.T) *os.File) *process {
	t.Helper()
	list, err := os.OpenFile(filepath.Join(dir, "pairs.csv"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	if _, err := list.WriteString(strings.Repeat("org_1,none\n", 20)); err != nil { // each is warned of
		t.Fatal(err)
	}
	p := newProcess(t, tenant, dir, "orgconn", "disable", "--yes", "--out", "run", "pairs.csv")
	if strings.Contains(blocked, "stdout") {
		p.Stdout = pipe(t)
	}
	if strings.Contains(blocked, "stderr") {
		p.Stderr = pipe(t)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(30*time.Second, func() { _ = p.Process.Kill() })
	return p
}

var blockedOutputs = []string{"stdout", "stderr", "stdout and stderr"}

// Outputs that nobody reads do not hold a run up: it goes on, the first signal drains
// it, and the reports are made.
func TestUnreadOutputDoesNotHoldARunUp(t *testing.T) {
	t.Parallel()
	for _, blocked := range blockedOutputs {
		t.Run(blocked, func(t *testing.T) {
			t.Parallel()
			tenant, dir := slowTenant(t, 10*time.Millisecond)
			p := noisyRun(t, tenant, dir, blocked, unread)
			waitForWrites(t, tenant, 3)
			signalled := time.Now()
			_ = p.Process.Signal(syscall.SIGTERM)
			if code := p.end(); code != journal.ExitTerminated || time.Since(signalled) > 15*time.Second {
				t.Errorf("exit %d after %s", code, time.Since(signalled))
			}
			if _, err := os.Stat(filepath.Join(dir, "run", "results.csv")); err != nil {
				t.Error(err)
			}
		})
	}
}

// An output whose reader has ended, as in | head, does not end a run before its end.
func TestClosedOutputDoesNotEndARun(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]int{"stdout": journal.ExitStopped, "stderr": journal.ExitFailedRows} {
		t.Run(output, func(t *testing.T) {
			t.Parallel()
			tenant, dir := slowTenant(t, 10*time.Millisecond)
			unlimit(tenant)
			p := noisyRun(t, tenant, dir, output, closed)
			if code := p.end(); code != want { // 5: the summary could not be printed
				t.Errorf("exit %d, want %d\n%s", code, want, &p.output)
			}
			if _, err := os.Stat(filepath.Join(dir, "run", "results.csv")); err != nil {
				t.Error(err)
			}
		})
	}
}

// A run whose outputs nobody reads comes to its end, and does not keep the tenant's
// lock.
func TestUnreadOutputDoesNotKeepTheLock(t *testing.T) {
	t.Parallel()
	for _, blocked := range blockedOutputs {
		t.Run(blocked, func(t *testing.T) {
			t.Parallel()
			tenant, dir := slowTenant(t, 10*time.Millisecond)
			unlimit(tenant)
			p := noisyRun(t, tenant, dir, blocked, unread)
			want := journal.ExitFailedRows
			if blocked != "stderr" {
				want = journal.ExitStopped // the summary could not be printed
			}
			if code := p.end(); code != want {
				t.Errorf("exit %d, want %d", code, want)
			}
		})
	}
}

// With outputs that nobody reads, the second signal ends the process at once.
func TestSecondSignalEndsWithUnreadOutput(t *testing.T) {
	t.Parallel()
	for _, blocked := range blockedOutputs {
		t.Run(blocked, func(t *testing.T) {
			t.Parallel()
			tenant, dir := slowTenant(t, 10*time.Millisecond)
			tenant.Inject(simulator.Fault{Kind: simulator.Hang, Method: "DELETE", Stage: simulator.AfterEffect})
			p := noisyRun(t, tenant, dir, blocked, unread)
			waitUntil(t, func() bool { return len(tenant.Enabled("org_signal0000000000")) < 4 })
			if code, after := p.endByTwoSignals(); code != journal.ExitTerminated || after > time.Second {
				t.Errorf("exit %d after %s", code, after)
			}
		})
	}
}

// An export to a pipe that nobody reads waits for the reader, but not once a signal
// has come.
func TestExportIntoUnreadPipeEnds(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 10*time.Millisecond)
	p := newProcess(t, tenant, dir, "orgconn", "export")
	p.Stdout = unread(t)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, func() bool { return tenant.Count("GET", apiPath) > 3 })
	signalled := time.Now()
	_ = p.Process.Signal(syscall.SIGTERM)
	time.AfterFunc(30*time.Second, func() { _ = p.Process.Kill() })
	if code := p.end(); code != journal.ExitTerminated || time.Since(signalled) > 5*time.Second {
		t.Errorf("exit %d after %s\n%s", code, time.Since(signalled), &p.output)
	}
}

// Every command ends at the first signal, even if nobody reads its standard output.
func TestSignalEndsCommandsWithUnreadOutput(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 0)
	unlimit(tenant)
	p := start(t, tenant, dir, "disable", "--dry-run", "--out", "run", "pairs.csv")
	if code := p.end(); code != journal.ExitOK && code != journal.ExitFailedRows {
		t.Fatal(code, &p.output)
	}
	for _, line := range []string{"--help", "version", "runs", "report run", "report run run", "demo", "simulate"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			p := newProcess(t, tenant, dir, "orgconn", strings.Fields(line)...)
			p.Stdout = unread(t)
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			killed := time.AfterFunc(10*time.Second, func() { _ = p.Process.Kill() })
			time.Sleep(time.Second)
			_ = p.Process.Signal(syscall.SIGTERM)
			p.end()
			if !killed.Stop() {
				t.Error("it goes on after the signal")
			}
		})
	}
}

// Under nohup, with standard input closed, the run goes on when its terminal closes.
// Ctrl-C works, although the parent ignores it.
func TestSignalsUnderNohup(t *testing.T) {
	tenant, dir := slowTenant(t, 10*time.Millisecond)
	// The shell becomes orgconn, with SIGINT ignored and standard input closed.
	shell := []string{"sh", "-c", `trap '' INT HUP; exec "$0" "$@" <&-`}
	p := under(t, tenant, dir, shell, "disable", "--yes", "--out", "run", "pairs.csv")
	waitForWrites(t, tenant, 2)
	_ = p.Process.Signal(syscall.SIGHUP)
	time.Sleep(100 * time.Millisecond) // so that they arrive in this order
	_ = p.Process.Signal(syscall.SIGINT)
	if code := p.end(); code != journal.ExitInterrupted || strings.Contains(p.output.String(), "again") { // the hangup counted
		t.Errorf("exit %d\n%s", code, &p.output)
	}
}

// A signal ends the wait for a list that comes through a pipe. Nothing is left behind.
func TestSignalWhileTheListIsRead(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 10*time.Millisecond)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	p := newProcess(t, tenant, dir, "orgconn", "disable", "--yes", "-")
	p.Stdin = reader
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	reader.Close()
	staged := func(name string) []string {
		found, _ := filepath.Glob(filepath.Join(dir, ".orgconn-*", name))
		return found
	}
	waitUntil(t, func() bool { return len(staged(rundir.InputFile)) > 0 })
	_ = p.Process.Signal(syscall.SIGTERM)
	time.AfterFunc(10*time.Second, func() { _ = p.Process.Kill() })
	if code := p.end(); code != journal.ExitTerminated || p.output.String() != "orgconn: terminated\n" {
		t.Errorf("exit %d\n%s", code, &p.output)
	}
	if left := staged(""); len(left) > 0 {
		t.Errorf("%q is left", left)
	}
}

// startWaiting starts a run, and returns once it waits for the tenant's lock.
func startWaiting(t *testing.T, tenant *simulated, dir, out string) *process {
	t.Helper()
	p := newProcess(t, tenant, dir, "orgconn", "disable", "--yes", "--lock-wait", "60s", "--out", out, "pairs.csv")
	log, err := os.Create(filepath.Join(dir, out+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.Stderr = log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, func() bool { // to have read the list is not enough
		text, _ := os.ReadFile(log.Name())
		return bytes.Contains(text, []byte("waits up to"))
	})
	return p
}

// Two runs never work on one tenant at once.
func TestOneRunPerTenant(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 10*time.Millisecond)
	first := start(t, tenant, dir, "disable", "--yes", "--out", "first", "pairs.csv")
	waitForWrites(t, tenant, 1)
	calls := tenant.Count("POST", "/oauth/token")
	second := start(t, tenant, dir, "disable", "--yes", "--out", "second", "pairs.csv")
	if code := second.end(); code != journal.ExitLocked || tenant.Count("POST", "/oauth/token") != calls {
		t.Errorf("exit %d\n%s", code, &second.output)
	}
	if text := second.output.String(); !strings.Contains(text, "process "+strconv.Itoa(first.Process.Pid)+", since 20") {
		t.Errorf("output\n%s", text)
	} else if strings.Contains(text, "kill") { // any user may have written the process id
		t.Errorf("the hint could be turned into harm:\n%s", text)
	}
	if code := start(t, tenant, dir, "disable", "--dry-run", "--max-duration", "1s", "pairs.csv").end(); code != journal.ExitStopped {
		t.Errorf("a dry run beside it: exit %d", code)
	}
	third := start(t, tenant, dir, "disable", "--yes", "--lock-wait", "60s", "--out", "third", "pairs.csv")
	fourth := startWaiting(t, tenant, dir, "fourth")
	_ = fourth.Process.Signal(syscall.SIGTERM)
	if code := fourth.end(); code != journal.ExitTerminated {
		t.Errorf("SIGTERM while it waits for the lock: exit %d, want %d", code, journal.ExitTerminated)
	}
	if resume := start(t, tenant, dir, "resume", "--yes", "first"); resume.end() != journal.ExitLocked {
		t.Errorf("resume of a run that goes on:\n%s", &resume.output)
	}
	report := start(t, tenant, dir, "report", "first")
	if code := report.end(); code != journal.ExitOK ||
		!strings.Contains(report.output.String(), "the run still goes on") || strings.Contains(report.output.String(), "resume") {
		t.Errorf("report of a run that goes on: exit %d\n%s", code, &report.output)
	}
	look := start(t, tenant, dir, "restore", "--dry-run", "first")
	if code := look.end(); code != journal.ExitOK || !strings.Contains(look.output.String(), "would restore") {
		t.Errorf("restore --dry-run of a run that goes on: exit %d\n%s", code, &look.output)
	}
	unlimit(tenant)
	if code := first.end(); code != journal.ExitOK {
		t.Errorf("the first: exit %d\n%s", code, &first.output)
	}
	if code := third.end(); code != journal.ExitOK || !strings.Contains(third.output.String(), "already disabled       60") {
		t.Errorf("the one that waited: exit %d\n%s", code, &third.output)
	}
	if text := third.output.String(); !strings.Contains(text, "waits up to 1m0s: another run is working on ") ||
		!strings.Contains(text, "process "+strconv.Itoa(first.Process.Pid)+", since 20") {
		t.Errorf("the one that waited does not say for what:\n%s", text)
	}
}

// A run directory to which a process still writes is left alone, whatever lock of the
// tenant that process has.
func TestRunDirectoryIsInUse(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 0)
	unlimit(tenant)
	if code := start(t, tenant, dir, "disable", "--yes", "--limit", "3", "--out", "run", "pairs.csv").end(); code != journal.ExitOK {
		t.Fatalf("exit %d", code)
	}
	lock, err := rundir.Lock(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for _, command := range []string{"restore", "resume"} {
		p := start(t, tenant, dir, command, "--yes", "run")
		if code := p.end(); code != journal.ExitLocked || !strings.Contains(p.output.String(), "hint: wait for it to end, or stop it") {
			t.Errorf("%s: exit %d\n%s", command, code, &p.output)
		}
	}
}

// A signal ends orgconn before a run has begun, too: while it waits for its list or for a
// token. Then it leaves nothing behind.
func TestSignalBeforeTheRun(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"-", "pairs.csv"} {
		tenant, dir := slowTenant(t, 0)
		asked := make(chan struct{}, 1)
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // then the server sees that the client leaves
			asked <- struct{}{}
			<-r.Context().Done()
		}))
		defer server.Close()
		defer os.Remove(batch.LockFile(server.Listener.Addr().String()))
		p := newProcess(t, tenant, dir, "orgconn", "disable", "--yes", "--out", "run", path)
		p.Env = append(p.Env, "AUTH0_DOMAIN="+server.URL)
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		defer writer.Close()
		p.Stdin = reader
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, func() bool {
			staged, _ := filepath.Glob(filepath.Join(dir, ".orgconn-*", rundir.InputFile))
			return len(staged) == 1 && (path == "-" || len(asked) == 1)
		})
		_ = p.Process.Signal(syscall.SIGTERM)
		time.AfterFunc(10*time.Second, func() { _ = p.Process.Kill() })
		if code := p.end(); code != journal.ExitTerminated || p.output.String() != "orgconn: terminated\n" {
			t.Errorf("%s: exit %d\n%s", path, code, &p.output)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("%s: left behind: %v", path, left)
		}
	}
}

// A reader that leaves, such as head, does not end the program before its reports are
// made.
func TestOutputIsClosed(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 0)
	unlimit(tenant)
	p := newProcess(t, tenant, dir, "orgconn", "disable", "--yes", "--out", "run", "pairs.csv")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	defer writer.Close()
	p.Stdout = writer
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if code := p.end(); code != journal.ExitStopped || !strings.Contains(p.output.String(), "hint: orgconn report run makes the reports again") {
		t.Errorf("exit %d\n%s", code, &p.output)
	}
}

// A restore that waits for the run that it undoes restores everything that the run
// has disabled at its end.
func TestRestoreWaitsForItsRun(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 10*time.Millisecond)
	run := start(t, tenant, dir, "disable", "--yes", "--out", "run", "pairs.csv")
	waitForWrites(t, tenant, 1)
	restore := start(t, tenant, dir, "restore", "--yes", "--lock-wait", "60s", "--out", "undo", "run")
	time.Sleep(300 * time.Millisecond) // so that it waits for the lock
	unlimit(tenant)
	if code := run.end(); code != journal.ExitOK {
		t.Errorf("exit %d\n%s", code, &run.output)
	}
	if code := restore.end(); code != journal.ExitOK || !strings.Contains(restore.output.String(), "restored               60") {
		t.Errorf("restore: exit %d\n%s", code, &restore.output)
	}
}

// A signal in the moment in which a resumed run begins ends it like any other.
func TestSignalAsResumeBegins(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 0)
	unlimit(tenant)
	if code := start(t, tenant, dir, "disable", "--yes", "--limit", "3", "--out", "run", "pairs.csv").end(); code != journal.ExitOK {
		t.Fatalf("exit %d", code)
	}
	o := &options{yes: true, quiet: true, logLevel: "error", getenv: tenant.environment}
	flags := pflag.NewFlagSet("resume", pflag.ContinueOnError)
	o.addBounds(flags)
	c, err := newCommand(o, journal.CommandDisable)
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.reopen(t.Context(), filepath.Join(dir, "run"), flags)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close(w)
	terminated, cancel := context.WithCancelCause(t.Context())
	cancel(stopBy(syscall.SIGTERM))
	if err := w.begin(terminated); err != nil { // what comes next ends with the signal's code
		t.Errorf("exit %d: %v", classify(err).code, err)
	}
}

// A journal that is removed or replaced during the run stops it, and its records are
// not lost: they are written to a new file, and the hint says how to go on with it.
func TestJournalIsRemoved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm, mend []string
		hint       string
	}{
		"removed": {
			harm: []string{"rm", "run/journal.jsonl"},
			hint: "hint: it is there again; orgconn resume run continues the run",
		},
		"replaced": {
			harm: []string{"sh", "-c", "cp run/journal.jsonl x && mv x run/journal.jsonl"},
			mend: []string{"mv", "run/journal.jsonl.2", "run/journal.jsonl"},
			hint: `hint: its records are in "run/journal.jsonl.2": give that file the name "run/journal.jsonl"; orgconn resume run continues the run`,
		},
		"folder removed": {
			harm: []string{"rm", "-r", "run"},
			mend: []string{"cp", "pairs.csv", "run/input.csv"},
			hint: `hint: it is there again; put the list there again, too, as "run/input.csv"; orgconn resume run continues the run`,
		},
		"folder renamed": {
			harm: []string{"mv", "run", "old"},
			mend: []string{"cp", "old/input.csv", "run/input.csv"},
			hint: `hint: it is there again; put the list`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tenant, dir := slowTenant(t, 20*time.Millisecond)
			do := func(command []string) {
				t.Helper()
				cmd := exec.Command(command[0], command[1:]...)
				cmd.Dir = dir
				if output, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, output)
				}
			}
			p := start(t, tenant, dir, "disable", "--yes", "--out", "run", "pairs.csv")
			waitForWrites(t, tenant, 5)
			do(c.harm)
			at := tenant.Count("DELETE", apiPath)
			if code := p.end(); code != journal.ExitStopped {
				t.Errorf("exit %d, want %d", code, journal.ExitStopped)
			}
			if n := tenant.Count("DELETE", apiPath) - at; n > 10 { // those whose intents were on disk already
				t.Errorf("%d more calls", n)
			}
			if text := p.output.String(); !strings.Contains(text, "the journal was removed or replaced during the run") || !strings.Contains(text, c.hint) {
				t.Errorf("output\n%s\nwant %s", text, c.hint)
			}
			if c.mend != nil {
				do(c.mend)
			}
			unlimit(tenant)
			if resume := start(t, tenant, dir, "resume", "--yes", "run"); resume.end() != journal.ExitOK {
				t.Errorf("resume: exit %d\n%s", resume.ProcessState.ExitCode(), &resume.output)
			}
			if restore := start(t, tenant, dir, "restore", "--yes", "run"); restore.end() != journal.ExitOK || !strings.Contains(restore.output.String(), "restored               60") {
				t.Errorf("restore: exit %d\n%s", restore.ProcessState.ExitCode(), &restore.output)
			}
		})
	}
}

// A list that is changed in place during the run is noticed before reports are made
// from it: rows would get each other's outcomes.
func TestInputIsChanged(t *testing.T) {
	t.Parallel()
	tenant, dir := slowTenant(t, 10*time.Millisecond)
	p := start(t, tenant, dir, "disable", "--yes", "--out", "run", "pairs.csv")
	waitForWrites(t, tenant, 1)
	f, err := os.OpenFile(filepath.Join(dir, "run", rundir.InputFile), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("org_id,connection_id\norg_other"), 0)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	unlimit(tenant)
	if code := p.end(); code != journal.ExitStopped || !strings.Contains(p.output.String(), "run/input.csv is not the list that the run began with\nhint: put the list there again as it was; then orgconn report run") {
		t.Errorf("exit %d\n%s", code, &p.output)
	}
	if _, err := os.Stat(filepath.Join(dir, "run", rundir.ResultsFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("results.csv: %v", err)
	}
}
