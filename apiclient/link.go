package apiclient

import (
	"encoding/json"
	"fmt"
	"maps"
)

// Link is an organization's entry for a connection, enabled or switched off.
type Link struct {
	ConnectionID string `json:"connection_id"`
	LinkSettings
	// IsEnabled is false if the link is kept but switched off. Only the newer family
	// tells.
	IsEnabled  *bool `json:"is_enabled"`
	Connection struct {
		Name string `json:"name"` // the connection's own name
	} `json:"connection"`
	// Unknown has the fields that this program does not know, as Auth0 sent them.
	Unknown map[string]json.RawMessage `json:"-"`
}

// Off reports whether the link is kept but switched off, as the Dashboard and
// newer tools do it. Nobody can log in through such a link.
func (l *Link) Off() bool { return l.IsEnabled != nil && !*l.IsEnabled }

// maxLink is how long a link may be in JSON, in bytes. Whoever keeps its settings, in JSON
// with escapes, can rely on that. Auth0's have some hundred bytes.
const maxLink = 100 << 10

// UnmarshalJSON decodes a link, and keeps the fields that it does not know.
func (l *Link) UnmarshalJSON(text []byte) error {
	if len(text) > maxLink {
		return fmt.Errorf("a link of more than %d bytes", maxLink)
	}
	type plain Link // without this method
	if err := json.Unmarshal(text, (*plain)(l)); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &l.Unknown); err != nil {
		return err
	}
	for _, setting := range l.All() {
		delete(l.Unknown, setting.Name)
	}
	for _, known := range []string{"connection_id", "is_enabled", "connection"} {
		delete(l.Unknown, known)
	}
	maps.DeleteFunc(l.Unknown, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	if len(l.Unknown) == 0 {
		l.Unknown = nil
	}
	return nil
}

// LinkSettings are the settings of a link that Auth0 lets callers choose. Auth0
// leaves out those that do not apply to the connection's strategy. Nil means that
// a setting was left out; it is not sent either.
type LinkSettings struct {
	// AssignMembershipOnLogin makes users members at their first login.
	AssignMembershipOnLogin *bool `json:"assign_membership_on_login,omitempty"`
	// ShowAsButton shows an enterprise connection on the login page.
	ShowAsButton *bool `json:"show_as_button,omitempty"`
	// IsSignupEnabled lets users of a database connection sign up. Auth0 allows
	// it only together with AssignMembershipOnLogin.
	IsSignupEnabled *bool `json:"is_signup_enabled,omitempty"`
	// AccessLevel is what the organization's own administrators may do with the
	// link: none, readonly, limited or full. Only the newer family has it.
	AccessLevel *string `json:"organization_access_level,omitempty"`
	// OrganizationConnectionName is the organization's name for the connection. Only
	// the newer family has it.
	OrganizationConnectionName *string `json:"organization_connection_name,omitempty"`
}

// Setting is one of a link's settings.
type Setting struct {
	Name  string // as Auth0 calls it
	Field any    // points at the field, to read or to set it: a **bool or a **string
}

// Value returns the setting, a bool or a string; nil means that it was left out.
func (s Setting) Value() any {
	switch field := s.Field.(type) {
	case **bool:
		if *field != nil {
			return **field
		}
	case **string:
		if *field != nil {
			return **field
		}
	}
	return nil
}

// All lists the settings, in the order of their columns in results.csv. All code
// that stores, reads or compares settings goes by this list. CONTRIBUTING says what
// a new setting needs.
func (s *LinkSettings) All() []Setting {
	return []Setting{
		{"assign_membership_on_login", &s.AssignMembershipOnLogin},
		{"show_as_button", &s.ShowAsButton},
		{"is_signup_enabled", &s.IsSignupEnabled},
		{"organization_access_level", &s.AccessLevel},
		{"organization_connection_name", &s.OrganizationConnectionName},
	}
}

// In returns the settings that a family has.
func (s LinkSettings) In(family Family) LinkSettings {
	if family == OlderFamily {
		s.AccessLevel, s.OrganizationConnectionName = nil, nil
	}
	return s
}

// Differences names the settings of s that other lacks or has with another value.
func (s LinkSettings) Differences(other LinkSettings) (names []string) {
	theirs := other.All()
	for i, ours := range s.All() {
		if was := ours.Value(); was != nil && was != theirs[i].Value() {
			names = append(names, ours.Name)
		}
	}
	return names
}

// Contradicts reports whether other has another value for a setting of s. A setting that
// other lacks may not apply to its connection's strategy.
func (s LinkSettings) Contradicts(other LinkSettings) bool {
	theirs := other.All()
	for i, ours := range s.All() {
		was, is := ours.Value(), theirs[i].Value()
		if was != nil && is != nil && was != is {
			return true
		}
	}
	return false
}
