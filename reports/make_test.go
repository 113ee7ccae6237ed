package reports

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
)

// readReports returns the contents of the files in a run directory.
func readReports(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(content)
	}
	return files
}

func TestReportsAreTheSameWhenMadeAgain(t *testing.T) {
	for _, run := range goldenRuns() {
		first := runRecord()
		if run.change != nil {
			run.change(first.Header)
		}
		dir := writeRun(t, run.input, first, run.records...)
		s1, err := Make(context.Background(), dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		before := readReports(t, dir)
		var names list.Names
		for _, rec := range run.records {
			if rec.Names != nil {
				names.Add(*rec.Names)
			}
		}
		l, err := list.Open(filepath.Join(dir, "input.csv"), "pairs.csv", rundir.ListOptions(*first.Header, &names))
		if err != nil {
			t.Fatal(err)
		}
		s2, err := Make(context.Background(), dir, l)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s1, s2) + cmp.Diff(before, readReports(t, dir)); diff != "" {
			t.Errorf("%s: the second time differs:\n%s", run.name, diff)
		}
		files := slices.Sorted(maps.Keys(before))
		if want := []string{"input.csv", "journal.jsonl", "report.html", "results.csv", "summary.json"}; !slices.Equal(files, want) {
			t.Errorf("%s: the run directory holds %q", run.name, files)
		}
	}
}

// Even if the journal was cut off at any byte, every record of the input is in the
// results once, in the order of the input, and the outcomes add up.
func TestEveryRecordOnce(t *testing.T) {
	t.Parallel() // it mostly waits for the disk
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.IntRange(0, 30).Draw(rt, "rows")
		var input strings.Builder
		input.WriteString("note,org_id,connection_id\n")
		for i := range rows {
			note := rapid.SampledFrom([]string{"", "x", "\"two\nlines\"", "=1"}).Draw(rt, "note")
			org := rapid.SampledFrom([]string{orgA, orgB, "", "bad"}).Draw(rt, "org")
			fmt.Fprintf(&input, "%s,%s,con_%016d\n", note, org, i%20)
		}
		input.WriteString("valid," + orgC + "," + con1 + "\n")
		writeFile(rt, dir, "input.csv", input.String())
		lines := rapid.SliceOfN(rapid.IntRange(2, rows+2), 0, 60).Draw(rt, "lines")
		first := runRecord()
		first.Header.Input.SHA256 = sumOf(input.String())
		run := journalOf(t, append([]journal.Record{first}, recordsOf(rt, lines)...)...)
		head := strings.IndexByte(run, '\n') + 1
		writeFile(rt, dir, "journal.jsonl", run[:rapid.IntRange(head, len(run)).Draw(rt, "cut")])

		s, err := Make(context.Background(), dir, nil)
		if err != nil {
			rt.Fatal(err)
		}
		checkResults(rt, dir, s)
	})
}

func recordsOf(t *rapid.T, lines []int) (records []journal.Record) {
	for ms, line := range lines {
		rec := intent(line, nil)
		if rapid.Bool().Draw(t, "outcome") {
			rec = outcome(line, rapid.SampledFrom([]journal.Outcome{journal.Disabled, journal.Failed, journal.AlreadyDisabled}).Draw(t, "what"))
		}
		records = append(records, after(ms, rec))
	}
	return records
}

func checkResults(t rapid.TB, dir string, s *Summary) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "results.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	results, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	begun := begunLines(t, dir)
	l, err := list.Open(filepath.Join(dir, "input.csv"), "pairs.csv",
		list.Options{Command: "disable", Begun: func(line int) bool { return begun[line] }})
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make(map[journal.Outcome]int)
	n := 0
	for rec, err := range l.Records() {
		n++
		if err != nil || n >= len(results) {
			t.Fatalf("record %d of line %d is not in the results: %v", n, rec.Line, err)
		}
		got := results[n]
		outcomes[journal.Outcome(got[3])]++
		if want := []string{fmt.Sprint(rec.Line), rec.OrgID, rec.ConnectionID}; !slices.Equal(got[:3], want) {
			t.Fatalf("record %d: %q, want %q", n, got[:3], want)
		}
		if rec.Outcome != "" && got[3] != string(rec.Outcome) {
			t.Fatalf("line %d: %s, but the list says %s", rec.Line, got[3], rec.Outcome)
		}
	}
	if len(results) != n+1 || s.Input.Rows != n || !maps.Equal(outcomes, s.Outcomes) {
		t.Fatalf("%d results of %d records, outcomes %v, in the summary %v", len(results)-1, n, outcomes, s.Outcomes)
	}
}

// begunLines are the lines of which the journal has an intent.
func begunLines(t rapid.TB, dir string) map[int]bool {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	begun := map[int]bool{}
	for e, err := range journal.NewReader(f).Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Intent != nil {
			begun[e.Intent.Line] = true
		}
	}
	return begun
}

