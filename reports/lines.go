package reports

import "slices"

// lines hold something for each line of the input, in small pages: where cells
// have many lines, few are those of rows. The zero value is empty.
type lines[T any] struct{ pages []*[linesOfPage]T }

const linesOfPage = 32

// at returns a line's place, which may be a new one.
func (l *lines[T]) at(line int) *T {
	n := line / linesOfPage
	if missing := n + 1 - len(l.pages); missing > 0 {
		l.pages = slices.Grow(l.pages, missing)[:n+1]
	}
	if l.pages[n] == nil {
		l.pages[n] = new([linesOfPage]T)
	}
	return &l.pages[n][line%linesOfPage]
}

// get returns what a line's place holds, and makes none.
func (l *lines[T]) get(line int) (value T) {
	if n := line / linesOfPage; n < len(l.pages) && l.pages[n] != nil {
		return l.pages[n][line%linesOfPage]
	}
	return value
}
