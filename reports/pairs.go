package reports

import (
	"bytes"
	"encoding/csv"
	"io"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// PairsWriter writes pairs as a CSV list that the commands accept. Its cells are
// escaped like those of results.csv. It is not safe for concurrent use.
type PairsWriter struct {
	out  io.Writer
	rows bytes.Buffer
	csv  *csv.Writer
}

// NewPairsWriter returns a writer. Its first Flush also writes the header.
func NewPairsWriter(out io.Writer) *PairsWriter {
	w := &PairsWriter{out: out}
	w.csv = csv.NewWriter(&w.rows)
	w.write(pair("", "", "", journal.Snapshot{}).Columns())
	return w
}

// Add adds a pair with the connection's name and the link's settings. Nothing is
// written before Flush.
func (w *PairsWriter) Add(orgID, orgName, connectionID string, c journal.Snapshot) {
	w.write(pair(orgID, orgName, connectionID, c).Texts())
}

// pair returns the cells of a pair, with the settings that both families of endpoints
// show, so that an export has the same columns on every tenant.
func pair(orgID, orgName, connectionID string, c journal.Snapshot) list.Cells {
	return append(list.Cells{
		{Column: "org_id", Text: orgID},
		{Column: "connection_id", Text: connectionID},
		{Column: "org_name", Text: orgName},
		{Column: "connection_name", Text: c.Name},
	}, list.SettingCells(&c)[:list.FirstSettings]...)
}

// write cannot fail, as it writes to memory.
func (w *PairsWriter) write(cells []string) { _ = writeCells(w.csv, cells) }

// Flush writes what was added. It writes whole lines only, so that an export that
// is interrupted does not end with a shortened id.
func (w *PairsWriter) Flush() error {
	w.csv.Flush()
	_, err := w.rows.WriteTo(w.out)
	return err
}
