package reports

import (
	"encoding/json"
	"io"
	"time"
)

// The page holds the rows of a list of any length, up to these bounds. They keep
// it below 5 MB, and what Make needs for it below that, too.
const (
	maxPageRows  = 20_000
	maxPageBytes = 3_500_000
	plainRows    = 100 // that are there without script
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

// keptRows are the rows that the page has, encoded as its script reads them. Rows
// that need attention take the place of others.
type keptRows struct {
	first  []pageRow // of the list
	urgent []keptRow // in the list's order, as is rest
	rest   []keptRow
	bytes  int
	places map[string]int // of texts
	texts  []string       // that many rows have; a row has a text's place
}

type keptRow struct {
	line int
	json []byte
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
	k.bytes += len(encoded) + 1
	if urgent {
		k.urgent = append(k.urgent, keptRow{p.Line, encoded})
	} else {
		k.rest = append(k.rest, keptRow{p.Line, encoded})
	}
	return nil
}

// room makes room for a row, and says whether there is some.
func (k *keptRows) room(urgent bool) bool {
	for len(k.urgent)+len(k.rest) >= maxPageRows || k.bytes >= maxPageBytes {
		n := len(k.rest) - 1
		if !urgent || n < 0 {
			return false
		}
		k.bytes -= len(k.rest[n].json) + 1
		k.rest = k.rest[:n]
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

// write writes the rows in the list's order, and the texts, as members of a JSON
// object.
func (k *keptRows) write(w io.Writer) error {
	texts, err := json.Marshal(k.texts)
	if err != nil {
		return err
	}
	if k.texts == nil {
		texts = []byte("[]")
	}
	parts := [][]byte{[]byte(`"texts":`), texts, []byte(",\n\"rows\":[")}
	urgent, rest := k.urgent, k.rest
	for i := 0; len(urgent)+len(rest) > 0; i++ {
		from := &urgent
		if len(urgent) == 0 || len(rest) > 0 && rest[0].line < urgent[0].line {
			from = &rest
		}
		if i > 0 {
			parts = append(parts, []byte(","))
		}
		parts = append(parts, []byte("\n"), (*from)[0].json)
		*from = (*from)[1:]
	}
	parts = append(parts, []byte("]"))
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
