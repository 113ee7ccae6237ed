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
