package main

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch"
)

// progressText is the progress line behind the bar. What matters most comes first,
// because a narrow terminal cuts off the end.
func progressText(p batch.Progress, rowsPerS float64) string {
	text := fmt.Sprintf(" %d/%d", p.Done, p.Rows)
	if p.Rows == 0 { // an export does not know it at first
		text = fmt.Sprintf(" %d", p.Done)
	}
	if p.Of != "" {
		text += " " + p.Of
	}
	if p.ETA > 0 {
		text += "  ETA " + p.ETA.Round(time.Second).String()
	}
	if p.Failed > 0 {
		text += fmt.Sprintf("  failed %d", p.Failed)
	}
	switch {
	case !p.PausedUntil.IsZero():
		text += "  paused until " + p.PausedUntil.Local().Format(time.TimeOnly) + " after a 429"
	case p.Done < p.Rows:
		text += "  waits for " + string(p.Holdup)
	}
	text += fmt.Sprintf("  %.1f %s/s", rowsPerS, cmp.Or(p.Of, "rows"))
	if p.Known {
		text += fmt.Sprintf("  tokens %.0f", p.Tokens)
	}
	if p.Limited > 0 {
		text += fmt.Sprintf("  429s %d", p.Limited)
	}
	return text
}

// statusFields are what the status line says.
func statusFields(p batch.Progress, rowsPerS float64) []zap.Field {
	fields := []zap.Field{
		zap.Int("done", p.Done), zap.Int("rows", p.Rows), zap.Int("failed", p.Failed), zap.Int("rate_limited", p.Limited),
		zap.Float64("rows_per_s", math.Round(rowsPerS*100)/100), zap.String("held_by", string(p.Holdup)),
	}
	if p.Of != "" {
		fields = append(fields, zap.String("of", p.Of))
	}
	if p.ETA > 0 {
		fields = append(fields, zap.Duration("eta", p.ETA.Round(time.Second)))
	}
	if !p.PausedUntil.IsZero() {
		fields = append(fields, zap.Time("paused_until", p.PausedUntil))
	}
	return fields
}

// paceSpan is the time over which a pace is averaged.
const paceSpan = 10 * time.Second

// pace measures how many rows were done per second in the last paceSpan. It is not
// safe for concurrent use.
type pace struct{ counts []datedCount }

type datedCount struct {
	at   time.Time
	rows int
}

// measure adds a count of the rows done so far and returns the rows per second.
func (p *pace) measure(now time.Time, rows int) float64 {
	p.counts = append(p.counts, datedCount{now, rows})
	for len(p.counts) > 2 && now.Sub(p.counts[1].at) >= paceSpan {
		p.counts = p.counts[1:]
	}
	first := p.counts[0]
	passed := now.Sub(first.at).Seconds()
	if passed <= 0 {
		return 0
	}
	return float64(rows-first.rows) / passed
}
