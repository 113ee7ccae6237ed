package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Text of a server or a list cannot add a line to the log that looks like one of this
// program.
func TestLogEntryIsOneLine(t *testing.T) {
	const forged = "refused\n12:00:00\tINFO\tall rows are disabled\r\x1b[2J\u009b2J\x7f\u202e"
	for _, console := range []bool{true, false} {
		var out bytes.Buffer
		log := newLogger(&out, zapcore.InfoLevel, console).With(zap.String("with", forged))
		log.Warn("row is unusable: "+forged, zap.Error(errors.New(forged)), zap.Strings("all", []string{forged}))
		text, ended := strings.CutSuffix(out.String(), "\n")
		if !ended || strings.ContainsAny(text, "\n\r\x1b\u009b\x7f\u202e") {
			t.Errorf("console %t: %q", console, text)
		}
	}
}

// The log has the form and the level that were asked for. An entry for programs has its
// time in "time".
func TestLogForm(t *testing.T) {
	const asJSON, console = `{"level":"warn","time":"20`, "\tWARN\tslow\n"
	for _, c := range []struct {
		options  options
		terminal bool
		want     string // "": nothing
	}{
		{options{logLevel: "info"}, false, asJSON},
		{options{logLevel: "warn", logAs: "json"}, true, asJSON},
		{options{logLevel: "info"}, true, console},
		{options{logLevel: "info", logAs: "console"}, false, console},
		{options{logLevel: "error"}, false, ""},
		{options{logLevel: "debug", quiet: true}, false, ""},
	} {
		var out strings.Builder
		c.options.logger(&out, c.terminal).Warn("slow")
		if got := out.String(); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%+v: %q, want %q", c, got, c.want)
		}
	}
}
