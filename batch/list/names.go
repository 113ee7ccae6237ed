package list

import (
	"crypto/sha256"
	"sync"

	"github.com/orgconn/orgconn/batch/journal"
)

// Names know the ids that the names in a list stand for. The zero value knows
// none. It holds about 50 bytes for each name, whose text it does not keep. It
// is safe for concurrent use.
type Names struct {
	Organizations NameTable
	Connections   NameTable
}

// Add takes over what was found for names.
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

// NameTable has the ids of the names of organizations, or of connections.
type NameTable struct {
	mu      sync.Mutex // guards what follows
	entries map[nameKey]entry
	long    idTable
	missing int
}

// nameKey stands for a name: so much of a cryptographic hash that no two names
// have the same, be they made for it.
type nameKey [16]byte

// entry is what is known of a name.
type entry struct {
	state state
	id    id
}

type state uint8

const (
	missing state = 1 + iota // it is to be looked up
	taken                    // somebody is about to look it up
	unknown                  // the tenant has no such name
	found
)

func keyOf(name string) nameKey {
	sum := sha256.Sum256([]byte(name))
	return nameKey(sum[:len(nameKey{})])
}

// Want notes that a name is to be looked up, unless it was.
func (t *NameTable) Want(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if key := keyOf(name); t.entries[key].state == 0 {
		t.missing++
		t.put(key, entry{state: missing})
	}
}

// Missing counts the names whose ids are not known.
func (t *NameTable) Missing() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.missing
}

// IsMissing reports whether a name is wanted and its id not known.
func (t *NameTable) IsMissing(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.entries[keyOf(name)].isMissing()
}

func (e entry) isMissing() bool { return e.state == missing || e.state == taken }

// Take reports whether a name is to be looked up; for each it does so once.
func (t *NameTable) Take(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := keyOf(name)
	if t.entries[key].state != missing {
		return false
	}
	t.put(key, entry{state: taken})
	return true
}

// Set notes the id of a name; "" where there is none.
func (t *NameTable) Set(name, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := keyOf(name)
	if t.entries[key].isMissing() {
		t.missing--
	}
	if IsOrganizationID(id) || IsConnectionID(id) {
		t.put(key, entry{found, t.long.pack(id[len(orgPrefix):])})
		return
	}
	t.put(key, entry{state: unknown})
}

// put is called with t.mu held.
func (t *NameTable) put(key nameKey, e entry) {
	if t.entries == nil {
		t.entries = map[nameKey]entry{}
	}
	t.entries[key] = e
}

// find returns the id of a name, whose prefix is known, where its state is found.
func (t *NameTable) find(prefix, name string) (id string, _ state) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[keyOf(name)]
	if e.state != found {
		return "", e.state
	}
	return prefix + t.long.unpack(e.id), found
}
