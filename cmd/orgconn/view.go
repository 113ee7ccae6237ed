package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"go.uber.org/zap"
	"golang.org/x/term"

	"github.com/orgconn/orgconn/batch"
)

const (
	redrawEvery = 200 * time.Millisecond
	barWidth    = 16          // columns
	statusEvery = time.Minute // off a terminal
)

// view shows a run's progress on standard error: a progress line on a terminal that
// can move its cursor, or else a log line every minute. Log lines go through Write, so
// that they do not tear the progress line. Write is safe for concurrent use. One
// goroutine calls watch and close, close after each watch.
type view struct {
	out      lossy
	terminal bool
	dumb     bool // the terminal has no cursor movements
	quiet    bool
	stop     chan struct{} // closed by close
	stopped  chan struct{} // closed when nothing is shown any more

	mu   sync.Mutex
	bars *mpb.Progress // nil without a progress line
}

func newView(quiet bool) *view {
	return &view{
		out:      lossy{newOutput(os.Stderr, logTimeout)},
		terminal: term.IsTerminal(int(os.Stderr.Fd())), dumb: os.Getenv("TERM") == "dumb",
		quiet: quiet,
	}
}

// Write prints log lines above the progress line. On a terminal they are made
// printable. Lines that nobody reads are lost, without an error.
func (v *view) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	text := p
	if v.terminal {
		text = []byte(printable(string(p)))
	}
	if v.bars != nil {
		_, _ = v.bars.Write(text)
	} else {
		_, _ = v.out.Write(text)
	}
	return len(p), nil
}

// setBars makes Write print above the progress line bars; nil is none.
func (v *view) setBars(bars *mpb.Progress) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bars = bars
}

// explainSignal waits for a signal to end ctx. Then it says what the program still
// waits for, unless forget was called.
func (v *view) explainSignal(ctx context.Context) (forget func() bool) {
	return context.AfterFunc(ctx, func() {
		if v.terminal && !v.quiet {
			before := "\r" // overwrites the terminal's ^C
			if v.dumb {
				before = "\n"
			}
			fmt.Fprint(v.out, before)
			fmt.Fprintln(v, "waiting for the calls in flight; a second signal ends the program at once")
		}
	})
}

// watch shows the progress until close.
func (v *view) watch(progress func() batch.Progress, log *zap.Logger) {
	v.stop, v.stopped = make(chan struct{}), make(chan struct{})
	switch {
	case v.quiet:
		close(v.stopped)
	case v.terminal && !v.dumb:
		go v.draw(progress)
	default:
		go v.logProgress(progress, log)
	}
}

// close ends what watch began.
func (v *view) close() {
	close(v.stop)
	<-v.stopped
}

// draw keeps the progress line up to date.
func (v *view) draw(progress func() batch.Progress) {
	defer close(v.stopped)
	console := cupwriter.New(v.out, false)
	console.SetTermFd(int(os.Stderr.Fd()))
	bars := mpb.New(mpb.WithConsoleWriter(console), mpb.WithRefreshRate(redrawEvery), mpb.WithWidth(barWidth))
	v.setBars(bars)
	var line atomic.Pointer[string]
	var pace pace
	// The total may become known only later, so the bar begins with 0.
	line.Store(new(string))
	bar := bars.AddBar(0, mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return *line.Load() })))
	show := func() {
		p := progress()
		text := progressText(p, pace.measure(time.Now(), p.Done))
		line.Store(&text)
		bar.SetTotal(int64(p.Rows), false)
		bar.SetCurrent(int64(p.Done))
	}
	show()
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			show()
		case <-v.stop:
			show()
			bar.Abort(false)
			v.setBars(nil)
			bars.Wait()
			return
		}
	}
}

// logProgress logs the progress every minute.
func (v *view) logProgress(progress func() batch.Progress, log *zap.Logger) {
	defer close(v.stopped)
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	var pace pace
	pace.measure(time.Now(), progress().Done)
	for {
		if lost := v.out.takeLost(); lost > 0 {
			log.Warn("nobody read standard error for a while", zap.Int("lost_lines", lost))
		}
		select {
		case <-ticker.C:
			p := progress()
			log.Info("progress", statusFields(p, pace.measure(time.Now(), p.Done))...)
		case <-v.stop:
			return
		}
	}
}
