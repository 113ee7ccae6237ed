package list

import (
	"fmt"
	"strings"
)

// Auth0 documents ids of 16 letters and digits after the prefix, and its API
// accepts up to 50 characters.
const (
	orgPrefix        = "org_"
	connectionPrefix = "con_"
	usualLength      = 20
	maxLength        = 50
	maxNameLength    = 128 // of a connection; that of an organization has up to 50 characters
)

// validateID returns why an id is unusable, or "".
func validateID(column, prefix, id string) string {
	rest, ok := strings.CutPrefix(id, prefix)
	switch {
	case id == "":
		return column + " is empty"
	case !ok:
		return fmt.Sprintf("%s %s does not start with %s", column, quote(id), prefix)
	case rest == "":
		return fmt.Sprintf("%s %s has nothing after %s", column, quote(id), prefix)
	case strings.ContainsFunc(rest, notAlphanumeric):
		return fmt.Sprintf("%s %s has characters other than letters and digits after %s", column, quote(id), prefix)
	case len(id) > maxLength:
		return fmt.Sprintf("%s %s is longer than %d characters", column, quote(id), maxLength)
	}
	return ""
}

// validateName returns why a name is unusable, or "". A name of dots alone would
// change the path of a URL.
func validateName(column, name string) string {
	switch {
	case strings.Trim(name, ".") == "":
		return fmt.Sprintf("%s %s is not a valid name", column, quote(name))
	case len(name) > maxNameLength:
		return fmt.Sprintf("%s %s is longer than %d characters", column, quote(name), maxNameLength)
	}
	return ""
}

// validateIDOrName validates the name only if there is no id. Column is what
// messages call the column with the id.
func validateIDOrName(column, id, prefix, nameColumn, name string) string {
	if id == "" && name != "" {
		return validateName(nameColumn, name)
	}
	return validateID(column, prefix, id)
}

// IsOrganizationID reports whether s has the shape of an organization's id.
func IsOrganizationID(s string) bool { return validateID("", orgPrefix, s) == "" }

// IsConnectionID reports whether s has the shape of a connection's id.
func IsConnectionID(s string) bool { return validateID("", connectionPrefix, s) == "" }

func notAlphanumeric(r rune) bool {
	return !('0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z')
}
