package reports

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// writeResults writes a line for every record of the input. It passes each row to
// see before it writes it.
func writeResults(w io.Writer, ix *index, l *list.List, see func(row) error) error {
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
		if err := writeCells(out, resultCells(r, ix.header)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// resultCells returns a row's cells in the order of list.ResultsColumns, then the
// carried-through ones.
func resultCells(r row, run journal.Header) []string {
	status, code, attempts, duration, requestID := "", "", "", "", ""
	if c := r.Call; c != nil {
		if c.Status != 0 {
			status = strconv.Itoa(c.Status)
		}
		code, requestID = c.ErrorCode, c.RequestID
		attempts, duration = strconv.Itoa(c.Attempts), strconv.FormatInt(c.DurationMS, 10)
	}
	cells := []string{
		strconv.Itoa(r.Line), r.OrgID, r.ConnectionID, string(r.Outcome), status, code, r.Message,
		attempts, timestamp(r.FinishedAt), duration, requestID, r.connectionName(),
	}
	cells = appendSettings(cells, r.Snapshot)
	cells = append(cells, journal.Label(run.Command, run.Settings.DryRun), run.Tenant)
	return append(cells, r.Carried...)
}

// appendSettings appends a cell for each setting. A nil snapshot has empty cells.
func appendSettings(cells []string, s *journal.Snapshot) []string {
	if s == nil {
		s = new(journal.Snapshot)
	}
	for _, setting := range s.All() {
		cells = append(cells, list.FormatSetting(*setting.Value))
	}
	return cells
}

// timestamp formats a time as RFC 3339 in UTC with milliseconds; the zero time is
// "".
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

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
	header := []string{"org_id", "connection_id", "org_name", "connection_name"}
	for _, setting := range new(journal.Snapshot).All() {
		header = append(header, setting.Name)
	}
	_ = writeCells(w.csv, header) // a write to memory cannot fail
	return w
}

// Add adds a pair with the connection's name and the link's settings. Nothing is
// written before Flush.
func (w *PairsWriter) Add(orgID, orgName, connectionID string, c journal.Snapshot) {
	cells := appendSettings([]string{orgID, connectionID, orgName, c.Name}, &c)
	_ = writeCells(w.csv, cells) // a write to memory cannot fail
}

// Flush writes what was added. It writes whole lines only, so that an export that
// is interrupted does not end with a shortened id.
func (w *PairsWriter) Flush() error {
	w.csv.Flush()
	_, err := w.rows.WriteTo(w.out)
	return err
}

// writeCells writes a line. It escapes the cells in place.
func writeCells(out *csv.Writer, cells []string) error {
	for i, cell := range cells {
		cells[i] = escapeCell(cell)
	}
	return out.Write(cells)
}

// formulaStarts are the characters that make a spreadsheet read a cell as a formula
// (OWASP, "CSV Injection"), with their full-width forms.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// escapeCell puts an apostrophe before a cell that a spreadsheet would read as a
// formula. Quotes around the cell would not help. It replaces zero bytes (OWASP
// ASVS 1.2.10), because a later command would reject the file as not being text.
func escapeCell(cell string) string {
	cell = strings.ReplaceAll(cell, "\x00", "\uFFFD")
	if first, _ := utf8.DecodeRuneInString(cell); cell == "" || !strings.ContainsRune(formulaStarts, first) {
		return cell
	}
	return "'" + cell
}
