package reports

import (
	"bytes"
	"encoding/csv"
	"io"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// PairsWriter writes pairs as a list that a job can begin with, in the manner of
// results.csv.
type PairsWriter struct {
	out  io.Writer
	rows bytes.Buffer
	csv  *csv.Writer
}

// NewPairsWriter returns a writer whose first Flush writes the header too.
func NewPairsWriter(out io.Writer) *PairsWriter {
	w := &PairsWriter{out: out}
	w.csv = csv.NewWriter(&w.rows)
	w.write("org_id", "connection_id", "org_name", "connection_name",
		"assign_membership_on_login", "show_as_button", "is_signup_enabled")
	return w
}

// Add adds a pair, with its connection's name and settings.
func (w *PairsWriter) Add(orgID, orgName, connectionID string, c journal.Snapshot) {
	cells := []string{orgID, connectionID, orgName, c.Name}
	for _, setting := range c.All() {
		cells = append(cells, list.FormatSetting(*setting.Value))
	}
	w.write(cells...)
}

// Flush writes what was added, whole lines at once.
func (w *PairsWriter) Flush() error {
	w.csv.Flush()
	_, err := w.rows.WriteTo(w.out)
	return err
}

// write cannot fail: it writes to memory.
func (w *PairsWriter) write(cells ...string) {
	for i, cell := range cells {
		cells[i] = escapeCell(cell)
	}
	_ = w.csv.Write(cells)
}
