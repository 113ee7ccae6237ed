package list

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// header says what the columns of a file are.
type header struct {
	fields   []string // for each column, the tag of its field in csvRecord
	settings []int    // for each column with a setting, its index in apiclient.LinkSettings.All
	carried  []string // the names that the carried-through columns have in results.csv
	orgName  int      // the index of org_name in carried; -1 where there is none
	results  bool     // the file is a results file
	// What messages call the columns that identify organization and connection.
	org, connection string
}

// parseHeader finds the columns that the command needs. The error lacks its
// place.
func parseHeader(names []string, command string) (header, *Error) {
	columns, err := normalizeAll(names)
	if err != nil {
		return header{}, err
	}
	h := header{results: isResults(columns), orgName: -1}
	if err = validateResultsColumns(columns, h.results, command); err != nil {
		return header{}, err
	}
	var org, connection int
	if org, h.org, err = h.findIdentity(columns, "org_name", "org_id", "organization_id", "organization", "org"); err != nil {
		return header{}, err
	}
	if connection, h.connection, err = h.findIdentity(columns, "connection_name", "connection_id", "conn_id", "connection", "con_id"); err != nil {
		return header{}, err
	}
	h.setFields(names, columns, org, connection)
	return h, nil
}

// setFields says where each column goes. Org and connection are the indexes of the
// columns with ids.
func (h *header) setFields(names, columns []string, org, connection int) {
	h.fields = make([]string, len(columns))
	for i, column := range columns {
		setting := slices.Index(settingColumns(), column)
		switch {
		case i == org:
			h.fields[i] = "org_id"
		case i == connection:
			h.fields[i] = "connection_id"
		case h.results && setting >= 0:
			h.fields[i] = "setting"
			h.settings = append(h.settings, setting)
		case column == "connection_name" || h.results && slices.Contains(ResultsColumns(), column):
			h.fields[i] = column
		case column != "":
			if column == "org_name" {
				h.orgName = len(h.carried)
			}
			h.fields[i] = "carried"
			h.carried = append(h.carried, carriedName(strings.TrimSpace(names[i]), columns))
		}
	}
}

// findIdentity finds the column with the ids of organizations or connections: the
// one called id or, where there is none, by an alias. It returns its index and
// what messages call it. The column with their names will do instead, unless the
// file is a results file; the index is then -1.
func (h header) findIdentity(columns []string, name, id string, aliases ...string) (index int, label string, _ *Error) {
	if i := slices.Index(columns, id); i >= 0 {
		return i, id, nil
	}
	index = -1
	for i, column := range columns {
		if !slices.Contains(aliases, column) {
			continue
		}
		if index >= 0 {
			return 0, "", &Error{Message: fmt.Sprintf("the columns %s and %s both mean %s", columns[index], column, id),
				Hint: "rename the right one to " + id}
		}
		index = i
	}
	if index >= 0 {
		return index, id, nil
	}
	if !h.results {
		if slices.Contains(columns, name) {
			return -1, name, nil
		}
		aliases = append(aliases, name)
	}
	return 0, "", &Error{
		Message: fmt.Sprintf("the header %s has no column %s (nor %s)",
			quote(strings.Join(columns, ",")), id, strings.Join(aliases, ", ")),
		Hint: "the first line has the names of the columns: org_id,connection_id",
	}
}

// normalizeAll returns the normalized names of the columns, and refuses a name
// that appears twice.
func normalizeAll(names []string) ([]string, *Error) {
	columns := make([]string, len(names))
	seen := make(map[string]bool)
	for i, name := range names {
		if strings.Contains(strings.TrimSpace(name), "\r") {
			return nil, &Error{Message: "the lines end with a carriage return only", Hint: `save it as "CSV UTF-8"`}
		}
		column := normalize(name)
		inResults := strings.TrimPrefix(column, "'") // results.csv puts one before what looks like a formula
		if column != "" && seen[inResults] {
			return nil, &Error{Message: fmt.Sprintf("the column %s appears twice", quote(column)),
				Hint: "remove or rename one of them"}
		}
		columns[i] = column
		seen[inResults] = true
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

// carriedName returns the name that a column gets in results.csv: the same, or
// with the prefix input_ where results.csv has a column of that name. The new name
// must not be that of another column.
func carriedName(name string, columns []string) string {
	if !slices.Contains(ResultsColumns(), normalize(name)) {
		return name
	}
	for {
		name = "input_" + name
		if !slices.Contains(columns, normalize(name)) {
			return name
		}
	}
}
