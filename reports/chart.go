package reports

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

// The drawing area of a panel. It is stretched to the page's width; what must not
// be stretched, text above all, is beside it.
const (
	chartWidth  = 1000
	chartHeight = 100
	maxColumns  = 120
)

// figure is some panels above each other, with one time axis.
type figure struct {
	ID      string
	Title   string
	Caption string // what can be seen, in words: the text alternative too
	Panels  []panel
	Times   [3]string // at the axis' start, middle and end
	Pauses  []string  // x of the pauses
}

// panel is a drawing of one quantity.
type panel struct {
	ID     string
	Title  string
	Ticks  [3]string // from the top down
	Shapes []shape
	Legend []legend
}

// shape is a path; its class tells how it is drawn.
type shape struct{ Class, Path string }

// legend says what a shape of a class means.
type legend struct{ Class, Text string }

// axes turn times and quantities into places of a panel.
type axes struct {
	length time.Duration // of the time axis
	top    float64       // of the quantity's axis
}

func (a axes) x(at time.Duration) string {
	return number(chartWidth * min(1, float64(at)/float64(max(a.length, 1))))
}

func (a axes) y(value float64) string {
	return number(chartHeight * (1 - min(1, max(0, value/a.top))))
}

// number has as many digits as a place needs.
func number(x float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", x), ".0")
}

// rule is a level line.
func (a axes) rule(class string, value float64) shape {
	return shape{class, fmt.Sprintf("M0 %sH%d", a.y(value), chartWidth)}
}

// bars is the area between two quantities over time, that of each column at its
// place.
func (a axes) bars(class string, columns []column, low, high func(column) float64) shape {
	var path strings.Builder
	for _, c := range columns {
		if from, to := low(c), high(c); to > from {
			fmt.Fprintf(&path, "M%s %sV%sH%sV%sz", a.x(c.from), a.y(from), a.y(to), a.x(c.to), a.y(from))
		}
	}
	return shape{class, path.String()}
}

// outline is a line along the tops of the columns.
func (a axes) outline(class string, columns []column, value func(column) float64) shape {
	var path strings.Builder
	for i, c := range columns {
		command := "V"
		if i == 0 || columns[i-1].to != c.from {
			command = "M" + a.x(c.from) + " "
		}
		fmt.Fprintf(&path, "%s%sH%s", command, a.y(value(c)), a.x(c.to))
	}
	return shape{class, path.String()}
}

// column is what happened within a part of the time axis.
type column struct {
	from, to time.Duration
	step
	span
}

func (c column) seconds() float64 { return (c.to - c.from).Seconds() }

// perSecond is a rate; that of no time at all is 0.
func (c column) perSecond(n int) float64 {
	if c.to <= c.from {
		return 0
	}
	return float64(n) / c.seconds()
}

// columns are the timeline's steps, joined so that a column is wide enough to be
// seen, and to have more than a few rows in it.
func (t *timeline) columns(length time.Duration) (columns []column) {
	if t.width == 0 {
		return nil
	}
	wanted := max(length/maxColumns, min(time.Second, length/8))
	joined := max(1, int((wanted+t.width-1)/t.width))
	for i := 0; i < len(t.steps); i += joined {
		c := column{from: time.Duration(i) * t.width, to: time.Duration(i+joined) * t.width}
		for _, st := range t.steps[i:min(i+joined, len(t.steps))] {
			c.step.add(st)
		}
		// The last column ends with the run, but is not so narrow that its rate
		// would be an accident.
		c.to = min(c.to, max(length, c.from+time.Duration(joined)*t.width/2))
		columns = append(columns, c)
	}
	return columns
}

// spanColumns are the times between samples.
func (t *timeline) spanColumns() (columns []column) {
	for _, s := range t.spans {
		columns = append(columns, column{from: s.from, to: s.to, span: s})
	}
	return columns
}

// length is the time that the axis has.
func (t *timeline) length(worked float64) time.Duration {
	length := time.Duration(worked * float64(time.Second))
	if n := len(t.spans); n > 0 {
		length = max(length, t.spans[n-1].to)
	}
	return max(length, time.Duration(len(t.steps)-1)*t.width, time.Millisecond)
}

// highest is the largest of the columns' values.
func highest(columns []column, value func(column) float64) (top float64) {
	for _, c := range columns {
		top = max(top, value(c))
	}
	return top
}

// roundUp is the next of a few numbers times a power of ten, so that the top of an
// axis and its half are plain.
func roundUp(x float64) float64 {
	if x <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(x)))
	for _, step := range []float64{1, 2, 3, 4, 5, 6, 8, 10} {
		if x <= step*unit*(1+1e-9) {
			return step * unit
		}
	}
	return 10 * unit
}

