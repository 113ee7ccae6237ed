package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"github.com/orgconn/orgconn/batch"
)

const (
	redrawEvery = 200 * time.Millisecond
	barWidth    = 16
	statusEvery = time.Minute // off a terminal
)

// view shows a run on standard error: a progress line on a terminal, a log
// line a minute elsewhere. Log lines go through it, so that they do not tear
// the progress line. Write is safe for concurrent use; watch and close are
// called in turn, by one goroutine.
type view struct {
	terminal bool
	quiet    bool
	stop     chan struct{}
	stopped  chan struct{}
	silence  func() bool // has watch say nothing of its context any more

	mu   sync.Mutex
	bars *mpb.Progress // while there is a progress line
}

func newView(quiet bool) *view {
	return &view{terminal: term.IsTerminal(int(os.Stderr.Fd())), quiet: quiet}
}

// Write prints log lines above the progress line.
func (v *view) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	text := p
	if v.terminal {
		text = []byte(printable(string(p)))
	}
	var err error
	if v.bars != nil {
		_, err = v.bars.Write(text)
	} else {
		_, err = os.Stderr.Write(text)
	}
	return len(p), err
}

// setBars begins the progress line, or ends it with nil.
func (v *view) setBars(bars *mpb.Progress) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bars = bars
}

// watch shows the progress until close. When ctx ends meanwhile, it says what is
// waited for.
func (v *view) watch(ctx context.Context, progress func() batch.Progress, log *zap.Logger) {
	v.stop, v.stopped = make(chan struct{}), make(chan struct{})
	v.silence = context.AfterFunc(ctx, func() {
		if v.terminal && !v.quiet {
			fmt.Fprint(os.Stderr, "\r") // back over the ^C, which the progress line does not know of
			fmt.Fprintln(v, "stopping when the calls in flight are answered; once more leaves at once")
		}
	})
	switch {
	case v.quiet:
		close(v.stopped)
	case v.terminal:
		go v.draw(progress)
	default:
		go v.report(progress, log)
	}
}

// close ends the progress line.
func (v *view) close() {
	v.silence()
	close(v.stop)
	<-v.stopped
}

// draw keeps the progress line up to date.
func (v *view) draw(progress func() batch.Progress) {
	defer close(v.stopped)
	bars := mpb.New(mpb.WithOutput(os.Stderr), mpb.WithRefreshRate(redrawEvery), mpb.WithWidth(barWidth))
	v.setBars(bars)
	var line atomic.Pointer[string]
	var pace pace
	show := func() batch.Progress {
		p := progress()
		text := progressText(p, pace.measure(time.Now(), p.Done))
		line.Store(&text)
		return p
	}
	show()
	// How much there is may be found out later, which a bar of 0 allows.
	bar := bars.AddBar(0, mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return *line.Load() })))
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p := show()
			bar.SetTotal(int64(p.Rows), false)
			bar.SetCurrent(int64(p.Done))
		case <-v.stop:
			bar.SetCurrent(int64(show().Done))
			bar.Abort(false)
			v.setBars(nil)
			bars.Wait()
			return
		}
	}
}

// report logs the progress once a minute.
func (v *view) report(progress func() batch.Progress, log *zap.Logger) {
	defer close(v.stopped)
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	var pace pace
	pace.measure(time.Now(), progress().Done)
	for {
		select {
		case <-ticker.C:
			p := progress()
			log.Info("progress", zap.Int("done", p.Done), zap.Int("rows", p.Rows), zap.Int("failed", p.Failed),
				zap.Int("rate_limited", p.Limited), zap.Float64("rows_per_s", math.Round(pace.measure(time.Now(), p.Done)*100)/100),
				zap.String("held_by", string(p.Holdup)), zap.Duration("eta", p.ETA.Round(time.Second)))
		case <-v.stop:
			return
		}
	}
}

// progressText is the progress line behind the bar. A narrow terminal cuts off
// its end, so what matters most comes first.
func progressText(p batch.Progress, rowsPerS float64) string {
	text := fmt.Sprintf(" %d/%d", p.Done, p.Rows)
	if p.Rows == 0 { // not known yet
		text = fmt.Sprintf(" %d", p.Done)
	}
	if p.ETA > 0 {
		text += "  ETA " + p.ETA.Round(time.Second).String()
	}
	text += fmt.Sprintf("  %.1f rows/s", rowsPerS)
	if p.Failed > 0 {
		text += fmt.Sprintf("  failed %d", p.Failed)
	}
	if p.Done < p.Rows {
		text += "  waits for " + string(p.Holdup)
	}
	if p.Known {
		text += fmt.Sprintf("  tokens %.0f", p.Tokens)
	}
	return text + fmt.Sprintf("  429s %d", p.Limited)
}

// paceSpan is how long a pace is averaged.
const paceSpan = 10 * time.Second

// pace measures how many rows a second were done lately. Not safe for
// concurrent use.
type pace struct{ seen []tick }

// tick is a count at an instant.
type tick struct {
	at   time.Time
	rows int
}

// measure takes in a count, and returns the rows per second since the one of
// about paceSpan ago.
func (p *pace) measure(now time.Time, rows int) float64 {
	p.seen = append(p.seen, tick{now, rows})
	for len(p.seen) > 2 && now.Sub(p.seen[1].at) >= paceSpan {
		p.seen = p.seen[1:]
	}
	passed := now.Sub(p.seen[0].at).Seconds()
	if passed <= 0 {
		return 0
	}
	return float64(rows-p.seen[0].rows) / passed
}

// newLogger logs to w. Sampling is off: a row's line may not be missing.
func newLogger(w io.Writer, level zapcore.Level, console bool) *zap.Logger {
	encoder := zap.NewProductionEncoderConfig()
	encoder.TimeKey = "time"
	encoder.EncodeTime = zapcore.RFC3339TimeEncoder
	encoder.EncodeDuration = zapcore.StringDurationEncoder
	format := zapcore.NewJSONEncoder(encoder)
	if console {
		encoder.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05")
		encoder.EncodeLevel = zapcore.CapitalLevelEncoder
		format = zapcore.NewConsoleEncoder(encoder)
	}
	return zap.New(zapcore.NewCore(format, zapcore.Lock(zapcore.AddSync(w)), level))
}

// logger is the logger that the options ask for.
func (o *options) logger(w io.Writer, terminal bool) *zap.Logger {
	level, _ := zapcore.ParseLevel(o.logLevel) // options.check has read it
	if o.quiet {
		level = max(level, zapcore.ErrorLevel)
	}
	return newLogger(w, level, o.logAs == "console" || o.logAs == "" && terminal)
}
