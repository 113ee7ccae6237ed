package reports

// lines hold something for each line of the input. Lines that nothing is noted
// of, such as those within a quoted cell, cost little. The zero value is empty.
type lines[T any] struct{ pages map[int]*[linesOfPage]T }

const linesOfPage = 1024

// at returns a line's place.
func (l *lines[T]) at(line int) *T {
	if l.pages == nil {
		l.pages = make(map[int]*[linesOfPage]T)
	}
	page := l.pages[line/linesOfPage]
	if page == nil {
		page = new([linesOfPage]T)
		l.pages[line/linesOfPage] = page
	}
	return &page[line%linesOfPage]
}
