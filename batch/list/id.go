package list

import (
	"fmt"
	"strings"
)

// Auth0's docs say that an id has 16 letters and digits after its prefix, and
// its API takes up to 50 characters.
const (
	orgPrefix        = "org_"
	connectionPrefix = "con_"
	usualLength      = 20
	maxLength        = 50
	maxNameLength    = 128 // a connection's; an organization's has up to 50 characters
)

// checkID returns why an id is unusable, or "".
func checkID(column, prefix, id string) string {
	rest, ok := strings.CutPrefix(id, prefix)
	switch {
	case id == "":
		return column + " is empty"
	case !ok:
		return fmt.Sprintf("%s %s does not start with %s", column, quote(id), prefix)
	case rest == "":
		return fmt.Sprintf("%s %s has nothing after %s", column, quote(id), prefix)
	case strings.ContainsFunc(rest, notAlphanumeric):
		return fmt.Sprintf("%s %s has other characters than letters and digits after %s", column, quote(id), prefix)
	case len(id) > maxLength:
		return fmt.Sprintf("%s %s is longer than %d characters", column, quote(id), maxLength)
	}
	return ""
}

// checkName returns why a name cannot be one, or "". In a URL's path, dots alone
// would lead elsewhere.
func checkName(column, name string) string {
	switch {
	case strings.Trim(name, ".") == "":
		return fmt.Sprintf("%s %s is no name", column, quote(name))
	case len(name) > maxNameLength:
		return fmt.Sprintf("%s %s is longer than %d characters", column, quote(name), maxNameLength)
	}
	return ""
}

// IsOrganizationID reports whether s has the shape of an organization's id.
func IsOrganizationID(s string) bool { return checkID("", orgPrefix, s) == "" }

// IsConnectionID reports whether s has the shape of a connection's id.
func IsConnectionID(s string) bool { return checkID("", connectionPrefix, s) == "" }

func notAlphanumeric(r rune) bool {
	return !('0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z')
}
