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

// textReader decodes a file to UTF-8, and refuses what is not text with its
// line: damaged letters must not pass for names, and UTF-16 without its byte order
// mark would become cells full of zero bytes.
type textReader struct {
	decoded io.Reader
	file    string
	line    int
	err     error
}

func newTextReader(r io.Reader, file string) *textReader {
	decoder := transform.Chain(unicode.BOMOverride(transform.Nop), encoding.UTF8Validator)
	return &textReader{decoded: transform.NewReader(r, decoder), file: file, line: 1}
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
	t.line += bytes.Count(p[:n], []byte("\n"))
	switch {
	case zero >= 0:
		t.err = t.refuse("a zero byte: the file is UTF-16 without a byte order mark, or not text")
	case errors.Is(err, encoding.ErrInvalidUTF8):
		t.err = t.refuse("not UTF-8")
	default:
		t.err = err
	}
	return n, t.err
}

func (t *textReader) refuse(message string) error {
	return &Error{File: t.file, Line: t.line, Message: message, Hint: `save it as "CSV UTF-8"`}
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
				return 0, lines, &Error{Message: fmt.Sprintf("unknown separator %s", quote(value)),
					Hint: "use comma, semicolon or tab"}
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
