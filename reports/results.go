package reports

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"runtime/debug"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/orgconn/orgconn/batch/list"
)

// writeResults writes a line for every record of the input. It passes each row to
// see before it writes it. To read the rows takes most of the time, so another goroutine
// reads the next ones meanwhile. If that panics, so does writeResults.
func writeResults(w io.Writer, ix *index, l *list.List, see func(list.Result) error) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	parts := make(chan []list.Result, 1)
	var reader errgroup.Group
	var panicked any
	reader.Go(func() error {
		defer close(parts)
		defer func() {
			if p := recover(); p != nil {
				panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
			}
		}()
		return readRows(ix, l, func(part []list.Result) bool {
			select {
			case parts <- part:
				return true
			case <-ctx.Done(): // writing has failed
				return false
			}
		})
	})
	err := writeRows(w, l.Carried(), parts, see)
	stop()
	err = cmp.Or(err, reader.Wait())
	if panicked != nil {
		panic(panicked)
	}
	return err
}

// A part of the rows is complete once it has so many rows, or their records so many bytes.
// To pass on each row alone takes longer, and one may have 4 MiB.
const (
	partRows  = 128
	partBytes = 64 << 10
)

// readRows passes on the rows of the input in parts, in its order, until send returns
// false.
func readRows(ix *index, l *list.List, send func([]list.Result) bool) error {
	part, bytes := make([]list.Result, 0, partRows), 0
	for rec, err := range l.Records() {
		if err != nil {
			return err
		}
		r, err := ix.join(rec)
		if err != nil {
			return err
		}
		part = append(part, r)
		bytes += rec.Size + ix.rows.of(rec.Line).size()
		if len(part) < partRows && bytes < partBytes {
			continue
		}
		if !send(part) {
			return nil
		}
		part, bytes = make([]list.Result, 0, partRows), 0
	}
	send(part)
	return nil
}

func writeRows(w io.Writer, carried []string, parts <-chan []list.Result, see func(list.Result) error) error {
	out := csv.NewWriter(w)
	if err := writeCells(out, slices.Concat(list.ResultsColumns(), carried)); err != nil {
		return err
	}
	for part := range parts {
		for _, r := range part {
			if err := see(r); err != nil {
				return err
			}
			if err := writeCells(out, append(r.Cells().Texts(), r.Carried...)); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// writeCells writes a line. It escapes the cells in place.
func writeCells(out *csv.Writer, cells []string) error {
	for i, cell := range cells {
		cells[i] = list.EscapeCell(cell)
	}
	return out.Write(cells)
}
