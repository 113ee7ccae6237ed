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
// see before it writes it. To read the rows takes as long as to write them, so another
// goroutine reads them meanwhile. If that panics, so does writeResults.
func writeResults(w io.Writer, ix *index, l *list.List, see func(list.Result) error) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	rows := make(chan list.Result, rowsAhead)
	var reader errgroup.Group
	var panicked any
	reader.Go(func() error {
		defer close(rows)
		defer func() {
			if p := recover(); p != nil {
				panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
			}
		}()
		return readRows(ctx, ix, l, rows)
	})
	err := writeRows(w, l.Carried(), rows, see)
	stop()
	err = cmp.Or(err, reader.Wait())
	if panicked != nil {
		panic(panicked)
	}
	return err
}

// rowsAhead is how many rows may be read that are not written yet. A row may have 4 MiB.
const rowsAhead = 16

// readRows sends the rows of the input, in its order, until ctx is done.
func readRows(ctx context.Context, ix *index, l *list.List, rows chan<- list.Result) error {
	for rec, err := range l.Records() {
		if err != nil {
			return err
		}
		r, err := ix.join(rec)
		if err != nil {
			return err
		}
		select {
		case rows <- r:
		case <-ctx.Done():
			return nil // writing has failed
		}
	}
	return nil
}

func writeRows(w io.Writer, carried []string, rows <-chan list.Result, see func(list.Result) error) error {
	out := csv.NewWriter(w)
	if err := writeCells(out, slices.Concat(list.ResultsColumns(), carried)); err != nil {
		return err
	}
	for r := range rows {
		if err := see(r); err != nil {
			return err
		}
		if err := writeCells(out, append(r.Cells().Texts(), r.Carried...)); err != nil {
			return err
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
