package reports

import (
	"fmt"
	"math"
	"strings"
	"time"
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
