package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/orgconn/orgconn/batch"
)

// The progress line says until when the run waits.
func TestProgressTextTellsPause(t *testing.T) {
	until := time.Date(2026, 11, 28, 5, 12, 33, 0, time.Local)
	p := batch.Progress{Rows: 10, Done: 3, Limited: 1, Holdup: batch.HeldByPause, PausedUntil: until}
	if got, want := progressText(p, 0), " 3/10  paused until 05:12:33 after a 429  0.0 rows/s  429s 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// What is known is in the progress line, and nothing else.
func TestProgressText(t *testing.T) {
	for want, p := range map[string]batch.Progress{
		" 3/10  ETA 1m30s  failed 2  waits for writes  1.5 rows/s  tokens 7": {
			Rows: 10, Done: 3, Failed: 2, ETA: 90 * time.Second, Holdup: batch.HeldByWrites, Known: true, Tokens: 7.2},
		" 10/10  1.5 rows/s": {Rows: 10, Done: 10, Holdup: batch.HeldByWrites},
		" 3  1.5 rows/s":     {Done: 3},
	} {
		if got := progressText(p, 1.5); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// So does the status line. It has no ETA that nobody knows.
func TestStatusTellsPause(t *testing.T) {
	until := time.Date(2026, 11, 28, 5, 12, 33, 0, time.UTC)
	var text bytes.Buffer
	log := newLogger(&text, zapcore.InfoLevel, false)
	log.Info("progress", statusFields(batch.Progress{Rows: 10, Holdup: batch.HeldByPause, PausedUntil: until}, 0)...)
	if got := text.String(); !strings.Contains(got, `"paused_until":"2026-11-28T05:12:33Z"`) || strings.Contains(got, "eta") {
		t.Error(got)
	}
	text.Reset()
	log.Info("progress", statusFields(batch.Progress{Rows: 10, Done: 3, Failed: 2, Limited: 1, ETA: 90 * time.Second, Holdup: batch.HeldByWrites}, 1.234)...)
	const want = `"done":3,"rows":10,"failed":2,"rate_limited":1,"rows_per_s":1.23,"held_by":"writes","eta":"1m30s"}`
	if got := text.String(); !strings.Contains(got, want) {
		t.Error(got)
	}
}

func TestPace(t *testing.T) {
	var p pace
	start := time.Unix(1e9, 0)
	for second, c := range []struct {
		rows int
		want float64
	}{{0, 0}, {10, 10}, {30, 15}, {30, 10}} {
		if got := p.measure(start.Add(time.Duration(second)*time.Second), c.rows); got != c.want {
			t.Errorf("after %d s: %v rows a second, want %v", second, got, c.want)
		}
	}
	p.measure(start.Add(60*time.Second), 30)
	if got := p.measure(start.Add(70*time.Second), 80); got != 5 {
		t.Errorf("%v rows a second, want 5: what is long ago does not count", got)
	}
}
