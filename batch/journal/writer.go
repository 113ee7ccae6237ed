package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

const (
	maxDelay   = time.Second           // for which an appended record waits for its sync
	syncPause  = 10 * time.Millisecond // between syncs
	maxWaiting = 128                   // records that are waited for; then the pause ends
	maxQueued  = 256                   // records; then Append blocks
	maxBatch   = 1 << 20               // bytes; then a batch is written though nobody waits
)

// File is what a Writer needs of the file it writes; *os.File is one. It must
// write at the end of what is there.
type File interface {
	io.Writer
	Sync() error
}

// Writer appends records to a journal. One goroutine owns the file and writes
// and syncs for all callers together, so that a hundred waiting rows cost one
// sync. Its methods may be called by several goroutines at once.
//
// A write or sync that fails is the end of the Writer: every call from then on
// returns that error, and nothing is tried again. After a failed fsync Linux
// marks the pages clean and forgets the error, so a second fsync of the same
// file would report success for data that is not on the disk.
type Writer struct {
	queue   chan request
	stopped chan struct{} // closed when the owner has ended
	err     error         // why it ended; read it after stopped

	mu     sync.RWMutex // held for reading by whoever sends to queue
	closed bool

	// The owner's.
	file     File
	end      int64 // offset behind the last synced byte
	lastSync time.Time
	buf      []byte
	waiting  []chan struct{}
}

// request is an encoded record on its way to the owner.
type request struct {
	body []byte
	done chan struct{} // closed when the record is on disk; nil: nobody waits
}

// Create starts a journal in an empty file. The first record, a Run, is on disk
// when Create returns. The file stays the caller's to close, after the Writer.
func Create(f File, first Record) (*Writer, error) {
	if err := checkFirst(first.Header); err != nil {
		return nil, err
	}
	w := Append(f, 0)
	if err := w.Commit(context.Background(), first); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Append goes on with a journal that ends, whole and synced, at the offset end,
// in bytes: what Repair leaves. The file must stand there, or append.
func Append(f File, end int64) *Writer {
	w := &Writer{
		queue:   make(chan request, maxQueued),
		stopped: make(chan struct{}),
		file:    f,
		end:     end,
	}
	go w.own()
	return w
}

// Append queues a record; it is on disk with the next sync, about a second
// later at most. It blocks while too much is queued. An error is the record's
// own (too long for a line), the Writer's, or os.ErrClosed.
func (w *Writer) Append(rec Record) error {
	body, err := encode(rec)
	if err != nil {
		return err
	}
	return w.send(context.Background(), request{body: body})
}

// Commit returns once the record is on disk. Where ctx ends first it returns
// the cause; the record may then be written or not. Other errors are Append's.
func (w *Writer) Commit(ctx context.Context, rec Record) error {
	body, err := encode(rec)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	if err := w.send(ctx, request{body, done}); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.stopped:
	}
	select {
	case <-done: // by the owner's last sync
		return nil
	default:
		return w.err
	}
}

// send hands a request to the owner. The lock keeps Close from ending the owner
// between a request that was taken and its write.
func (w *Writer) send(ctx context.Context, req request) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if err := w.ended(); err != nil { // asked first: select picks by chance
		return err
	}
	select {
	case w.queue <- req:
		return nil
	case <-w.stopped:
		return w.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ended returns why no more records are taken, or nil. mu is held.
func (w *Writer) ended() error {
	select {
	case <-w.stopped:
		if w.err != nil {
			return w.err
		}
	default:
	}
	if w.closed {
		return fmt.Errorf("write journal: %w", os.ErrClosed)
	}
	return nil
}

// Close writes and syncs what is queued, and returns the error that ended the
// Writer, if one did. It does not close the file. Further calls do no harm.
func (w *Writer) Close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.mu.Unlock()
	<-w.stopped
	return w.err
}

// own is the goroutine that owns the file.
func (w *Writer) own() {
	defer close(w.stopped)
	var due <-chan time.Time // for what nobody waits for
	for {
		urgent := true
		select {
		case req, ok := <-w.queue:
			if !ok {
				w.err = w.flush()
				return
			}
			w.add(req)
			w.gatherQueued()
			if urgent = len(w.waiting) > 0 || len(w.buf) >= maxBatch; urgent {
				w.gatherMore()
			}
		case <-due:
		}
		switch {
		case urgent:
			due = nil
			if w.err = w.flush(); w.err != nil {
				return
			}
		case due == nil:
			due = time.After(maxDelay)
		}
	}
}

// gatherQueued adds what is queued to the batch.
func (w *Writer) gatherQueued() {
	for len(w.queue) > 0 && len(w.buf) < maxBatch {
		w.add(<-w.queue)
	}
}

// gatherMore lets some time pass since the last sync, so that where rows come
// by the thousand a second, more of them share the next one; but not while so many
// wait that their workers would be idle.
func (w *Writer) gatherMore() {
	enough := time.After(time.Until(w.lastSync.Add(syncPause)))
	for len(w.waiting) < maxWaiting && len(w.buf) < maxBatch {
		select {
		case req, ok := <-w.queue:
			if !ok {
				return
			}
			w.add(req)
		case <-enough:
			return
		}
	}
}

// add adds a record to the batch. The batch's first record says how far the
// file was synced before it, which tells damage from a torn tail.
func (w *Writer) add(req request) {
	var synced int64
	if len(w.buf) == 0 {
		synced = w.end
	}
	w.buf = appendLine(w.buf, req.body, synced)
	if req.done != nil {
		w.waiting = append(w.waiting, req.done)
	}
}

// flush writes and syncs the batch, and wakes who waits for it.
func (w *Writer) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	n, err := w.file.Write(w.buf)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("write journal: %w", bare(err))
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync journal: %w", bare(err))
	}
	w.lastSync = time.Now()
	w.end += int64(n)
	for _, done := range w.waiting {
		close(done)
	}
	w.buf, w.waiting = w.buf[:0], w.waiting[:0]
	return nil
}

// bare takes the path off an error: the file may have been renamed since it was
// opened.
func bare(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}
