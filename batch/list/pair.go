package list

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/orgconn/orgconn/batch/journal"
)

// pair is a row to work on, in 40 bytes: there may be millions.
type pair struct {
	org, connection id
	line            uint32
	snapshot        *journal.Snapshot
}

// duplicate is a row whose pair an earlier line has.
type duplicate struct{ line, first uint32 }

func (l *List) newPair(rec Record) pair {
	return pair{
		org:        l.ids.pack(rec.OrgID[len(orgPrefix):]),
		connection: l.ids.pack(rec.ConnectionID[len(connectionPrefix):]),
		line:       uint32(rec.Line),
		snapshot:   rec.Snapshot,
	}
}

// group sorts the pairs by organization and finds the duplicates. It works in
// place, as maps of a million organizations would be too large.
func (l *List) group() {
	slices.SortFunc(l.pairs, func(a, b pair) int {
		if c := bytes.Compare(a.org[:], b.org[:]); c != 0 {
			return c
		}
		if c := bytes.Compare(a.connection[:], b.connection[:]); c != 0 {
			return c
		}
		return cmp.Compare(a.line, b.line)
	})
	l.takeOutDuplicates()
	l.counts.Pairs = len(l.pairs)
	l.counts.Duplicates = len(l.duplicates)

	orgs := 0
	for rest := l.pairs; len(rest) > 0; rest = rest[len(sameOrganization(rest)):] {
		orgs++
	}
	l.counts.Organizations = orgs
	l.starts = make([]uint32, 0, orgs)
	for start := 0; start < len(l.pairs); {
		pairs := sameOrganization(l.pairs[start:])
		slices.SortFunc(pairs, func(a, b pair) int { return cmp.Compare(a.line, b.line) })
		l.starts = append(l.starts, uint32(start))
		start += len(pairs)
	}
	slices.SortFunc(l.starts, func(a, b uint32) int { return cmp.Compare(l.pairs[a].line, l.pairs[b].line) })
}

// takeOutDuplicates moves what repeats the pair before it, in sorted pairs, to
// the duplicates, which it sorts by line.
func (l *List) takeOutDuplicates() {
	kept := l.pairs[:0]
	for _, p := range l.pairs {
		if n := len(kept); n > 0 && kept[n-1].org == p.org && kept[n-1].connection == p.connection {
			l.duplicates = append(l.duplicates, duplicate{line: p.line, first: kept[n-1].line})
			continue
		}
		kept = append(kept, p)
	}
	l.pairs = kept
	slices.SortFunc(l.duplicates, func(a, b duplicate) int { return cmp.Compare(a.line, b.line) })
}

// sameOrganization returns the leading pairs that have the first one's
// organization.
func sameOrganization(pairs []pair) []pair {
	n := 1
	for n < len(pairs) && pairs[n].org == pairs[0].org {
		n++
	}
	return pairs[:n]
}
