package reports

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
)

// BenchmarkMake makes the reports of a run with an intent and an outcome for every
// row, with the journal in the order of the input and in random order.
func BenchmarkMake(b *testing.B) {
	const rows = 100_000
	inOrder := make([]int, rows)
	for i := range inOrder {
		inOrder[i] = i
	}
	b.Run("in order", func(b *testing.B) { benchmarkMake(b, inOrder) })
	b.Run("shuffled", func(b *testing.B) { benchmarkMake(b, rand.Perm(rows)) })
}

func benchmarkMake(b *testing.B, order []int) {
	dir := b.TempDir()
	writeLargeRun(b, dir, order)
	rows := len(order)
	for b.Loop() {
		s, err := Make(context.Background(), dir, nil)
		if err != nil {
			b.Fatal(err)
		}
		if s.Outcomes[journal.Disabled] != rows {
			b.Fatal(s.Outcomes)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(rows), "µs/row")
}

func writeLargeRun(b testing.TB, dir string, order []int) {
	b.Helper()
	input, err := os.Create(filepath.Join(dir, "input.csv"))
	if err != nil {
		b.Fatal(err)
	}
	defer input.Close()
	sum := sha256.New()
	w := bufio.NewWriter(io.MultiWriter(input, sum))
	fmt.Fprintln(w, "org_id,connection_id,customer")
	for i := range order {
		fmt.Fprintf(w, "org_%016d,con_%016d,customer %d\n", i/2, i%1000, i)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "journal.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	first := runRecord()
	first.Header.Input.SHA256 = hex.EncodeToString(sum.Sum(nil))
	jw, err := journal.Create(f, first)
	if err != nil {
		b.Fatal(err)
	}
	for _, i := range order {
		yes, no := true, false
		intent := &journal.Intent{Line: i + 2, Snapshot: &journal.Snapshot{Name: fmt.Sprint("customer-", i%1000),
			LinkSettings: apiclient.LinkSettings{AssignMembershipOnLogin: &yes, ShowAsButton: &no, IsSignupEnabled: &no}}}
		outcome := &journal.RowOutcome{Line: i + 2, Outcome: journal.Disabled,
			Call: &journal.Call{Status: 204, Attempts: 1, DurationMS: 93, RequestID: fmt.Sprintf("%032d", i)}}
		for _, rec := range []journal.Record{{Intent: intent}, {Outcome: outcome}} {
			rec.At = start.Add(time.Duration(i) * time.Millisecond)
			if err := jw.Append(rec); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := jw.Close(); err != nil {
		b.Fatal(err)
	}
}