// ticks name the axis' top, middle and bottom.
func (a axes) ticks() [3]string { return [3]string{decimal(a.top), decimal(a.top / 2), "0"} }

// times name the time axis' start, middle and end.
func (a axes) times() [3]string {
	s := a.length.Seconds()
	return [3]string{"0 s", seconds(s / 2), seconds(s)}
}

// lane is reads or writes: Auth0 counts them in buckets of their own.
type lane struct {
	index  int // in span.tokens
	name   string
	calls  int
	rate   Rate
	column func(column) float64 // calls per second
	fine   bool                 // the columns are of steps, not of samples
	waited bool                 // the run went at the pace of the other lane
	ended  bool                 // else calls and times are not of the same instant
}

// figures are the pictures of the run: writes, reads, and the rows' outcomes.
func (v *pageView) figures(ix *index) (all []figure) {
	t := &ix.timeline
	length := t.length(v.DurationS)
	lanes := []lane{
		{index: 1, name: "writes", calls: v.Calls.Writes, rate: v.Rate.Writes, fine: true,
			column: func(c column) float64 { return c.perSecond(c.written) }},
		{index: 0, name: "reads", calls: v.Calls.Reads, rate: v.Rate.Reads,
			column: func(c column) float64 { return c.perSecond(c.reads) }},
	}
	lanes[0].waited = v.Rate.Writes.IdealS < v.Rate.Reads.IdealS
	lanes[1].waited = v.Calls.Writes > 0 && !lanes[0].waited
	for _, l := range lanes {
		if l.ended = v.FinishedAt != nil; l.calls > 0 {
			all = append(all, l.figure(t, length, ix.header.Settings.Headroom))
		}
	}
	if len(t.steps) > 0 {
		all = append(all, v.outcomesFigure(t, length))
	}
	a := axes{length: length}
	for i := range all {
		f := &all[i]
		f.ID, f.Times = fmt.Sprintf("figure-%d", i+1), a.times()
		for _, p := range t.pauses {
			f.Pauses = append(f.Pauses, a.x(p.at))
		}
		for j := range f.Panels {
			f.Panels[j].ID = fmt.Sprintf("%s-%d", f.ID, j+1)
		}
	}
	return all
}

// figure shows whether the lane was as fast as its bucket allows, and what it left
// to others.
func (l lane) figure(t *timeline, length time.Duration, headroom float64) figure {
	f := figure{Title: strings.ToUpper(l.name[:1]) + l.name[1:], Caption: l.caption()}
	columns := t.spanColumns()
	if l.fine {
		columns = t.columns(length)
	}
	a := axes{length, roundUp(1.05 * max(highest(columns, l.column), l.rate.RefillPerS))}
	speed := panel{
		Title: l.name + " per second", Ticks: a.ticks(),
		Shapes: []shape{
			a.bars("area", columns, func(column) float64 { return 0 }, l.column),
			a.outline("line", columns, l.column),
		},
		Legend: []legend{{"line", "measured"}},
	}
	if r := l.rate.RefillPerS; r > 0 {
		speed.Shapes = append(speed.Shapes, a.rule("ideal", r))
		speed.Legend = append(speed.Legend, legend{"ideal", "ideal: the refill rate, " + decimal(r) + " per second"})
	}
	f.Panels = append(f.Panels, speed)
	if l.rate.Burst > 0 {
		f.Panels = append(f.Panels, l.tokens(t, length, headroom))
	}
	return f
}

// tokens shows how full the bucket was.
func (l lane) tokens(t *timeline, length time.Duration, headroom float64) panel {
	a := axes{length, roundUp(l.rate.Burst)}
	var line, dots strings.Builder
	command := "M"
	for _, s := range t.spans {
		if !s.known[l.index] {
			continue
		}
		at := a.x(s.to) + " " + a.y(s.tokens[l.index])
		line.WriteString(command + at)
		dots.WriteString("M" + at + "h0")
		command = "L"
	}
	floor := headroom * l.rate.Burst
	return panel{
		Title: "tokens left in the bucket", Ticks: a.ticks(),
		Shapes: []shape{{"line", line.String()}, {"dots", dots.String()}, a.rule("ideal", l.rate.Burst), a.rule("floor", floor)},
		Legend: []legend{
			{"line", "tokens, sampled a few times a minute"},
			{"ideal", "full: " + decimal(l.rate.Burst)},
			{"floor", "headroom for others: " + decimal(floor)},
		},
	}
}

