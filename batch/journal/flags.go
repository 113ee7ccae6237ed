package journal

// Flags are a Connection's three settings, two bits each: the upper says that
// the setting is there, the lower that it is on. There may be millions of them.
type Flags uint8

// Flags returns the settings in a byte; 0 where there are none, or no connection.
func (c *Connection) Flags() Flags {
	if c == nil {
		return 0
	}
	var f Flags
	for _, setting := range []*bool{c.AssignMembershipOnLogin, c.ShowAsButton, c.IsSignupEnabled} {
		f <<= 2
		switch {
		case setting == nil:
		case *setting:
			f |= 0b11
		default:
			f |= 0b10
		}
	}
	return f
}

// Connection returns a connection with these settings and a name; nil where
// there is neither.
func (f Flags) Connection(name string) *Connection {
	if f == 0 && name == "" {
		return nil
	}
	at := func(shift int) *bool {
		if f>>shift&0b10 == 0 {
			return nil
		}
		return new(f>>shift&0b01 != 0)
	}
	return &Connection{Name: name, AssignMembershipOnLogin: at(4), ShowAsButton: at(2), IsSignupEnabled: at(0)}
}
