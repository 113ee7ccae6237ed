package list

import (
	"fmt"
	"strconv"
	"strings"
)

// Error says why a file is refused.
type Error struct {
	File    string // as messages call it
	Line    int    // physical line, from 1; 0 for the whole file
	Message string
	Hint    string // what the user can do; may be empty
}

// Error returns file, line and message, without the hint.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
}

// noUsableRow refuses a list of invalid rows only, as it is probably the wrong
// file.
func noUsableRow(file string, first Record) *Error {
	hint := "ids look like org_AbCdEf1234567890 and con_AbCdEf1234567890"
	if strings.HasPrefix(first.OrgID, connectionPrefix) && strings.HasPrefix(first.ConnectionID, orgPrefix) {
		hint = "the columns org_id and connection_id look swapped"
	}
	return &Error{File: file, Line: first.Line, Message: "no row is usable; the first invalid one: " + first.Message, Hint: hint}
}

// maxQuoted is how many characters of a cell a message shows.
const maxQuoted = 60

// quote makes a cell safe and short for a terminal: it escapes control characters
// and cuts a long cell.
func quote(s string) string {
	n := 0
	for i := range s {
		if n == maxQuoted {
			return strconv.Quote(s[:i]) + "…"
		}
		n++
	}
	return strconv.Quote(s)
}
