package main

import (
	"fmt"
	"os"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"go.uber.org/zap"
	"golang.org/x/term"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
)

const (
	redrawEvery = 200 * time.Millisecond
	statusEvery = time.Minute // off a terminal
)

// view shows a run on standard error: a progress line on a terminal, a log
// line a minute elsewhere. Log lines go through it, so that they do not tear
// the progress line. Write is safe for concurrent use; watch and close are
// called once each, by one goroutine.
type view struct {
	terminal bool
	quiet    bool
	bars     *mpb.Progress // nil off a terminal
	stop     chan struct{}
	stopped  chan struct{}
}

func newView(quiet bool) *view {
	v := &view{terminal: term.IsTerminal(int(os.Stderr.Fd())), quiet: quiet}
	if v.terminal && !quiet {
		v.bars = mpb.New(mpb.WithOutput(os.Stderr), mpb.WithRefreshRate(redrawEvery), mpb.WithWidth(20))
	}
	return v
}

// Write prints log lines above the progress line.
func (v *view) Write(p []byte) (int, error) {
	if v.bars != nil {
		if n, err := v.bars.Write(p); err == nil {
			return n, nil
		}
	}
	return os.Stderr.Write(p)
}

// watch shows the progress until close.
func (v *view) watch(progress func() batch.Progress, log *zap.Logger) {
	v.stop, v.stopped = make(chan struct{}), make(chan struct{})
	switch {
	case v.quiet:
		close(v.stopped)
	case v.bars != nil:
		go v.draw(progress)
	default:
		go v.report(progress, log)
	}
}

// close ends the progress line.
func (v *view) close() {
	close(v.stop)
	<-v.stopped
}

// draw keeps the progress line up to date.
func (v *view) draw(progress func() batch.Progress) {
	defer close(v.stopped)
	now := progress()
	text := func(f func(batch.Progress) string) decor.Decorator {
		return decor.Any(func(decor.Statistics) string { return f(progress()) })
	}
	bar := v.bars.AddBar(int64(max(now.Rows, 1)),
		mpb.PrependDecorators(text(func(p batch.Progress) string { return fmt.Sprintf("%d/%d ", p.Done, p.Rows) })),
		mpb.AppendDecorators(text(progressText)),
	)
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			bar.SetCurrent(int64(progress().Done))
		case <-v.stop:
			bar.SetCurrent(int64(progress().Done))
			bar.Abort(false)
			v.bars.Wait()
			v.bars = nil
			return
		}
	}
}

// report logs the progress once a minute.
func (v *view) report(progress func() batch.Progress, log *zap.Logger) {
	defer close(v.stopped)
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p := progress()
			log.Info("progress", zap.Int("done", p.Done), zap.Int("rows", p.Rows), zap.Int("failed", failedRows(p)),
				zap.Int("rate_limited", p.Limited), zap.Float64("calls_per_s", p.Lane.Rate), zap.Bool("outage", p.Outage), zap.Duration("eta", p.ETA.Round(time.Second)))
		case <-v.stop:
			return
		}
	}
}

// progressText is the part of the progress line behind the bar.
func progressText(p batch.Progress) string {
	text := fmt.Sprintf(" %.1f/s  tokens %.0f  429s %d  failed %d", p.Lane.Rate, p.Lane.Content, p.Limited, failedRows(p))
	switch {
	case p.Outage:
		return text + "  the tenant does not answer well"
	case p.ETA > 0:
		return text + "  ETA " + p.ETA.Round(time.Second).String()
	}
	return text
}

func failedRows(p batch.Progress) int {
	return p.Outcomes[journal.Failed] + p.Outcomes[journal.Unknown] + p.Outcomes[journal.NotFound] + p.Outcomes[journal.Blocked]
}
