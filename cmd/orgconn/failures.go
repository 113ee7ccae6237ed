package main

import (
	"cmp"
	"fmt"
	"io"
	"sync"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/reports"
)

// failures prints the first rows that fail for a reason, for people who look on. Of
// further ones only the count in the progress line tells. It is safe for concurrent use.
type failures struct {
	out  io.Writer
	path string // of the list

	mu     sync.Mutex
	counts map[string]int // rows by outcome and reason
	others bool           // there are further reasons
}

const (
	shownFailures = 3 // rows for each reason
	shownReasons  = 5
)

// add prints a row that failed, unless enough are printed.
func (f *failures) add(o journal.RowOutcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	why := reports.ReasonOf(o)
	reason := o.Outcome.Words() + ": " + why
	if f.counts[reason] == 0 && len(f.counts) == shownReasons {
		if !f.others {
			fmt.Fprintln(f.out, "rows that fail for other reasons are only counted")
		}
		f.others = true
		return
	}
	if f.counts == nil {
		f.counts = map[string]int{}
	}
	f.counts[reason]++
	switch n := f.counts[reason]; {
	case n <= shownFailures:
		fmt.Fprintf(f.out, "%s: %s: %s\n", place(f.path, o.Line), o.Outcome.Words(), oneLine(cmp.Or(o.Message, why)))
	case n == shownFailures+1:
		fmt.Fprintf(f.out, "further rows like this are only counted: %s\n", oneLine(reason))
	}
}
