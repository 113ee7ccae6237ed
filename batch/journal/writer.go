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

// How long a batch of records may grow before it is written and synced.
const (
	maxDelay     = time.Second           // if nobody waits for a record
	syncInterval = 10 * time.Millisecond // since the last sync, if somebody waits
	maxWaiting   = 128                   // callers that wait; then the batch is synced at once
	maxBatch     = 1 << 20               // bytes; likewise
)

// maxQueued is the number of records that may be queued before Append blocks.
const maxQueued = 256

// File is the part of [os.File] that a Writer needs. Write must append to what
// the file contains.
type File interface {
	io.Writer
	Sync() error
}

// Writer appends records to a journal by group commit: one goroutine owns the
// file, and writes and syncs the records of all callers together. A hundred rows
// that wait then share one sync. Its methods are safe for concurrent use.
//
// The Writer ends with the first write or sync that fails: every later call
// returns that error, and nothing is retried. After a failed fsync Linux marks
// the pages clean and forgets the error, so a second fsync of the same file would
// report success for data that is not on the disk.
type Writer struct {
	queue   chan request
	stopped chan struct{} // closed when loop has ended
	err     error         // why loop ended; read it only after stopped is closed

	mu     sync.RWMutex // held for reading while sending to queue
	closed bool         // queue is closed

	// Only loop uses these.
	file     File
	synced   int64 // bytes of the file that are on disk
	lastSync time.Time
	batch    []byte          // encoded lines that are not written yet
	waiting  []chan struct{} // closed once the batch is on disk
}

// request asks loop to write an encoded record.
type request struct {
	body []byte        // nil: nothing is to be written
	done chan struct{} // closed when it is on disk, and all before it; nil if nobody waits
}

// Create starts a journal in an empty file. The first record must be a Header; it
// is on disk when Create returns. The caller closes the file, after the Writer.
func Create(f File, first Record) (*Writer, error) {
	if err := checkHeader(first.Header); err != nil {
		return nil, err
	}
	w := Continue(f, 0)
	if err := w.Commit(context.Background(), first); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Continue continues a journal that ends at the given offset, in bytes, with all its
// records whole and on disk; [Repair] leaves it like that. The file must be
// positioned at its end, or be opened for appending. The caller closes it, after
// the Writer.
func Continue(f File, end int64) *Writer {
	w := &Writer{
		queue:   make(chan request, maxQueued),
		stopped: make(chan struct{}),
		file:    f,
		synced:  end,
	}
	go w.loop()
	return w
}

// Append queues a record, which is on disk about a second later at most. While the
// queue is full it blocks: that is the backpressure of a slow disk. It returns an
// error if the record is too long for a line, the error that ended the Writer, or
// [os.ErrClosed] after Close.
func (w *Writer) Append(rec Record) error {
	body, err := encode(rec)
	if err != nil {
		return err
	}
	return w.enqueue(context.Background(), request{body: body})
}

// Commit writes a record and returns once it is on disk. If ctx ends first, Commit
// returns its cause, and the record may or may not be written. Other errors are
// those of Append. An End begins a batch: its line then says that all records before it
// are on disk, so that damage to them is no torn tail.
func (w *Writer) Commit(ctx context.Context, rec Record) error {
	body, err := encode(rec)
	if err != nil {
		return err
	}
	if rec.End != nil {
		if err := w.commit(ctx, nil); err != nil {
			return err
		}
	}
	return w.commit(ctx, body)
}

// commit writes an encoded record, if there is one, and returns once it and all that were
// queued before it are on disk.
func (w *Writer) commit(ctx context.Context, body []byte) error {
	done := make(chan struct{})
	if err := w.enqueue(ctx, request{body, done}); err != nil {
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
	case <-done: // by the last sync before loop ended
		return nil
	default:
		return w.err
	}
}

// enqueue sends a request to loop. It holds the lock, so that Close does not close
// the queue during the send, which would panic.
func (w *Writer) enqueue(ctx context.Context, req request) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if err := w.usable(); err != nil { // checked first, as select picks any case that is ready
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

// usable returns nil if the Writer accepts records, else the reason why not. The
// caller holds mu.
func (w *Writer) usable() error {
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

// Close writes and syncs the queued records. It returns the error that ended the
// Writer, if there was one. It does not close the file. Closing twice is fine.
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

// loop is the goroutine that owns the file. It collects records in a batch. It
// flushes the batch when a caller waits, when it is full, or when it is overdue.
func (w *Writer) loop() {
	defer close(w.stopped)
	var overdue <-chan time.Time // fires maxDelay after the first record of a batch
	for {
		select {
		case req, open := <-w.queue:
			if !open {
				w.err = w.flush()
				return
			}
			w.add(req)
			w.drain()
			if len(w.waiting) == 0 && len(w.batch) < maxBatch {
				if overdue == nil {
					overdue = time.After(maxDelay)
				}
				continue
			}
			w.linger()
		case <-overdue:
		}
		overdue = nil
		if w.err = w.flush(); w.err != nil {
			return
		}
	}
}

// drain adds the requests that are queued now.
func (w *Writer) drain() {
	for len(w.queue) > 0 && len(w.batch) < maxBatch {
		w.add(<-w.queue)
	}
}

// linger waits for more requests until syncInterval has passed since the last
// sync. At thousands of rows a second, more of them then share a sync. It ends
// early when maxWaiting callers wait, as many as there are calls in flight by default
// (--workers): if more waited, too few would be left to call. With more workers it
// only ends earlier than it must.
func (w *Writer) linger() {
	expired := time.After(time.Until(w.lastSync.Add(syncInterval)))
	for len(w.waiting) < maxWaiting && len(w.batch) < maxBatch {
		select {
		case req, open := <-w.queue:
			if !open {
				return
			}
			w.add(req)
		case <-expired:
			return
		}
	}
}

// add adds a record to the batch. The first line of a batch says how many bytes
// were on disk before it, which lets a Reader tell damage from a torn tail.
func (w *Writer) add(req request) {
	var synced int64
	if len(w.batch) == 0 {
		synced = w.synced
	}
	if req.body != nil {
		w.batch = appendLine(w.batch, req.body, synced)
	}
	if req.done != nil {
		w.waiting = append(w.waiting, req.done)
	}
}

// flush writes and syncs the batch, and wakes the callers that wait for it.
func (w *Writer) flush() error {
	if len(w.batch) > 0 {
		if err := w.writeBatch(); err != nil {
			return err
		}
	}
	for _, done := range w.waiting {
		close(done)
	}
	w.batch, w.waiting = w.batch[:0], w.waiting[:0]
	return nil
}

func (w *Writer) writeBatch() error {
	n, err := w.file.Write(w.batch)
	if err == nil && n < len(w.batch) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("write journal: %w", withoutPath(err))
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync journal: %w", withoutPath(err))
	}
	w.lastSync = time.Now()
	w.synced += int64(n)
	return nil
}

// withoutPath removes the path from an error, since the file may have been renamed
// after it was opened.
func withoutPath(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}
