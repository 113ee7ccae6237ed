package list

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/orgconn/orgconn/batch/journal"
)

// columns says what the columns of a file are.
type columns struct {
	fields           []string // for each column, the tag of its field in csvRecord
	settings         []int    // for each column with a setting, its index in apiclient.LinkSettings.All
	carried          []string // the names that the carried-through columns have in results.csv
	orgName          int      // the index of org_name in carried; -1 if there is none
	outcome          int      // likewise, of a column outcome in a file that is no results file
	results          bool     // the file is a results file
	hasCorrelationID bool     // it has the column correlation_id
	// oneConnection says that Options.Connection takes the place of each row's.
	oneConnection bool
	// What messages call the columns that identify organization and connection.
	org, connection string
	// These columns as the header spells them.
	orgHeading, connectionHeading string
}

// parseColumns finds the columns that the command needs by the names in the file's
// header. The error lacks its place.
func parseColumns(names []string, opt Options) (columns, *Error) {
	names = slices.Clone(names)
	for i, name := range names {
		names[i] = unescapeCell(strings.TrimSpace(name))
	}
	normalized, err := normalizeAll(names)
	if err != nil {
		return columns{}, err
	}
	c := columns{results: isResults(normalized), orgName: -1, outcome: -1, oneConnection: opt.Connection != ""}
	c.hasCorrelationID = c.results && slices.Contains(normalized, "correlation_id")
	if err = validateResultsColumns(normalized, c.results, opt); err != nil {
		return columns{}, err
	}
	var org, connection int
	if org, c.org, err = c.findIdentity(normalized, "org_name", "org_id", "organization_id", "organization", "org"); err != nil {
		return columns{}, err
	}
	if c.oneConnection {
		connection, c.connection = -1, "--connection"
	} else if connection, c.connection, err = c.findIdentity(normalized, "connection_name", "connection_id", "conn_id", "connection", "con_id"); err != nil {
		return columns{}, err
	}
	c.orgHeading = heading(names, org, c.org)
	c.connectionHeading = heading(names, connection, c.connection)
	c.setFields(names, normalized, org, connection, c.results || opt.Command == journal.CommandEnable)
	return c, nil
}

// heading returns how the header spells a column with ids. The index is -1 if names
// are in place of them.
func heading(names []string, index int, label string) string {
	if index < 0 {
		return label
	}
	return names[index]
}

// setFields says where each column goes. Org and connection are the indexes of the
// columns with ids; -1 is none.
func (c *columns) setFields(names, normalized []string, org, connection int, readsSettings bool) {
	c.fields = make([]string, len(names))
	for i, name := range normalized {
		setting := slices.Index(settingColumns(), name)
		switch {
		case i == org:
			c.fields[i] = "org_id"
		case i == connection:
			c.fields[i] = "connection_id"
		case readsSettings && setting >= 0:
			c.fields[i] = "setting"
			c.settings = append(c.settings, setting)
		case name == "connection_name" && !c.oneConnection || c.results && slices.Contains(ResultsColumns(), name):
			c.fields[i] = name
		case name != "":
			switch name {
			case "org_name":
				c.orgName = len(c.carried)
			case "outcome":
				c.outcome = len(c.carried)
			}
			c.fields[i] = "carried"
			c.carried = append(c.carried, carriedName(names[i], normalized))
		}
	}
}

// findIdentity finds the column with the ids of organizations or connections: the
// one called id or, if there is none, by an alias. It returns its index and what
// messages call it. The column with their names will do instead, unless the file is
// a results file; the index is then -1.
func (c columns) findIdentity(normalized []string, name, id string, aliases ...string) (index int, label string, _ *Error) {
	if i := slices.Index(normalized, id); i >= 0 {
		return i, id, nil
	}
	index = -1
	for i, column := range normalized {
		if !slices.Contains(aliases, column) {
			continue
		}
		if index >= 0 {
			return 0, "", &Error{Message: fmt.Sprintf("the columns %s and %s both mean %s", normalized[index], column, id),
				Hint: "rename the right one to " + id}
		}
		index = i
	}
	if index >= 0 {
		return index, id, nil
	}
	if !c.results {
		if slices.Contains(normalized, name) {
			return -1, name, nil
		}
		aliases = append(aliases, name)
	}
	return 0, "", &Error{
		Message: fmt.Sprintf("the header %s has no column %s (nor %s)",
			quote(strings.Join(normalized, ",")), id, strings.Join(aliases, ", ")),
		Hint: headerHint,
	}
}

// normalizeAll returns the normalized names of the columns, and refuses a name
// that appears twice.
func normalizeAll(names []string) ([]string, *Error) {
	normalized := make([]string, len(names))
	seen := make(map[string]bool)
	for i, name := range names {
		if strings.Contains(name, "\r") {
			return nil, &Error{Message: "the lines end with a carriage return only", Hint: saveAsHint}
		}
		column := normalize(name)
		if column != "" && seen[column] {
			return nil, &Error{Message: fmt.Sprintf("the column %s appears twice", quote(column)),
				Hint: "remove or rename one of them"}
		}
		normalized[i] = column
		seen[column] = true
	}
	return normalized, nil
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

// carriedName returns the name that a column gets in results.csv. That is its own,
// with the prefix input_ if results.csv has a column of that name. The new name must
// not be that of another column of the input.
func carriedName(name string, normalized []string) string {
	if !slices.Contains(ResultsColumns(), normalize(name)) {
		return name
	}
	for {
		name = "input_" + name
		if !slices.Contains(normalized, normalize(name)) {
			return name
		}
	}
}
