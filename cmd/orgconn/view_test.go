package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zapcore"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
)

// Whoever looks on sees three rows for each of five reasons, and then that the others
// are only counted.
func TestFailuresAreBounded(t *testing.T) {
	var out bytes.Buffer
	f := failures{out: &out, path: "pairs.csv"}
	for line := 2; line < 9; line++ {
		message := fmt.Sprintf("status 400: con_%016d\x1b is in use", line)
		f.add(journal.RowOutcome{Line: line, Outcome: journal.Failed, Message: message})
	}
	for line := 10; line < 30; line++ {
		f.add(journal.RowOutcome{Line: line, Outcome: journal.Unknown, Message: fmt.Sprint("reason ", line%10)})
	}
	want := `pairs.csv:2: failed: status 400: con_0000000000000002� is in use
pairs.csv:3: failed: status 400: con_0000000000000003� is in use
pairs.csv:4: failed: status 400: con_0000000000000004� is in use
further rows like this are only counted: failed: status 400: …␛ is in use
pairs.csv:10: unknown: reason 0
pairs.csv:11: unknown: reason 1
pairs.csv:12: unknown: reason 2
pairs.csv:13: unknown: reason 3
rows that fail for other reasons are only counted
pairs.csv:20: unknown: reason 0
pairs.csv:21: unknown: reason 1
pairs.csv:22: unknown: reason 2
pairs.csv:23: unknown: reason 3
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// Off a terminal, a line a minute says how far the run is, and once that lines were lost.
func TestStatusLineEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		v := &view{out: lossy{newOutput(io.Discard, time.Second)}}
		v.out.lost = 3
		done := 0
		progress := func() batch.Progress { done++; return batch.Progress{Done: done, Rows: 9} }
		v.watch(progress, newLogger(&text, zapcore.InfoLevel, false))
		time.Sleep(150 * time.Second)
		v.close()
		if strings.Count(text.String(), `"msg":"progress","done":`) != 2 || strings.Count(text.String(), `"lost_lines":3}`) != 1 {
			t.Error(text.String())
		}
	})
}

// A log line cannot control the terminal.
func TestLogOnATerminalIsPrintable(t *testing.T) {
	var text bytes.Buffer
	v := &view{out: lossy{newOutput(&text, time.Minute)}, terminal: true}
	if _, err := v.Write([]byte("cleared\x1b[2J\n")); err != nil || text.String() != "cleared\uFFFD[2J\n" {
		t.Errorf("%q, %v", text.String(), err)
	}
}

// The log has every row if nobody looks on, or if it was asked for.
func TestWhoSeesFailures(t *testing.T) {
	for _, c := range []struct {
		level, format   string
		quiet, terminal bool
		want            bool
	}{
		{"info", "", false, true, true},
		{"info", "", false, false, false},
		{"info", "json", false, true, false},
		{"info", "console", false, false, true},
		{"debug", "", false, true, false},
		{"error", "", false, true, false},
		{"info", "", true, true, false},
	} {
		o := options{logLevel: c.level, logAs: c.format, quiet: c.quiet}
		if got := o.showsFailures(c.terminal); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
