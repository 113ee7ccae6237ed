package reports

import (
	"cmp"
	"iter"
	"slices"
)

const maxNeverSeen = 100 // connections that a summary lists

// unseen finds the connections that no organization had: mostly typing errors,
// which otherwise show as rows that are already disabled. A run keeps the same count for
// itself, as it asks the tenant for them (batch/seen.go).
type unseen struct {
	misses map[string]int // by connection that was not seen so far: rows whose organization lacks it
	any    bool           // a connection was seen
	on     bool           // one was seen, and not switched off
}

// newUnseen takes the list's connections.
func newUnseen(connections iter.Seq[string]) unseen {
	u := unseen{misses: make(map[string]int)}
	for id := range connections {
		u.misses[id] = 0
	}
	return u
}

func (u *unseen) saw(id string, on bool) {
	delete(u.misses, id)
	u.any, u.on = true, u.on || on
}

func (u *unseen) missed(id string) {
	if n, ok := u.misses[id]; ok {
		u.misses[id] = n + 1
	}
}

// onlyOff reports whether connections were seen, and each was switched off. Then
// somebody has done the list already, and may have removed the other connections.
func (u *unseen) onlyOff() bool { return u.any && !u.on }

// never returns the connections that were looked for and never seen, those that most rows
// missed first and at most 100 of them, and how many there are.
func (u *unseen) never() (ids []string, total int) {
	ids = []string{} // an empty JSON array, not null
	for id, n := range u.misses {
		if n > 0 {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(u.misses[b], u.misses[a]), cmp.Compare(a, b))
	})
	return ids[:min(len(ids), maxNeverSeen)], len(ids)
}
