package list

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// A record is held in memory, so its size has a limit, in bytes of UTF-8. That of a
// results file may be larger than its input's, as it has more cells and apostrophes
// and quotes are added to them. Each cell takes memory too, however short it is.
const (
	maxRecord        = 1 << 20
	maxResultsRecord = 4*maxRecord + 64<<10
	bytesPerCell     = 16 // maxRecord/bytesPerCell cells are allowed
)

// textReader decodes a file to UTF-8, and refuses what is not text with its
// line: damaged letters must not pass for names, and UTF-16 without its byte order
// mark would become cells full of zero bytes. It also refuses a record that is too
// long, before it is in memory.
type textReader struct {
	decoded io.Reader
	file    string
	line    int
	err     error

	maxRecord int  // bytes
	start     int  // the line at which the record starts
	size      int  // bytes of the record so far
	cells     int  // separators of any kind in the record so far, outside quotes
	quoted    bool // within a quoted cell
}

func newTextReader(r io.Reader, file string) *textReader {
	decoder := transform.Chain(unicode.BOMOverride(transform.Nop), encoding.UTF8Validator, endMark{})
	return &textReader{decoded: transform.NewReader(r, decoder), file: file, line: 1, maxRecord: maxRecord, start: 1}
}

// Read returns an *Error for what is not text.
func (t *textReader) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.decoded.Read(p)
	zero := bytes.IndexByte(p[:n], 0)
	if zero >= 0 {
		n = zero
	}
	n, whole := t.count(p[:n])
	switch {
	case !whole:
		t.err = &Error{File: t.file, Line: t.start, Message: fmt.Sprintf("the row has more than %d bytes or %d cells", t.maxRecord, t.maxRecord/bytesPerCell),
			Hint: "see whether a quote is missing, or leave out the column with the long text"}
	case zero >= 0:
		t.err = t.refuse("a zero byte: the file is UTF-16 without a byte order mark, or not text")
	case errors.Is(err, encoding.ErrInvalidUTF8):
		t.err = t.refuse("not UTF-8")
	default:
		t.err = err
	}
	return n, t.err
}

// count counts lines and the bytes of the record. It returns how many bytes of p are
// within the limit, and whether all are. A line break ends the record unless the
// quotes so far are odd.
func (t *textReader) count(p []byte) (n int, whole bool) {
	for i, c := range p {
		t.size++
		switch {
		case c == '"':
			t.quoted = !t.quoted
		case !t.quoted && (c == ',' || c == ';' || c == '\t'):
			t.cells++
		case c == '\n':
			t.line++
			if !t.quoted {
				t.start, t.size, t.cells = t.line, 0, 0
			}
		}
		if t.size > t.maxRecord || t.cells > t.maxRecord/bytesPerCell {
			return i, false
		}
	}
	return len(p), true
}

// endMark removes a Ctrl-Z at the end of a text, where DOS programs put one. It is a
// [transform.Transformer].
type endMark struct{ transform.NopResetter }

// Transform keeps a Ctrl-Z back until it is known whether more text follows.
func (endMark) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	text, marked := bytes.CutSuffix(src, []byte("\x1a"))
	n := copy(dst, text)
	switch {
	case n < len(text):
		return n, n, transform.ErrShortDst
	case marked && !atEOF:
		return n, n, transform.ErrShortSrc
	}
	return n, len(src), nil
}

func (t *textReader) refuse(message string) error {
	return &Error{File: t.file, Line: t.line, Message: message, Hint: saveAsHint}
}

// resultsStart is how every results.csv begins.
const resultsStart = "line,org_id,"

// separators are the known ones, in order of preference if the header has as
// many of each.
const separators = ",;\t"

// skipToHeader skips what may come before the header: blank lines, lines of
// separators only, and Excel's "sep=;". It returns the separator and the number of
// lines skipped. The error lacks its place, which is the line after these.
func skipToHeader(r *bufio.Reader) (separator rune, lines int, _ *Error) {
	head, _ := r.Peek(r.Size()) // an error is returned again with the first record
	rest := head
	for {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		if !found {
			break
		}
		if value, ok := separatorLine(line); ok {
			if len(value) != 1 || !strings.Contains(separators, value) {
				return 0, lines, unknownSeparator(value)
			}
			separator = rune(value[0])
		} else if len(bytes.Trim(line, separators+" \r")) > 0 {
			break
		}
		rest = after
		lines++
	}
	switch {
	case separator != 0:
	case bytes.HasPrefix(rest, []byte(resultsStart)):
		separator = ',' // whatever separators the carried columns have in their names
	default:
		separator = findSeparator(rest)
	}
	r.Discard(len(head) - len(rest)) // cannot fail, as it was peeked
	return separator, lines, nil
}

// peekLine returns the start of the next line.
func peekLine(r *bufio.Reader) string {
	head, _ := r.Peek(1 << 10) // an error is returned again with the first record
	line, _, _ := strings.Cut(string(head), "\n")
	return strings.TrimSpace(line)
}

// separatorLine returns what follows "sep=", which may be in upper case. Some
// programs quote the line.
func separatorLine(line []byte) (value string, ok bool) {
	s := strings.Trim(strings.TrimRight(string(line), "\r"), `"`)
	if len(s) < len("sep=") || !strings.EqualFold(s[:len("sep=")], "sep=") {
		return "", false
	}
	return s[len("sep="):], true
}

// findSeparator returns the separator that is most frequent in the header,
// outside quotes.
func findSeparator(head []byte) rune {
	var counts [len(separators)]int
	quoted, best := false, 0
	for _, c := range head {
		if c == '\n' && !quoted {
			break
		}
		if c == '"' {
			quoted = !quoted
		}
		if i := strings.IndexByte(separators, c); i >= 0 && !quoted {
			counts[i]++
		}
	}
	for i, n := range counts {
		if n > counts[best] {
			best = i
		}
	}
	return rune(separators[best])
}
