package list

import (
	"bytes"
	"iter"
	"slices"
	"sort"
)

// Connections are the distinct connections of a list's rows to work on. It may
// be used by several goroutines at the same time.
type Connections struct {
	list  *List
	order []uint32 // indexes of the list's pairs, sorted by connection
}

// Connections returns the distinct connections of the rows to work on. It sorts
// them anew with each call, and holds 4 bytes a row.
func (l *List) Connections() *Connections {
	order := make([]uint32, len(l.pairs))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		return bytes.Compare(l.pairs[a].connection[:], l.pairs[b].connection[:])
	})
	return &Connections{list: l, order: order}
}

// Has reports whether a row to work on has the connection.
func (c *Connections) Has(connectionID string) bool {
	if checkID("", connectionPrefix, connectionID) != "" {
		return false
	}
	packed, ok := c.list.ids.find(connectionID[len(connectionPrefix):])
	if !ok {
		return false
	}
	_, found := sort.Find(len(c.order), func(i int) int {
		return bytes.Compare(packed[:], c.list.pairs[c.order[i]].connection[:])
	})
	return found
}

// All yields every connection once, in no particular order, with its number of
// rows to work on.
func (c *Connections) All() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for start := 0; start < len(c.order); {
			packed := c.list.pairs[c.order[start]].connection
			end := start + 1
			for end < len(c.order) && c.list.pairs[c.order[end]].connection == packed {
				end++
			}
			if !yield(connectionPrefix+c.list.ids.unpack(packed), end-start) {
				return
			}
			start = end
		}
	}
}