func TestOlderReportsStayWhereMakeFails(t *testing.T) {
	dir := writeRun(t, "org_id,connection_id\n"+orgA+","+con1+"\n", runRecord(),
		after(1, intent(2, nil)), after(2, outcome(2, journal.Disabled)))
	if _, err := Make(context.Background(), dir, nil); err != nil {
		t.Fatal(err)
	}
	before := readReports(t, dir)

	writeFile(t, dir, "input.csv", "org_id,connection_id\n"+orgA+","+con1+"\n\"broken\n")
	if _, err := Make(context.Background(), dir, nil); err == nil {
		t.Error("a broken input: no error")
	}
	writeFile(t, dir, "input.csv", before["input.csv"])
	// The second batch says that the first was synced, so no crash explains this.
	damaged := strings.Replace(before["journal.jsonl"], `"tenant":"acme`, `"tenant":"evil`, 1)
	writeFile(t, dir, "journal.jsonl", damaged)
	var damage *journal.DamageError
	if _, err := Make(context.Background(), dir, nil); !errors.As(err, &damage) || !strings.Contains(err.Error(), "journal.jsonl") {
		t.Errorf("a damaged journal: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "journal.jsonl")); err != nil {
		t.Fatal(err)
	}
	if _, err := Make(context.Background(), dir, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no journal: %v", err)
	}
	writeFile(t, dir, "journal.jsonl", before["journal.jsonl"])
	if diff := cmp.Diff(before, readReports(t, dir)); diff != "" {
		t.Errorf("the run directory changed:\n%s", diff)
	}
}

// A journal with a row that the list does not have is damaged: its outcomes are of
// another list, or somebody forged it.
func TestLinesThatTheListDoesNotHave(t *testing.T) {
	for _, line := range []int{-1, 0, 4, 1 << 33, math.MaxInt, math.MinInt} {
		for _, rec := range []journal.Record{intent(line, nil), outcome(line, journal.Disabled)} {
			dir := writeRun(t, "org_id,connection_id\n"+orgA+","+con1+"\n", runRecord(), after(1, rec))
			var damaged *journal.DamageError
			if _, err := Make(context.Background(), dir, nil); !errors.As(err, &damaged) || damaged.Line != 2 {
				t.Errorf("line %d: %v, want damage in line 2", line, err)
			}
		}
	}
}

func TestOtherUsersMayReadReports(t *testing.T) {
	dir := writeRun(t, "org_id,connection_id\n", runRecord())
	if _, err := Make(context.Background(), dir, nil); err != nil {
		t.Fatal(err)
	}
	// The umask applies as for any other file.
	if err := os.WriteFile(filepath.Join(dir, "plain"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	mode := func(name string) fs.FileMode {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	for _, name := range []string{"results.csv", "report.html", "summary.json"} {
		if mode(name) != mode("plain") {
			t.Errorf("%s has mode %v, want %v", name, mode(name), mode("plain"))
		}
	}
}

// Reports are made by one process at a time: one that began with less of the journal
// cannot put its reports over newer ones.
func TestReportsAreMadeOneAtATime(t *testing.T) {
	dir := writeRun(t, "org_id,connection_id\n"+orgA+","+con1+"\n", runRecord())
	lock, err := rundir.LockReports(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	interrupted, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Make(interrupted, dir, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another process makes the reports: %v", err)
	}
	made := make(chan *Summary)
	go func() {
		s, err := Make(context.Background(), dir, nil)
		if err != nil {
			t.Error(err)
		}
		made <- s
	}()
	time.Sleep(50 * time.Millisecond)
	// What is recorded until the lock is free is in the reports.
	first := runRecord()
	first.Header.Input.SHA256 = sumOf("org_id,connection_id\n" + orgA + "," + con1 + "\n")
	writeFile(t, dir, "journal.jsonl", journalOf(t, first, after(1, outcome(2, journal.AlreadyDisabled))))
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if s := <-made; s == nil || s.Outcomes[journal.AlreadyDisabled] != 1 {
		t.Errorf("summary %+v", s)
	}
}

// A signal ends orgconn report.
func TestMakeIsInterrupted(t *testing.T) {
	dir := writeRun(t, "org_id,connection_id\n"+orgA+","+con1+"\n", runRecord())
	signal := errors.New("terminated")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(signal)
	if _, err := Make(ctx, dir, nil); !errors.Is(err, signal) {
		t.Errorf("%v, want %v", err, signal)
	}
	if files := slices.Sorted(maps.Keys(readReports(t, dir))); len(files) != 2 {
		t.Errorf("the run directory holds %q", files)
	}
}

// Times and figures that are no run's neither crash Make nor end up in the reports as
// what JSON cannot hold.
func TestTimesOfNoRun(t *testing.T) {
	ever := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	var records []journal.Record
	for range 3 {
		again := runRecord()
		again.At = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
		extreme := journal.Bucket{Burst: 1e15, Refill: 5e-324, Sent: 1e15, ActiveS: -1e15}
		records = append(records, again,
			journal.Record{At: ever, Sample: &journal.Sample{Writes: extreme, Reads: extreme}},
			journal.Record{At: ever, Outcome: &journal.RowOutcome{Line: 2, Outcome: journal.Disabled}},
			journal.Record{At: ever, End: &journal.End{ExitCode: 5}})
	}
	if _, err := Make(t.Context(), writeRun(t, "org_id,connection_id\n"+orgA+","+con1+"\n", runRecord(), records...), nil); err != nil {
		t.Error(err)
	}
}
