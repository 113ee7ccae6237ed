package journal

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is a File in memory that tells written bytes from synced ones.
type disk struct {
	syncTime time.Duration
	writeErr error
	syncErr  error
	short    int // bytes that a write omits

	mu            sync.Mutex
	written       []byte
	durable       int // bytes
	writes, syncs int
}

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	if d.writeErr != nil {
		return 0, d.writeErr
	}
	p = p[:len(p)-d.short]
	d.written = append(d.written, p...)
	return len(p), nil
}

func (d *disk) Sync() error {
	time.Sleep(d.syncTime)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	if d.syncErr == nil {
		d.durable = len(d.written)
	}
	return d.syncErr
}

// synced returns the bytes that survive any crash.
func (d *disk) synced() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.written[:d.durable])
}

// calls returns the numbers of writes and syncs.
func (d *disk) calls() [2]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return [2]int{d.writes, d.syncs}
}

func firstRecord() Record {
	return Record{At: time.Unix(1800000000, 0).UTC(), Header: &Header{
		Format: Format, Command: CommandDisable, Tenant: "t.example",
		By:       &By{ClientID: "client", User: "ops", Host: "worker-1"},
		Settings: Settings{Workers: 1, Timeout: Duration(time.Second)},
	}}
}

func outcomeOf(line int) Record {
	return Record{At: time.Unix(1800000000, 0).UTC(), Outcome: &RowOutcome{Line: line, Outcome: Disabled}}
}