// caption says in words what the lane's picture shows.
func (l lane) caption() string {
	text := grouped(l.calls) + " " + l.name
	if l.ended && l.rate.ActualS > 0 {
		text += fmt.Sprintf(" in %s, %s per second", seconds(l.rate.ActualS), decimal(float64(l.calls)/l.rate.ActualS))
	}
	r := l.rate
	if r.RefillPerS <= 0 {
		return text + ". No answer told the tenant's limit, so there is no ideal to compare with."
	}
	text += fmt.Sprintf(". The bucket holds %s tokens and gets %s back per second", decimal(r.Burst), decimal(r.RefillPerS))
	if r.OthersPerS > 0 {
		text += fmt.Sprintf("; others took %s per second", decimal(r.OthersPerS))
	}
	if !l.ended {
		return text + "."
	}
	if l.waited {
		return text + ". These did not decide how long the run took."
	}
	if r.IdealS <= 0 {
		return text + ". So few calls could all be taken from a full bucket."
	}
	return text + fmt.Sprintf(". Alone on a full bucket, with the headroom left, it takes %s at best: this was %s.",
		seconds(r.IdealS), comparison(r.ActualS/r.IdealS))
}

// comparison is a ratio in words.
func comparison(ratio float64) string {
	if ratio < 1.005 {
		return "as fast as that"
	}
	return fmt.Sprintf("%.0f %% longer", 100*(ratio-1))
}

// outcomesFigure shows when rows were decided, and when calls were answered 429.
func (v *pageView) outcomesFigure(t *timeline, length time.Duration) figure {
	p, total := stacked(t.columns(length), length, v.stacks())
	f := figure{Title: "Outcomes", Panels: []panel{p}, Caption: fmt.Sprintf("%s in %s.", Counted(total, "outcome"), seconds(v.DurationS))}
	if total > v.Input.Rows {
		f.Caption += " A row that was tried again has one for each time."
	}
	if v.Calls.RateLimited == 0 {
		f.Caption += " No call was answered 429 (too many requests)."
		return f
	}
	f.Caption += fmt.Sprintf(" %s answered 429 (too many requests); these were sent again, and no row failed by it.", Counted(v.Calls.RateLimited, "call"))
	f.Panels = append(f.Panels, limited(t, length))
	return f
}

// stack is a layer of the picture of outcomes.
type stack struct {
	kinds []kind
	text  string
}

func (s stack) rows(c column) (rows int) {
	for _, k := range s.kinds {
		rows += c.kinds[k]
	}
	return rows
}

// stacks are the layers from the bottom up.
func (v *pageView) stacks() []stack {
	done := "disabled"
	if v.Command == journal.CommandRestore {
		done = "restored"
	}
	if v.DryRun {
		done = "would be " + done
	}
	return []stack{
		{[]kind{changed}, done},
		{[]kind{asBefore, leftOut}, "as before"},
		{[]kind{blocked, failed}, "needs attention"},
	}
}

// stacked draws the layers above each other, and counts their rows.
func stacked(columns []column, length time.Duration, stacks []stack) (p panel, total int) {
	rate := func(c column, upTo int) float64 {
		rows := 0
		for _, s := range stacks[:upTo] {
			rows += s.rows(c)
		}
		return c.perSecond(rows)
	}
	a := axes{length, roundUp(1.05 * highest(columns, func(c column) float64 { return rate(c, len(stacks)) }))}
	p = panel{Title: "rows decided per second", Ticks: a.ticks()}
	for i, s := range stacks {
		rows := 0
		for _, c := range columns {
			rows += s.rows(c)
		}
		if total += rows; rows == 0 {
			continue
		}
		class := s.kinds[0].Class()
		p.Shapes = append(p.Shapes, a.bars(class, columns,
			func(c column) float64 { return rate(c, i) }, func(c column) float64 { return rate(c, i+1) }))
		p.Legend = append(p.Legend, legend{class, s.text + ": " + grouped(rows)})
	}
	return p, total
}

// limited shows when calls were answered 429.
func limited(t *timeline, length time.Duration) panel {
	columns := t.spanColumns()
	count := func(c column) float64 { return float64(c.limits) }
	a := axes{length, roundUp(max(2, highest(columns, count)))}
	return panel{
		Title: "429s between samples", Ticks: a.ticks(),
		Shapes: []shape{a.bars("failed", columns, func(column) float64 { return 0 }, count)},
		Legend: []legend{{"failed", "calls answered 429"}},
	}
}

// pausesText says that the run was gone on with.
func pausesText(pauses []pause, sittings []sitting) string {
	if len(pauses) == 0 {
		return ""
	}
	var parts []string
	for _, p := range pauses[:min(len(pauses), 5)] {
		parts = append(parts, fmt.Sprintf("%s after %s", seconds(p.length.Seconds()), seconds(p.at.Seconds())))
	}
	text := "The run had " + Counted(len(sittings), "sitting") + ". The pauses between them are cut out of the pictures, and marked by vertical lines: " + strings.Join(parts, ", ")
	if more := len(sittings) - 1 - len(parts); more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text + "."
}
