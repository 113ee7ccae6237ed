package reports

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/orgconn/orgconn/batch/list"
)

const maxNeverSeen = 100 // connections that a summary lists

// unseen finds the connections that no organization had: mostly typing errors,
// which otherwise show as rows that are already disabled. A list may name a
// million connections, so it holds a hash and two marks of each, no ids.
type unseen struct {
	connections *list.Connections
	seed        maphash.Seed
	hashes      []uint64 // sorted
	marks       []mark   // for each of hashes
}

type mark uint8

const (
	wasMissed mark = 1 << iota // an organization that was read did not have it
	wasSeen
)

func newUnseen(connections *list.Connections) *unseen {
	u := &unseen{connections: connections, seed: maphash.MakeSeed()}
	for id := range connections.All() {
		u.hashes = append(u.hashes, maphash.String(u.seed, id))
	}
	slices.Sort(u.hashes)
	u.marks = make([]mark, len(u.hashes))
	return u
}

func (u *unseen) saw(id string)    { u.set(id, wasSeen) }
func (u *unseen) missed(id string) { u.set(id, wasMissed) }

func (u *unseen) set(id string, m mark) {
	if i, ok := u.find(id); ok {
		u.marks[i] |= m
	}
}

func (u *unseen) find(id string) (int, bool) {
	return slices.BinarySearch(u.hashes, maphash.String(u.seed, id))
}

// never returns the connections that were looked for and never seen, those with
// most rows first and at most 100 of them, and how many there are.
func (u *unseen) never() (ids []string, total int) {
	type connection struct {
		id   string
		rows int
	}
	var top []connection
	mostRows := func(a, b connection) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.id, b.id))
	}
	for id, rows := range u.connections.All() {
		if i, _ := u.find(id); u.marks[i] != wasMissed {
			continue
		}
		total++
		top = append(top, connection{id, rows})
		if len(top) == 2*maxNeverSeen {
			slices.SortFunc(top, mostRows)
			top = top[:maxNeverSeen]
		}
	}
	slices.SortFunc(top, mostRows)
	ids = []string{} // an empty JSON array, not null
	for _, c := range top[:min(len(top), maxNeverSeen)] {
		ids = append(ids, c.id)
	}
	return ids, total
}
