package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

// The page holds the rows of a list of any length, up to these bounds. They keep
// it below 4 MB.
const (
	maxPageRows  = 10_000
	maxPageBytes = 3_500_000
	plainRows    = 50  // that are there without script
	cellLength   = 60  // characters of a carried-through cell
	textLength   = 300 // of any other
)

// pageRow is a row as the page shows it, escaped for eyes but not for HTML.
type pageRow struct {
	Line                      int
	OrgID, ConnectionID, Name string
	Outcome                   journal.Outcome
	Kind                      kind
	Message                   string
	Status                    int // 0: none
	Code                      string
	Attempts                  int
	FinishedAt                time.Time // zero: not
	DurationMS                int64
	RequestID                 string
	Carried                   []string
	Attention                 bool
}

func newPageRow(r row) pageRow {
	p := pageRow{
		Line: r.Line, OrgID: excerpt(r.OrgID, cellLength), ConnectionID: excerpt(r.ConnectionID, cellLength),
		Name: r.ConnectionName, Outcome: r.Outcome, Kind: kindOf(r.Outcome), Message: excerpt(r.Message, textLength),
		FinishedAt: r.FinishedAt,
	}
	if r.Snapshot != nil && r.Snapshot.Name != "" {
		p.Name = r.Snapshot.Name
	}
	p.Name = excerpt(p.Name, cellLength)
	if c := r.Call; c != nil {
		p.Status, p.Code, p.Attempts = c.Status, excerpt(c.ErrorCode, cellLength), c.Attempts
		p.DurationMS, p.RequestID = c.DurationMS, excerpt(c.RequestID, cellLength)
	}
	for _, cell := range r.Carried {
		p.Carried = append(p.Carried, excerpt(cell, cellLength))
	}
	return p
}

// keptRows are the rows that the page has, in the list's order, encoded as its
// script reads them. Rows that need attention take the place of others.
type keptRows struct {
	first  []pageRow // of the list
	rows   [][]byte  // nil: gave way
	others []int     // those of rows that give way
	kept   int
	bytes  int
}

// add keeps a row if there is room for it.
func (k *keptRows) add(r row, attention, urgent bool) error {
	if !k.room(urgent) {
		return nil
	}
	p := newPageRow(r)
	p.Attention = attention
	if len(k.first) < plainRows {
		k.first = append(k.first, p)
	}
	encoded, err := json.Marshal(p.cells())
	if err != nil {
		return err
	}
	if !urgent {
		k.others = append(k.others, len(k.rows))
	}
	k.rows = append(k.rows, encoded)
	k.kept++
	k.bytes += len(encoded)
	return nil
}

// room makes room for a row, and says whether there is some.
func (k *keptRows) room(urgent bool) bool {
	for k.kept >= maxPageRows || k.bytes >= maxPageBytes {
		last := len(k.others) - 1
		if !urgent || last < 0 {
			return false
		}
		row := &k.rows[k.others[last]]
		k.kept--
		k.bytes -= len(*row)
		*row, k.others = nil, k.others[:last]
	}
	return true
}

// cells are a row as the script reads it: an array, in this order.
func (p pageRow) cells() []any {
	finished := int64(0)
	if !p.FinishedAt.IsZero() {
		finished = p.FinishedAt.UnixMilli()
	}
	cells := []any{p.Line, p.Attention, p.OrgID, p.ConnectionID, p.Name, p.Outcome, p.Message,
		p.Status, p.Code, p.Attempts, finished, p.DurationMS, p.RequestID}
	for _, cell := range p.Carried {
		cells = append(cells, cell)
	}
	return cells
}

// write writes the rows, as a member of a JSON object.
func (k *keptRows) write(w io.Writer) error {
	rows := slices.DeleteFunc(k.rows, func(row []byte) bool { return row == nil })
	_, err := fmt.Fprintf(w, "\"rows\":[\n%s]", bytes.Join(rows, []byte(",\n")))
	return err
}
