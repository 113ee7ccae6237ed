package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

const (
	// logTimeout is how long a log line or the progress line may wait for somebody to
	// read it.
	logTimeout = time.Second
	// lastTimeout is that time for what is printed last: the summary or an error.
	lastTimeout = 3 * time.Second
)

var errUnread = errors.New("nobody reads the output")

// output writes to a file that perhaps nobody reads: a pipe to a program that hangs,
// or a terminal that Ctrl-S has stopped. It gives a write up after a time, so that
// neither a signal nor a limit nor the tenant's lock depends on who reads. While a
// write that was given up still blocks, everything else is lost. It is safe for
// concurrent use.
type output struct {
	file    io.Writer
	timeout time.Duration   // for one write
	from    <-chan struct{} // when timeout begins; nil: with the write

	mu      sync.Mutex
	blocked chan written // gets the end of the write that was given up; nil: there is none
	lost    int          // writes
}

type written struct {
	n   int
	err error
}

func newOutput(file io.Writer, timeout time.Duration) *output {
	return &output{file: file, timeout: timeout}
}

// newPatientOutput is an output that waits for a slow reader, but no longer once a signal
// has ended ctx.
func newPatientOutput(ctx context.Context, file io.Writer) *output {
	return &output{file: file, timeout: logTimeout, from: ctx.Done()}
}

// Write returns errUnread if nobody reads.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case <-o.blocked:
		o.blocked = nil
	default:
		if o.blocked != nil {
			o.lost++
			return 0, errUnread
		}
	}
	done, text := make(chan written, 1), bytes.Clone(p)
	go func() {
		n, err := o.file.Write(text)
		done <- written{n, err}
	}()
	if o.from != nil {
		select {
		case w := <-done:
			return w.n, w.err
		case <-o.from:
		}
	}
	select {
	case w := <-done:
		return w.n, w.err
	case <-time.After(o.timeout):
		o.blocked = done
		return 0, errUnread
	}
}

// lossy is an output where a write that nobody reads is lost without an error.
type lossy struct{ *output }

func (l lossy) Write(p []byte) (int, error) {
	_, _ = l.output.Write(p)
	return len(p), nil
}

// takeLost returns how many writes were lost since the last call.
func (o *output) takeLost() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	lost := o.lost
	o.lost = 0
	return lost
}
