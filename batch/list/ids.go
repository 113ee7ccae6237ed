package list

import (
	"fmt"
	"strings"
)

const (
	orgPrefix        = "org_"
	connectionPrefix = "con_"
	idLength         = 16  // letters and digits after the prefix of Auth0's ids
	maxIDLength      = 46  // with Options.AnyID
	maxNameLength    = 128 // bytes of a connection; that of an organization has up to 50
)

// validateID returns why an id is unusable, or "". A shortened id must not pass:
// Auth0 answers a DELETE of what does not exist as if it had been disabled before.
func (o Options) validateID(column, prefix, id string) string {
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
	case !o.AnyID && len(rest) != idLength:
		return fmt.Sprintf("%s %s does not have %d letters and digits after %s", column, quote(id), idLength, prefix)
	case len(rest) > maxIDLength:
		return fmt.Sprintf("%s %s has more than %d letters and digits after %s", column, quote(id), maxIDLength, prefix)
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
		return fmt.Sprintf("%s %s is longer than %d bytes", column, quote(name), maxNameLength)
	}
	return ""
}

// validateIDOrName validates the name only if there is no id. Column is what
// messages call the column with the id.
func (o Options) validateIDOrName(column, id, prefix, nameColumn, name string) string {
	if id == "" && name != "" {
		return validateName(nameColumn, name)
	}
	return o.validateID(column, prefix, id)
}

// IsOrganizationID reports whether s has the shape of an organization's id, at Auth0
// or at a compatible server.
func IsOrganizationID(s string) bool { return Options{AnyID: true}.validateID("", orgPrefix, s) == "" }

// IsConnectionID is IsOrganizationID for connections.
func IsConnectionID(s string) bool {
	return Options{AnyID: true}.validateID("", connectionPrefix, s) == ""
}

func notAlphanumeric(r rune) bool {
	return !('0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z')
}
