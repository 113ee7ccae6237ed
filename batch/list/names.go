package list

import (
	"strings"
	"sync"

	"github.com/orgconn/orgconn/batch/journal"
)

// Names know the ids of the names in a list. The zero value knows none. It is
// safe for concurrent use.
type Names struct {
	Organizations NameTable
	Connections   NameTable
}

// Add notes the ids that a lookup found.
func (n *Names) Add(found journal.Names) {
	for name, id := range found.Organizations {
		n.Organizations.Set(name, id)
	}
	for name, id := range found.Connections {
		n.Connections.Set(name, id)
	}
}

// Missing counts the names that a list has and whose ids are not known.
func (n *Names) Missing() int { return n.Organizations.Missing() + n.Connections.Missing() }

// NameTable has the ids of the names of organizations, or of connections. It is
// safe for concurrent use.
type NameTable struct {
	mu      sync.Mutex
	entries map[string]entry // by name
	missing int              // entries without an answer
}

// entry is what is known of a name.
type entry struct {
	state nameState
	id    string // "" unless state is found
}

type nameState uint8

const (
	unlisted nameState = iota // nobody wants it
	wanted                    // it is to be looked up
	claimed                   // somebody is looking it up
	unknown                   // the tenant has no such name
	found
)

func (s nameState) missing() bool { return s == wanted || s == claimed }

// Want notes that a name is to be looked up, unless it was.
func (t *NameTable) Want(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[name].state == unlisted {
		t.put(name, entry{state: wanted})
	}
}

// Missing counts the wanted names whose ids are not known.
func (t *NameTable) Missing() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.missing
}

// AnyFound reports whether the tenant has any of the names.
func (t *NameTable) AnyFound() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.entries {
		if e.state == found {
			return true
		}
	}
	return false
}

// IsMissing reports whether a name is wanted and its id not known.
func (t *NameTable) IsMissing(name string) bool {
	_, state := t.lookup(name)
	return state.missing()
}

// Claim reports whether the caller is to look a name up. It does so once for
// each wanted name.
func (t *NameTable) Claim(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[name].state != wanted {
		return false
	}
	t.put(name, entry{state: claimed})
	return true
}

// Set notes the id of a name. An empty id, or one that could not be sent, says
// that the tenant has no such name.
func (t *NameTable) Set(name, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if IsOrganizationID(id) || IsConnectionID(id) {
		t.put(name, entry{state: found, id: id})
		return
	}
	t.put(name, entry{state: unknown})
}

// lookup returns what is known of a name; the id is empty unless it was found.
func (t *NameTable) lookup(name string) (id string, _ nameState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[name]
	return e.id, e.state
}

// put is called with t.mu held. It clones the name, which may share the memory
// of a whole CSV record.
func (t *NameTable) put(name string, e entry) {
	if t.entries[name].state.missing() {
		t.missing--
	}
	if e.state.missing() {
		t.missing++
	}
	if t.entries == nil {
		t.entries = make(map[string]entry)
	}
	t.entries[strings.Clone(name)] = e
}