func create(t testing.TB, f File) *Writer {
	t.Helper()
	w, err := Create(f, firstRecord())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestCreatedJournalSurvivesACrash(t *testing.T) {
	var d disk
	w := create(t, &d)
	if n := len(readAll(t, d.synced())); n != 1 {
		t.Errorf("%d records synced when Create returned", n)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestCreateRefusesOtherRecords(t *testing.T) {
	for name, first := range map[string]Record{
		"no header":    outcomeOf(2),
		"other format": {Header: &Header{Format: Format + 1}},
	} {
		var d disk
		if _, err := Create(&d, first); err == nil || len(d.written) > 0 {
			t.Errorf("%s: error %v, written %q", name, err, d.written)
		}
	}
}

func TestCreateReportsAFullDisk(t *testing.T) {
	d := disk{syncErr: errors.New("no space left")}
	if _, err := Create(&d, firstRecord()); !errors.Is(err, d.syncErr) {
		t.Errorf("got %v", err)
	}
}

func TestAppendedRecordsAreOnDiskWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		w := create(t, &d)
		for range 10 {
			if err := w.Append(outcomeOf(2)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		synctest.Wait()
		if len(readAll(t, d.synced())) != 1 {
			t.Error("synced at once although nobody waits")
		}
		time.Sleep(time.Second / 2)
		synctest.Wait()
		if n := len(readAll(t, d.synced())); n != 11 {
			t.Errorf("%d records synced after a second, want 11", n)
		}
		time.Sleep(time.Minute)
		if calls := d.calls(); calls != [2]int{2, 2} {
			t.Errorf("writes and syncs %v, want 2 each: an idle journal needs none", calls)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCommitsShareASync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk{syncTime: 10 * time.Millisecond}
		w := create(t, &d)
		var wg sync.WaitGroup
		start := time.Now()
		for i := range 128 {
			wg.Go(func() {
				if err := w.Commit(t.Context(), outcomeOf(i+2)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if calls := d.calls(); calls[1] > 3 || time.Since(start) > 20*time.Millisecond {
			t.Errorf("%d syncs in %v for 128 commits at once, want 2 or 3", calls[1], time.Since(start))
		}
		if n := len(readAll(t, d.synced())); n != 129 {
			t.Errorf("%d records synced, want 129", n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A call is sent when Commit returns, so its intent must survive a crash by then.
func TestCommittedRecordsSurviveACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		w := create(t, &d)
		for i := range 50 {
			if i%3 == 0 {
				_ = w.Append(outcomeOf(1 + i))
			}
			if err := w.Commit(t.Context(), outcomeOf(1000+i)); err != nil {
				t.Fatal(err)
			}
			got := readAll(t, d.synced())
			if last := got[len(got)-1].Outcome; last.Line != 1000+i {
				t.Fatalf("commit %d returned, but the last synced line is %d", i, last.Line)
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// After a failed fsync the disk's contents are unknown, and a second one proves
// nothing.
func TestNothingIsWrittenAfterAFailure(t *testing.T) {
	broken := errors.New("no space left")
	for name, tc := range map[string]struct {
		harm func(*disk)
		want error
	}{
		"write": {func(d *disk) { d.writeErr = broken }, broken},
		"sync":  {func(d *disk) { d.syncErr = broken }, broken},
		"short": {func(d *disk) { d.short = 7 }, io.ErrShortWrite},
	} {
		t.Run(name, func(t *testing.T) {
			var d disk
			w := create(t, &d)
			tc.harm(&d)
			if err := w.Commit(t.Context(), outcomeOf(2)); !errors.Is(err, tc.want) {
				t.Errorf("Commit: %v, want %v", err, tc.want)
			}
			<-w.stopped
			before := d.calls()
			d.writeErr, d.syncErr, d.short = nil, nil, 0
			for range 3 {
				if err := w.Append(outcomeOf(3)); !errors.Is(err, tc.want) {
					t.Errorf("Append: %v, want %v", err, tc.want)
				}
				if err := w.Commit(t.Context(), outcomeOf(3)); !errors.Is(err, tc.want) {
					t.Errorf("second Commit: %v, want %v", err, tc.want)
				}
			}
			if err := w.Close(); !errors.Is(err, tc.want) {
				t.Errorf("Close: %v, want %v", err, tc.want)
			}
			if err := w.Append(outcomeOf(3)); !errors.Is(err, tc.want) {
				t.Errorf("Append after Close: %v, want %v", err, tc.want)
			}
			if d.calls() != before {
				t.Error("the file was touched again after the failure")
			}
		})
	}
}

// Without backpressure a slow disk would cost memory.
func TestAppendBlocksWhileTheQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := disk{syncTime: time.Hour, syncErr: errors.New("no space left")}
		w := Continue(&d, 0)
		go w.Commit(t.Context(), firstRecord())
		synctest.Wait()
		var accepted atomic.Int64
		for i := range 4 * maxQueued {
			go func() {
				if w.Append(outcomeOf(i)) == nil {
					accepted.Add(1)
				}
			}()
		}
		synctest.Wait()
		if n := accepted.Load(); n != maxQueued {
			t.Errorf("%d records accepted during a sync, want %d", n, maxQueued)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.Commit(ctx, outcomeOf(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("Commit to a full queue, canceled: %v", err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait() // all blocked calls have returned, or the bubble complains
		if n := accepted.Load(); n != maxQueued {
			t.Errorf("%d records accepted, some after the failure", n)
		}
		if err := w.Close(); !errors.Is(err, d.syncErr) {
			t.Error(err)
		}
	})
}

func TestCanceledCommitIsWrittenAtClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		w := create(t, &d)
		d.syncTime = time.Minute // loop reads it only after the next record
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("had enough"))
		defer cancel()
		if err := w.Commit(ctx, outcomeOf(2)); err == nil || err.Error() != "had enough" {
			t.Errorf("got %v, want the cause", err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if n := len(readAll(t, d.synced())); n != 2 {
			t.Errorf("%d records after Close, want 2", n)
		}
	})
}

func TestCloseWritesTheQueue(t *testing.T) {
	var d disk
	w := create(t, &d)
	var wg sync.WaitGroup
	var accepted atomic.Int64
	for i := 1; i <= 200; i++ {
		wg.Go(func() {
			switch err := w.Append(outcomeOf(i)); {
			case err == nil:
				accepted.Add(1)
			case !errors.Is(err, os.ErrClosed):
				t.Error(err)
			}
		})
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if n := len(readAll(t, d.synced())); n != int(accepted.Load())+1 {
		t.Errorf("%d records synced, %d accepted", n, accepted.Load()+1)
	}
	if err := w.Commit(t.Context(), outcomeOf(1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Commit after Close: %v", err)
	}
}

func TestOneLongRecordDoesNotStopTheRun(t *testing.T) {
	var d disk
	w := create(t, &d)
	long := outcomeOf(2)
	long.Outcome.Message = strings.Repeat("x", maxLine)
	if err := w.Append(long); err == nil {
		t.Error("a record longer than a line was accepted")
	}
	long.Outcome.Message = strings.Repeat("x", maxLine-512)
	if err := w.Commit(t.Context(), long); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if n := len(readAll(t, d.synced())); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}
