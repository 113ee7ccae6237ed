package reports

// lines hold something for each line of the input, in small pages: where cells have
// many lines, few are those of rows. The zero value is empty.
type lines[T any] struct{ pages map[int]*[linesOfPage]T }

const linesOfPage = 16

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

// get returns what a line's place holds, and makes none.
func (l *lines[T]) get(line int) (value T) {
	if page := l.pages[line/linesOfPage]; page != nil {
		return page[line%linesOfPage]
	}
	return value
}
