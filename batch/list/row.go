package list

import (
	"fmt"
	"slices"
	"strings"

	"github.com/orgconn/orgconn/batch/journal"
)

// maxExtra is how many cells past the header are looked at, to tell a row that
// is too long from one of empty cells.
const maxExtra = 64

// row is a record as gocsv reads it. The header is translated to these tags
// first, so columns can share a field: the carried-through ones do, and those
// past the header.
type row struct {
	OrgID                   cell  `csv:"org_id"`
	ConnectionID            cell  `csv:"connection_id"`
	ConnectionName          cell  `csv:"connection_name"`
	Outcome                 cell  `csv:"outcome"`
	Command                 cell  `csv:"command"`
	Tenant                  cell  `csv:"tenant"`
	AssignMembershipOnLogin cell  `csv:"assign_membership_on_login"`
	ShowAsButton            cell  `csv:"show_as_button"`
	IsSignupEnabled         cell  `csv:"is_signup_enabled"`
	Carried                 cells `csv:"carried"`
	Line                    cell  `csv:"line"`
	Extra                   cells `csv:"extra"`
}

// cell is a cell without the space around it.
type cell string

// UnmarshalCSV is called by gocsv for the cell.
func (c *cell) UnmarshalCSV(s string) error {
	*c = cell(strings.TrimSpace(s))
	return nil
}

// cells are those of several columns.
type cells []string

// UnmarshalCSV is called by gocsv for every cell in turn.
func (c *cells) UnmarshalCSV(s string) error {
	*c = append(*c, strings.TrimSpace(s))
	return nil
}

// blank reports whether all cells are empty. Those of a results file that nobody
// needs are not read, since that takes time; its line tells as much.
func (r *row) blank() bool {
	for _, c := range []cell{r.OrgID, r.ConnectionID, r.ConnectionName, r.Outcome, r.Command, r.Tenant,
		r.AssignMembershipOnLogin, r.ShowAsButton, r.IsSignupEnabled, r.Line} {
		if c != "" {
			return false
		}
	}
	filled := func(s string) bool { return s != "" }
	return !slices.ContainsFunc(r.Carried, filled) && !slices.ContainsFunc(r.Extra, filled) && len(r.Extra) < maxExtra
}

// settle normalizes an outcome that a person has typed, such as "Not selected".
func (r *row) settle() {
	if !journal.Outcome(r.Outcome).Known() {
		r.Outcome = cell(normalize(string(r.Outcome)))
	}
}

// check returns why the row is unusable, or "".
func (r *row) check(h header, orgName string) string {
	if len(r.Extra) > 0 {
		return "there are more cells than in the header"
	}
	if reason := checkEither(h.org, string(r.OrgID), orgPrefix, "org_name", orgName); reason != "" {
		return reason
	}
	connectionName := string(r.ConnectionName)
	if h.results {
		connectionName = ""
	}
	return checkEither(h.connection, string(r.ConnectionID), connectionPrefix, "connection_name", connectionName)
}

// checkEither checks an id or, where there is none, a name.
func checkEither(column, id, prefix, nameColumn, name string) string {
	if id == "" && name != "" {
		return checkName(nameColumn, name)
	}
	return checkID(column, prefix, id)
}

// snapshot returns the settings that the row has, nil where it has none, or why
// they are unusable.
func (r *row) snapshot() (_ *journal.Snapshot, reason string) {
	snapshot := &journal.Snapshot{Name: strings.Clone(string(r.ConnectionName))} // as it outlives the record
	cells := map[string]cell{
		"assign_membership_on_login": r.AssignMembershipOnLogin,
		"show_as_button":             r.ShowAsButton,
		"is_signup_enabled":          r.IsSignupEnabled,
	}
	there := false
	for _, setting := range snapshot.All() {
		value, ok := readSetting(string(cells[setting.Name]))
		if !ok {
			return nil, fmt.Sprintf("%s %s is neither yes nor no", setting.Name, quote(string(cells[setting.Name])))
		}
		*setting.Value = value
		there = there || value != nil
	}
	if !there {
		return nil, ""
	}
	return snapshot, ""
}
