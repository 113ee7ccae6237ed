package reports

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// resultsWriter writes results.csv. It does so with encoding/csv: gocsv writes
// structs, and the carried-through columns are known only when the input is.
type resultsWriter struct {
	out     *csv.Writer
	command string
	tenant  string
	cells   []string // of the row being written
}

func newResultsWriter(w io.Writer, run journal.Header) *resultsWriter {
	return &resultsWriter{
		out: csv.NewWriter(w), command: journal.Label(run.Command, run.Settings.DryRun), tenant: run.Tenant,
	}
}

// header writes the names of the columns.
func (w *resultsWriter) header(carried []string) error {
	return w.write(slices.Concat(list.ResultsColumns(), carried))
}

// row writes a line, in the order of list.ResultsColumns.
func (w *resultsWriter) row(r row) error {
	w.cells = append(w.cells[:0], strconv.Itoa(r.Line), r.OrgID, r.ConnectionID, string(r.Outcome))
	var call journal.Call
	attempts, duration := "", ""
	if r.Call != nil {
		call = *r.Call
		attempts, duration = strconv.Itoa(call.Attempts), strconv.FormatInt(call.DurationMS, 10)
	}
	status := ""
	if call.Status != 0 {
		status = strconv.Itoa(call.Status)
	}
	w.cells = append(w.cells, status, call.ErrorCode, r.Message, attempts, timestamp(r.FinishedAt), duration, call.RequestID)
	var snapshot journal.Snapshot
	if r.Snapshot != nil {
		snapshot = *r.Snapshot
	}
	w.cells = append(w.cells, r.connectionName())
	for _, setting := range snapshot.All() {
		w.cells = append(w.cells, list.FormatSetting(*setting.Value))
	}
	w.cells = append(w.cells, w.command, w.tenant)
	w.cells = append(w.cells, r.Carried...)
	return w.write(w.cells)
}

// write writes the cells, escaped in place.
func (w *resultsWriter) write(cells []string) error {
	for i, cell := range cells {
		cells[i] = escapeCell(cell)
	}
	return w.out.Write(cells)
}

func (w *resultsWriter) flush() error {
	w.out.Flush()
	return w.out.Error()
}

// timestamp is RFC 3339 in UTC, with milliseconds.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
