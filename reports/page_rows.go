package reports

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// The page holds the rows of a list of any length, up to these bounds. They keep
// it below 5 MB, and what Make needs for it below that, too.
const (
	maxPageRows  = 20_000
	maxPageBytes = 3_500_000
	plainRows    = 50  // that are there without script
	cellLength   = 60  // characters of a carried-through cell
	textLength   = 300 // of any other
)

// pageRow is a row as the page shows it, escaped for eyes but not for HTML.
type pageRow struct {
	Line                      int
	OrgID, ConnectionID, Name string
	Outcome                   string
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
	if r.Connection != nil && r.Connection.Name != "" {
		p.Name = r.Connection.Name
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
	packed bytes.Buffer
	packer *flate.Writer // to packed; a tenth of the memory that rows would take
	rows   []keptRow     // of packed
	others []int32       // those of rows that give way
	kept   int
	bytes  int
	places map[string]int // of texts
	texts  []string       // that many rows have; a row has a text's place
}

type keptRow struct {
	length  int32 // bytes
	dropped bool
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
	encoded, err := json.Marshal(k.cells(p))
	if err != nil {
		return err
	}
	if k.packer == nil {
		if k.packer, err = flate.NewWriter(&k.packed, flate.BestSpeed); err != nil {
			return err
		}
	}
	if !urgent {
		k.others = append(k.others, int32(len(k.rows)))
	}
	k.rows = append(k.rows, keptRow{length: int32(len(encoded))})
	k.kept++
	k.bytes += len(encoded) + 2
	_, err = k.packer.Write(encoded)
	return err
}

// room makes room for a row, and says whether there is some.
func (k *keptRows) room(urgent bool) bool {
	for k.kept >= maxPageRows || k.bytes >= maxPageBytes {
		last := len(k.others) - 1
		if !urgent || last < 0 {
			return false
		}
		row := &k.rows[k.others[last]]
		row.dropped = true
		k.others = k.others[:last]
		k.kept--
		k.bytes -= int(row.length) + 2
	}
	return true
}

// cells are a row as the script reads it: an array, in this order.
func (k *keptRows) cells(p pageRow) []any {
	attention := 0
	if p.Attention {
		attention = 1
	}
	finished := int64(0)
	if !p.FinishedAt.IsZero() {
		finished = p.FinishedAt.UnixMilli()
	}
	cells := []any{p.Line, attention, p.OrgID, k.place(p.ConnectionID), k.place(p.Name), k.place(p.Outcome), k.place(p.Message),
		p.Status, k.place(p.Code), p.Attempts, finished, p.DurationMS, p.RequestID}
	for _, cell := range p.Carried {
		cells = append(cells, cell)
	}
	return cells
}

// place is a text's place among the texts.
func (k *keptRows) place(text string) int {
	at, ok := k.places[text]
	if !ok {
		if k.places == nil {
			k.places = make(map[string]int)
		}
		at = len(k.texts)
		k.places[text] = at
		k.texts = append(k.texts, text)
		k.bytes += len(text) + 3
	}
	return at
}

// write writes the rows and the texts, as members of a JSON object.
func (k *keptRows) write(w io.Writer) error {
	texts, err := json.Marshal(append([]string{}, k.texts...))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "\"texts\":%s,\n\"rows\":[", texts); err != nil {
		return err
	}
	if k.packer != nil {
		if err := k.unpack(w); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "]")
	return err
}

// unpack writes the rows that were not dropped, with commas between them.
func (k *keptRows) unpack(w io.Writer) error {
	if err := k.packer.Close(); err != nil {
		return err
	}
	rows := flate.NewReader(&k.packed)
	defer rows.Close()
	separator := "\n"
	for _, row := range k.rows {
		to := w
		if row.dropped {
			to = io.Discard
		} else if _, err := io.WriteString(w, separator); err != nil {
			return err
		} else {
			separator = ",\n"
		}
		if _, err := io.CopyN(to, rows, int64(row.length)); err != nil {
			return err
		}
	}
	return nil
}
