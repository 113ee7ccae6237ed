package list

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sync"

	"github.com/orgconn/orgconn/batch/journal"
)

// Names know the ids that the names in a list stand for. The zero value knows
// none. It holds about 40 bytes for each name, whose text it does not keep. It
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

// NameTable has the ids of the names of organizations, or of connections. Most
// are in a sorted slice, which takes half of a map's memory; a map has those that
// came last.
type NameTable struct {
	mu      sync.Mutex // guards what follows
	sorted  []name     // by key
	last    map[nameKey]entry
	long    idTable
	missing int
}

// minLast is how many names are in the map at least before they are sorted in.
const minLast = 1024

// name is what is known of a name, in 33 bytes: there may be millions.
type name struct {
	key nameKey
	entry
}

// nameKey stands for a name: so much of a cryptographic hash that no two names
// have the same, be they made for it.
type nameKey [16]byte

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
	if key := keyOf(name); t.get(key).state == 0 {
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
	return t.get(keyOf(name)).isMissing()
}

func (e entry) isMissing() bool { return e.state == missing || e.state == taken }

// Take reports whether a name is to be looked up; for each it does so once.
func (t *NameTable) Take(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := keyOf(name)
	if t.get(key).state != missing {
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
	if t.get(key).isMissing() {
		t.missing--
	}
	if IsOrganizationID(id) || IsConnectionID(id) {
		t.put(key, entry{found, t.long.pack(id[len(orgPrefix):])})
		return
	}
	t.put(key, entry{state: unknown})
}

// get is what is known of a name. It, put and sort are called with t.mu held.
func (t *NameTable) get(key nameKey) entry {
	if i, found := t.search(key); found {
		return t.sorted[i].entry
	}
	return t.last[key]
}

func (t *NameTable) put(key nameKey, e entry) {
	if i, found := t.search(key); found {
		t.sorted[i].entry = e
		return
	}
	if t.last == nil {
		t.last = map[nameKey]entry{}
	}
	t.last[key] = e
	if len(t.last) >= max(minLast, len(t.sorted)/4) {
		t.sort()
	}
}

// sort takes the names that came last in among the others.
func (t *NameTable) sort() {
	t.sorted = slices.Grow(t.sorted, len(t.last))
	for key, e := range t.last {
		t.sorted = append(t.sorted, name{key, e})
	}
	clear(t.last)
	slices.SortFunc(t.sorted, func(a, b name) int { return bytes.Compare(a.key[:], b.key[:]) })
}

func (t *NameTable) search(key nameKey) (int, bool) {
	return slices.BinarySearchFunc(t.sorted, key, func(n name, key nameKey) int { return bytes.Compare(n.key[:], key[:]) })
}

// find returns the id of a name, whose prefix is known, where its state is found.
func (t *NameTable) find(prefix, name string) (id string, _ state) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.get(keyOf(name))
	if e.state != found {
		return "", e.state
	}
	return prefix + t.long.unpack(e.id), found
}
