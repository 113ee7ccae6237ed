package main

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"github.com/orgconn/orgconn/reports"
)

// lineEncoder writes each entry as one line. The console format writes a message as it
// is, unlike fields, and a message may have text from a list or a server.
type lineEncoder struct{ zapcore.Encoder }

func (e lineEncoder) Clone() zapcore.Encoder { return lineEncoder{e.Encoder.Clone()} }

func (e lineEncoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	entry.Message = oneLine(entry.Message)
	return e.Encoder.EncodeEntry(entry, fields)
}

// printableJSON writes log lines that a terminal can show. Text of a list or a server is
// in their JSON only, as lineEncoder makes messages printable.
type printableJSON struct{ io.Writer }

func (p printableJSON) Write(text []byte) (int, error) {
	_, err := p.Writer.Write(reports.PrintableJSON(text))
	return len(text), err
}

// newLogger returns a logger that writes to w. Sampling is off, so that no row's
// line is missing.
func newLogger(w io.Writer, level zapcore.Level, console bool) *zap.Logger {
	encoder := zap.NewProductionEncoderConfig()
	encoder.TimeKey = "time"
	encoder.EncodeTime = zapcore.RFC3339TimeEncoder
	encoder.EncodeDuration = zapcore.StringDurationEncoder
	format := zapcore.NewJSONEncoder(encoder)
	if console {
		encoder.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05")
		encoder.EncodeLevel = zapcore.CapitalLevelEncoder
		format = lineEncoder{zapcore.NewConsoleEncoder(encoder)}
	}
	return zap.New(zapcore.NewCore(format, zapcore.Lock(zapcore.AddSync(printableJSON{w})), level))
}

// logger returns the logger that the options ask for.
func (o *options) logger(w io.Writer, terminal bool) *zap.Logger {
	level := o.level()
	if o.quiet {
		level = max(level, zapcore.ErrorLevel)
	}
	return newLogger(w, level, o.logsConsole(terminal))
}

func (o *options) level() zapcore.Level {
	level, _ := zapcore.ParseLevel(o.logLevel) // options.check has accepted it
	return level
}

func (o *options) logsConsole(terminal bool) bool {
	return o.logAs == "console" || o.logAs == "" && terminal
}

// showsFailures reports whether a person looks on, who gets a few readable lines about
// failed rows in place of a log entry for each.
func (o *options) showsFailures(terminal bool) bool {
	level := o.level()
	return o.logsConsole(terminal) && !o.quiet && level > zapcore.DebugLevel && level <= zapcore.WarnLevel
}
