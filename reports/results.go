package reports

import (
	"encoding/csv"
	"io"
	"slices"

	"github.com/orgconn/orgconn/batch/list"
)

// writeResults writes a line for every record of the input. It passes each row to
// see before it writes it.
func writeResults(w io.Writer, ix *index, l *list.List, see func(list.Result) error) error {
	out := csv.NewWriter(w)
	if err := writeCells(out, slices.Concat(list.ResultsColumns(), l.Carried())); err != nil {
		return err
	}
	for rec, err := range l.Records() {
		if err != nil {
			return err
		}
		r, err := ix.join(rec)
		if err != nil {
			return err
		}
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
