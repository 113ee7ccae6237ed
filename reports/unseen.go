package reports

import (
	"cmp"
	"slices"
)

const maxNeverSeen = 100 // connections that a summary lists

// unseen finds the connections that no organization had: mostly typing errors,
// which otherwise show as rows that are already disabled. Its keys are the ids of
// the list's connections. A run keeps the same count for itself, as it asks the tenant for
// them (batch/seen.go).
type unseen map[string]*connectionUse

type connectionUse struct {
	rows   int
	missed bool // an organization that was read did not have it
	seen   bool
	on     bool // it was seen, and not switched off
}

// newUnseen takes the number of rows by connection.
func newUnseen(rows map[string]int) unseen {
	u := make(unseen, len(rows))
	for id, n := range rows {
		u[id] = &connectionUse{rows: n}
	}
	return u
}

func (u unseen) saw(id string, on bool) {
	if use := u[id]; use != nil {
		use.seen = true
		use.on = use.on || on
	}
}

func (u unseen) missed(id string) {
	if use := u[id]; use != nil {
		use.missed = true
	}
}

// onlyOff reports whether connections were seen, and each was switched off. Then
// somebody has done the list already, and may have removed the other connections.
func (u unseen) onlyOff() bool {
	for _, use := range u {
		if use.on {
			return false
		}
	}
	return u.any()
}

// any reports whether a connection was seen.
func (u unseen) any() bool {
	for _, use := range u {
		if use.seen {
			return true
		}
	}
	return false
}

// never returns the connections that were looked for and never seen, those with
// most rows first and at most 100 of them, and how many there are.
func (u unseen) never() (ids []string, total int) {
	ids = []string{} // an empty JSON array, not null
	for id, use := range u {
		if use.missed && !use.seen {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int {
		return cmp.Or(cmp.Compare(u[b].rows, u[a].rows), cmp.Compare(a, b))
	})
	return ids[:min(len(ids), maxNeverSeen)], len(ids)
}
