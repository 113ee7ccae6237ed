package reports

import (
	"context"
	"encoding/csv"
	"io"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/orgconn/orgconn/batch/list"
)

// writeResults writes a line for every record of the input. It passes each row to
// see before it writes it. To read the rows takes as long as to write them, so there are
// two stages, which work at the same time.
func writeResults(w io.Writer, ix *index, l *list.List, see func(list.Result) error) error {
	rows := make(chan list.Result, rowsAhead)
	stages, ctx := errgroup.WithContext(context.Background())
	stages.Go(func() error {
		defer close(rows)
		return readRows(ctx, ix, l, rows)
	})
	stages.Go(func() error { return writeRows(w, l.Carried(), rows, see) })
	return stages.Wait()
}

// rowsAhead is how many rows may be read that are not written yet.
const rowsAhead = 256

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
			return nil // the other stage has failed
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
