package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient"
)

func BenchmarkAppend(b *testing.B) {
	w := create(b, &discard{})
	rec := typicalIntent()
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Append(rec); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Error(err)
	}
}

func BenchmarkEncode(b *testing.B) {
	rec := typicalIntent()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		body, err := encode(rec)
		if err != nil {
			b.Fatal(err)
		}
		buf = appendLine(buf[:0], body, 0)
	}
}

func BenchmarkCommit128(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "journal.jsonl"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	counted := &countSyncs{File: f}
	w := create(b, counted)
	rec := typicalIntent()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range 128 {
		wg.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := w.Commit(context.Background(), rec); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	if err := w.Close(); err != nil {
		b.Error(err)
	}
	b.ReportMetric(float64(b.N)/float64(counted.syncs), "records/sync")
}

func BenchmarkRead(b *testing.B) {
	var d disk
	w := create(b, &d)
	for range 10000 {
		_ = w.Append(typicalIntent())
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if n := len(readAll(b, d.synced())); n != 10001 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10001, "ns/record")
}

func BenchmarkReadAt(b *testing.B) {
	name := b.TempDir() + "/journal.jsonl"
	body, _ := encode(typicalIntent())
	if err := os.WriteFile(name, appendLine(nil, body, 0), 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, _ := f.Stat()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadAt(f, 0, int(info.Size())); err != nil {
			b.Fatal(err)
		}
	}
}

// discard is a File that keeps nothing.
type discard struct{}

func (*discard) Write(p []byte) (int, error) { return len(p), nil }
func (*discard) Sync() error                 { return nil }

// countSyncs counts the syncs of a file.
type countSyncs struct {
	*os.File
	syncs int
}

func (c *countSyncs) Sync() error {
	c.syncs++
	return c.File.Sync()
}

func typicalIntent() Record {
	yes, no := true, false
	return Record{At: time.Now().UTC(), Intent: &Intent{Line: 123456, Snapshot: &Snapshot{
		Name: fmt.Sprint("acme-", 17), LinkSettings: apiclient.LinkSettings{AssignMembershipOnLogin: &yes, ShowAsButton: &no, IsSignupEnabled: &no},
	}}}
}
