package list

import (
	"encoding/binary"
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

// id is a valid id without its prefix: up to 16 characters as they are, zeros
// after them; a longer one is a zero and its place in the table.
type id [16]byte

// idTable keeps the ids that are too long for an id, once each.
type idTable struct {
	long  []string
	place map[string]uint32
}

// pack returns s, an id without its prefix, in packed form.
func (t *idTable) pack(s string) id {
	packed, ok := t.find(s)
	if ok {
		return packed
	}
	if t.place == nil {
		t.place = make(map[string]uint32)
	}
	s = strings.Clone(s) // s would keep the record alive that it is cut from
	t.place[s] = uint32(len(t.long))
	t.long = append(t.long, s)
	packed, _ = t.find(s)
	return packed
}

// find is pack for an id that may not be in the table.
func (t *idTable) find(s string) (packed id, ok bool) {
	if len(s) <= len(packed) {
		copy(packed[:], s)
		return packed, true
	}
	place, ok := t.place[s]
	binary.BigEndian.PutUint32(packed[1:], place)
	return packed, ok
}

// unpack returns the id without its prefix.
func (t *idTable) unpack(packed id) string {
	if packed[0] == 0 {
		return t.long[binary.BigEndian.Uint32(packed[1:])]
	}
	return strings.TrimRight(string(packed[:]), "\x00")
}
