package reports

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

// The drawing area of a panel. The page stretches it to its own width, so texts are
// not in the drawing but beside it.
const (
	chartWidth  = 1000
	chartHeight = 100
	maxColumns  = 120
)

// figure is a chart: panels above each other with the same time axis.
type figure struct {
	ID      string
	Title   string
	Caption string // says what the chart shows; it is the text alternative too
	Panels  []panel
	Times   [3]string // at the start, middle and end of the time axis
	Pauses  []string  // x of each pause
}

// panel draws one quantity over time.
type panel struct {
	ID     string
	Title  string
	Ticks  [3]string // at the top, middle and bottom of the axis
	Shapes []shape
	Legend []legend
}

// shape is an SVG path. Its class in the style sheet says how to draw it.
type shape struct{ Class, Path string }

// legend explains the shapes of a class.
type legend struct{ Class, Text string }

// What is measured in less time than this says more about the start of a run than about
// its speed.
const (
	minCharted  = 10 // seconds of work
	minCompared = 60 // seconds of calls
)

// minOthers is the share of the refill rate from which on other clients are told from
// what a measurement is off.
const minOthers = 0.05

// figures are the charts of the run: writes, reads, and outcomes. A short run has none.
func (v *pageView) figures(ix *index) (all []figure) {
	t := &ix.timeline
	if v.DurationS < minCharted {
		return nil
	}
	length := t.length(v.DurationS)
	for _, chart := range v.callCharts(ix.header.Settings.Headroom) {
		if chart.calls > 0 {
			all = append(all, chart.figure(t, length))
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

// callChart is about the reads or the writes, which take their tokens from different
// buckets.
type callChart struct {
	name     string // "reads" or "writes"
	calls    int
	rate     Rate
	headroom float64 // share left to others, 0 to 1
	finished bool    // the run ended, so that calls and times are of the same moment
	waited   bool    // the run waited for the other calls

	columns func(*timeline, time.Duration) []column
	speed   func(column) float64 // calls per second
	sample  func(span) journal.Bucket
}

// callCharts are those of writes and reads.
func (v *pageView) callCharts(headroom float64) []callChart {
	readsWaited := v.Calls.Writes > 0 && v.Rate.Writes.IdealS >= v.Rate.Reads.IdealS
	return []callChart{{
		name: "writes", calls: v.Calls.Writes, rate: v.Rate.Writes, headroom: headroom,
		finished: v.FinishedAt != nil, waited: v.Rate.Writes.IdealS < v.Rate.Reads.IdealS,
		columns: (*timeline).stepColumns, // every answer is in the journal
		speed:   func(c column) float64 { return c.perSecond(c.writeAnswers) },
		sample:  func(s span) journal.Bucket { return s.writes },
	}, {
		name: "reads", calls: v.Calls.Reads, rate: v.Rate.Reads, headroom: headroom,
		finished: v.FinishedAt != nil, waited: readsWaited,
		columns: func(t *timeline, _ time.Duration) []column { return t.spanColumns() }, // only samples count reads
		speed:   func(c column) float64 { return c.perSecond(c.calls.Reads) },
		sample:  func(s span) journal.Bucket { return s.reads },
	}}
}

// figure shows whether the calls were as fast as the bucket allows, and how many
// tokens they left to others.
func (chart callChart) figure(t *timeline, length time.Duration) figure {
	f := figure{Title: capitalized(chart.name), Caption: chart.caption()}
	columns := chart.columns(t, length)
	a := axes{length, roundUp(1.05 * max(highest(columns, chart.speed), chart.rate.RefillPerS))}
	speed := panel{
		Title: chart.name + " per second", Ticks: a.ticks(),
		Shapes: []shape{
			a.bars("area", columns, func(column) float64 { return 0 }, chart.speed),
			a.outline("line", columns, chart.speed),
		},
		Legend: []legend{{"line", "measured"}},
	}
	if r := chart.rate.RefillPerS; r > 0 {
		speed.Shapes = append(speed.Shapes, a.level("ideal", r))
		speed.Legend = append(speed.Legend, legend{"ideal", "ideal: the refill rate, " + threeDigits(r) + " per second"})
	}
	f.Panels = append(f.Panels, speed)
	if chart.rate.Burst > 0 {
		f.Panels = append(f.Panels, chart.tokens(t, length))
	}
	return f
}

// tokens shows how full the bucket was.
func (chart callChart) tokens(t *timeline, length time.Duration) panel {
	a := axes{length, roundUp(chart.rate.Burst)}
	var line, dots strings.Builder
	command := "M"
	for _, s := range t.spans {
		sample := chart.sample(s)
		if sample.Refill <= 0 { // nothing was known of the bucket yet
			continue
		}
		point := a.x(s.to) + " " + a.y(sample.Remaining)
		line.WriteString(command + point)
		dots.WriteString("M" + point + "h0")
		command = "L"
	}
	headroom := chart.headroom * chart.rate.Burst
	return panel{
		Title: "tokens left in the bucket", Ticks: a.ticks(),
		Shapes: []shape{{"line", line.String()}, {"dots", dots.String()}, a.level("ideal", chart.rate.Burst), a.level("floor", headroom)},
		Legend: []legend{
			{"line", "tokens, sampled a few times a minute"},
			{"ideal", "full: " + threeDigits(chart.rate.Burst)},
			{"floor", "headroom for others: " + threeDigits(headroom)},
		},
	}
}

// caption says in words what the figure shows.
func (chart callChart) caption() string {
	text := grouped(chart.calls) + " " + chart.name
	r := chart.rate
	if chart.finished && r.ActualS > 0 {
		text += fmt.Sprintf(" in %s, %s per second", secondsText(r.ActualS), threeDigits(float64(chart.calls)/r.ActualS))
	}
	if r.RefillPerS <= 0 {
		return text + ". The refill rate of the bucket was not measured."
	}
	text += fmt.Sprintf(". The bucket holds %s tokens and refills at %s per second", threeDigits(r.Burst), threeDigits(r.RefillPerS))
	long := r.ActualS >= minCompared
	if long && r.OthersPerS >= minOthers*r.RefillPerS {
		text += fmt.Sprintf("; other clients took %s per second", threeDigits(r.OthersPerS))
	}
	switch {
	case !chart.finished:
		return text + "."
	case chart.waited:
		return text + ". These calls did not determine how long the run took."
	case r.IdealS <= 0:
		return text + ". A full bucket holds enough tokens for so few calls."
	case !long:
		return text + "."
	}
	return text + fmt.Sprintf(". From a full bucket, without other clients and with the headroom left, they take at least %s: this run %s.",
		secondsText(r.IdealS), comparison(r.ActualS/r.IdealS))
}

// comparison is a ratio of the actual to the ideal time in words.
func comparison(ratio float64) string {
	if ratio < 1.005 {
		return "was as fast as that"
	}
	return fmt.Sprintf("took %.0f %% longer", 100*(ratio-1))
}

// outcomesFigure shows when rows got their outcomes and when calls were answered
// with 429.
func (v *pageView) outcomesFigure(t *timeline, length time.Duration) figure {
	p, total := stacked(t.stepColumns(length), length, v.layers())
	f := figure{Title: "Outcomes", Panels: []panel{p}, Caption: fmt.Sprintf("%s in %s.", Counted(total, "outcome"), secondsText(v.DurationS))}
	if total > v.Input.Rows {
		f.Caption += " A row that was tried again has one outcome for each time."
	}
	if v.Calls.RateLimited == 0 {
		f.Caption += " No call was answered with 429 (too many requests)."
		return f
	}
	f.Caption += fmt.Sprintf(" Calls answered with 429 (too many requests): %s. They were sent again, and no row failed because of them.", grouped(v.Calls.RateLimited))
	f.Panels = append(f.Panels, rateLimited(t, length))
	return f
}

// layer is a layer of the outcomes chart.
type layer struct {
	groups []outcomeGroup
	text   string
}

func (l layer) rows(c column) (rows int) {
	for _, group := range l.groups {
		rows += c.rows[group]
	}
	return rows
}

// layers are the layers of the outcomes chart from the bottom up.
func (v *pageView) layers() []layer {
	verb, again := v.verb()
	done := verb + again
	if v.DryRun {
		done = "would be " + done
	}
	return []layer{
		{[]outcomeGroup{changed}, done},
		{[]outcomeGroup{unchanged, leftOut}, "unchanged"},
		{[]outcomeGroup{blocked, failed}, "needs attention"},
	}
}

// stacked draws layers on top of each other. total is the number of their rows.
func stacked(columns []column, length time.Duration, layers []layer) (p panel, total int) {
	top := func(c column, layers []layer) float64 {
		rows := 0
		for _, l := range layers {
			rows += l.rows(c)
		}
		return c.perSecond(rows)
	}
	a := axes{length, roundUp(1.05 * highest(columns, func(c column) float64 { return top(c, layers) }))}
	p = panel{Title: "rows per second", Ticks: a.ticks()}
	for i, l := range layers {
		rows := 0
		for _, c := range columns {
			rows += l.rows(c)
		}
		if rows == 0 {
			continue
		}
		total += rows
		class := l.groups[0].String()
		p.Shapes = append(p.Shapes, a.bars(class, columns,
			func(c column) float64 { return top(c, layers[:i]) }, func(c column) float64 { return top(c, layers[:i+1]) }))
		p.Legend = append(p.Legend, legend{class, l.text + ": " + grouped(rows)})
	}
	return p, total
}

// rateLimited shows when calls were answered with 429.
func rateLimited(t *timeline, length time.Duration) panel {
	columns := t.spanColumns()
	count := func(c column) float64 { return float64(c.calls.RateLimited) }
	a := axes{length, roundUp(max(2, highest(columns, count)))}
	return panel{
		Title: "429s between samples", Ticks: a.ticks(),
		Shapes: []shape{a.bars("failed", columns, func(column) float64 { return 0 }, count)},
		Legend: []legend{{"failed", "calls answered with 429"}},
	}
}

// axes convert times and quantities to coordinates in a panel.
type axes struct {
	length time.Duration // of the time axis
	top    float64       // of the quantity's axis
}

func (a axes) x(at time.Duration) string {
	return oneDecimal(chartWidth * min(1, float64(at)/float64(max(a.length, 1))))
}

func (a axes) y(value float64) string {
	return oneDecimal(chartHeight * (1 - min(1, max(0, value/a.top))))
}

// level is a horizontal line.
func (a axes) level(class string, value float64) shape {
	return shape{class, fmt.Sprintf("M0 %sH%d", a.y(value), chartWidth)}
}

// bars draws a bar for each column, from low to high.
func (a axes) bars(class string, columns []column, low, high func(column) float64) shape {
	var path strings.Builder
	for _, c := range columns {
		if from, to := low(c), high(c); to > from {
			fmt.Fprintf(&path, "M%s %sV%sH%sV%sz", a.x(c.from), a.y(from), a.y(to), a.x(c.to), a.y(from))
		}
	}
	return shape{class, path.String()}
}

// outline draws a line along the tops of the columns.
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

// highest is the highest value of the columns.
func highest(columns []column, value func(column) float64) (top float64) {
	for _, c := range columns {
		top = max(top, value(c))
	}
	return top
}

// roundUp rounds up to a number with one significant digit, so that the labels at
// the top and the middle of an axis are short.
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

// ticks are the labels at the top, middle and bottom of the axis.
func (a axes) ticks() [3]string { return [3]string{threeDigits(a.top), threeDigits(a.top / 2), "0"} }

// times are the labels at the start, middle and end of the time axis.
func (a axes) times() [3]string {
	s := a.length.Seconds()
	return [3]string{"0 s", secondsText(s / 2), secondsText(s)}
}
