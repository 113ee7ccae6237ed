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
	// Organization is the one of Options.Organizations that has no row, if that is why.
	Organization string
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
func noUsableRow(file string, first Record, opt Options) *Error {
	return &Error{File: file, Line: first.Line, Message: "no row is usable; the first invalid one: " + first.Message, Hint: opt.idsHint(first)}
}

// idsHint says what is probably the matter with the ids of a row.
func (o Options) idsHint(rec Record) string {
	orgIsName, connectionIsName := looksLikeName(rec.OrgID), looksLikeName(rec.ConnectionID)
	switch {
	case o.validateID("", orgPrefix, rec.OrgID) == "" && o.validateID("", connectionPrefix, rec.ConnectionID) == "":
		return "the ids of this row are right; correct the rest of it"
	case strings.HasPrefix(rec.OrgID, connectionPrefix) && strings.HasPrefix(rec.ConnectionID, orgPrefix):
		return "the columns org_id and connection_id look swapped"
	case rec.ConnectionID == "" && strings.ContainsAny(rec.OrgID, separators):
		return "the whole row is one quoted cell: remove the quotes around it"
	case orgIsName && connectionIsName:
		return "if these are names, call the columns org_name and connection_name: they will be looked up"
	case orgIsName:
		return "if this is a name, call its column org_name: it will be looked up"
	case connectionIsName:
		return "if this is a name, call its column connection_name: it will be looked up"
	case IsOrganizationID(rec.OrgID) && IsConnectionID(rec.ConnectionID):
		return "see whether the ids were cut; for a server whose ids have other lengths than Auth0's, give --any-id"
	}
	return "ids look like org_AbCdEf1234567890 and con_AbCdEf1234567890"
}

// looksLikeName reports whether a cell for an id could be a name instead.
func looksLikeName(s string) bool {
	return s != "" && !strings.HasPrefix(s, orgPrefix) && !strings.HasPrefix(s, connectionPrefix) &&
		!strings.ContainsFunc(s, func(r rune) bool { return notAlphanumeric(r) && r != '-' && r != '_' })
}

const (
	saveAsHint = `save it as "CSV UTF-8"`
	headerHint = "the first line has the names of the columns: org_id,connection_id"
)

// explainStart says what is wrong with a file whose header cannot be used, as far as
// its first line tells; else it returns nil. The error lacks its place.
func explainStart(line string) *Error {
	quoted := strings.Trim(line, separators+" ")
	switch {
	case strings.HasPrefix(line, `{"crc":"`):
		return &Error{Message: "this is the journal of a run, not a list", Hint: "give its run directory to orgconn resume, restore or report"}
	case strings.HasPrefix(line, "{"), line == "[", strings.HasPrefix(line, "[{"), strings.HasPrefix(line, `["`):
		return &Error{Message: "this looks like JSON, not CSV", Hint: saveAsHint}
	case strings.HasPrefix(line, "<"):
		return &Error{Message: "this looks like HTML or XML, not CSV", Hint: saveAsHint}
	case strings.HasPrefix(line, "PK\x03\x04"):
		return &Error{Message: "this is an Excel workbook or another zip file, not CSV", Hint: saveAsHint}
	case isComment(line):
		return &Error{Message: "the comment " + quote(line) + " is in place of the header", Hint: "remove the comment: " + headerHint}
	case len(quoted) > 2 && quoted[0] == '"' && strings.IndexByte(quoted[1:], '"') == len(quoted)-2 && strings.ContainsAny(quoted, separators):
		return &Error{Message: "the header is one quoted cell: " + quote(strings.Trim(quoted, `"`)), Hint: "save it without quotes around the lines"}
	case strings.Contains(line, "|") && !strings.ContainsAny(line, separators):
		return unknownSeparator("|")
	}
	return nil
}

// isComment reports whether a line begins with #, which is no column's whole name.
func isComment(line string) bool {
	text, ok := strings.CutPrefix(strings.TrimLeft(line, `"`), "#")
	return ok && strings.Trim(text[:min(1, len(text))], separators+`"`) != ""
}

func unknownSeparator(value string) *Error {
	return &Error{Message: "unknown separator " + quote(value), Hint: "use comma, semicolon or tab"}
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
