package list

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// ResultsColumns returns the columns of a results.csv that are its own, in
// their order; carried-through ones follow them.
func ResultsColumns() []string {
	return []string{
		"line", "org_id", "connection_id", "outcome", "http_status", "error_code", "message", "attempts",
		"finished_at", "duration_ms", "request_id", "connection_name", "assign_membership_on_login",
		"show_as_button", "is_signup_enabled", "command", "tenant",
	}
}

// header says what the columns of a file are.
type header struct {
	fields  []string // for each column, the tag of its field in row
	carried []string
	orgName int  // the place of org_name among carried; -1 where there is none
	results bool // the file is a results file
	// What the columns with organization and connection are called in messages.
	org, connection string
}

// readHeader finds the columns that the command needs. The error lacks its
// place.
func readHeader(names []string, command string) (header, *Error) {
	columns, err := normalizeAll(names)
	if err != nil {
		return header{}, err
	}
	h := header{results: isResults(columns), orgName: -1}
	if err = checkResultsColumns(columns, h.results, command); err != nil {
		return header{}, err
	}
	org, err := findID(columns, "org_id", "organization_id", "organization", "org")
	if err != nil {
		return header{}, err
	}
	connection, err := findID(columns, "connection_id", "conn_id", "connection", "con_id")
	if err != nil {
		return header{}, err
	}
	if h.org, err = h.identity(columns, org, "org_id", "org_name", "organization_id, organization, org"); err != nil {
		return header{}, err
	}
	if h.connection, err = h.identity(columns, connection, "connection_id", "connection_name", "conn_id, connection, con_id"); err != nil {
		return header{}, err
	}
	h.fields = make([]string, len(columns))
	own := ResultsColumns()
	for i, column := range columns {
		switch {
		case i == org:
			h.fields[i] = "org_id"
		case i == connection:
			h.fields[i] = "connection_id"
		case column == "connection_name" || h.results && slices.Contains(own, column):
			h.fields[i] = column
		case column != "":
			if column == "org_name" {
				h.orgName = len(h.carried)
			}
			h.fields[i] = "carried"
			h.carried = append(h.carried, carriedName(strings.TrimSpace(names[i]), columns))
		}
	}
	return h, nil
}

// normalizeAll returns the columns' names in the form in which they are
// compared, and refuses two of the same.
func normalizeAll(names []string) ([]string, *Error) {
	columns := make([]string, len(names))
	seen := make(map[string]bool)
	for i, name := range names {
		if strings.Contains(strings.TrimSpace(name), "\r") {
			return nil, &Error{Message: "the lines end with a carriage return only", Hint: `save it as "CSV UTF-8"`}
		}
		column := normalize(name)
		written := strings.TrimPrefix(column, "'") // results.csv may have to put one before it
		if column != "" && seen[written] {
			return nil, &Error{Message: fmt.Sprintf("the column %s is there twice", quote(column)),
				Hint: "remove or rename one of them"}
		}
		columns[i] = column
		seen[written] = true
	}
	return columns, nil
}

// normalize returns a name in lower case, with underscores for spaces and dashes.
func normalize(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return '_'
		}
		return unicode.ToLower(r)
	}, strings.TrimSpace(name))
}

// findID returns the index of the column that has an id: the one of the proper
// name, else the one of another name for it; -1 where there is none.
func findID(columns []string, proper string, others ...string) (int, *Error) {
	if i := slices.Index(columns, proper); i >= 0 {
		return i, nil
	}
	found := -1
	for i, column := range columns {
		if !slices.Contains(others, column) {
			continue
		}
		if found >= 0 {
			return 0, &Error{Message: fmt.Sprintf("the columns %s and %s both stand for %s", columns[found], column, proper),
				Hint: "rename the right one to " + proper}
		}
		found = i
	}
	return found, nil
}

// identity returns what to call the column that says which organization or
// connection is meant: that of the id, whose index is given, or that of the name.
// A results file goes by ids.
func (h header) identity(columns []string, index int, id, name, others string) (string, *Error) {
	switch {
	case index >= 0:
		return id, nil
	case !h.results && slices.Contains(columns, name):
		return name, nil
	}
	return "", &Error{
		Message: fmt.Sprintf("no column %s (nor %s, nor %s) in the header %s", id, others, name, quote(strings.Join(columns, ","))),
		Hint:    "the first line has the names of the columns: org_id,connection_id",
	}
}

// carriedName returns the name that a column gets in results.csv: its own,
// unless that is taken there. What is made up must not be another column's.
func carriedName(name string, columns []string) string {
	own := ResultsColumns()
	if !slices.Contains(own, normalize(name)) {
		return name
	}
	for {
		name = "input_" + name
		if !slices.Contains(columns, normalize(name)) {
			return name
		}
	}
}
