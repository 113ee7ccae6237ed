package list

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/orgconn/orgconn/batch/journal"
)

// maxExtra is how many cells past the header are looked at, to tell a row that
// is too long from one that ends with empty cells. A row with as many is too long.
const maxExtra = 1024

// cellSize is what a cell takes in memory, in bytes, without its text.
const cellSize = 16

// scanner reads a list record by record and validates each by itself. Duplicates
// and the limit are left to the list.
type scanner struct {
	name    string
	opt     Options
	csv     *csv.Reader
	rows    *gocsv.Unmarshaller
	skipped int   // lines before the header
	end     int64 // offset after the last record
	columns columns
	origin  origin
	missing []string // of Options.Organizations, those without a row so far

	snapshots map[string]*journal.Snapshot // by their cells, see snapshot
	texts     map[string]*string           // see text
}

// newScanner reads a list's header.
func newScanner(content io.Reader, name string, opt Options) (*scanner, error) {
	s := &scanner{name: name, opt: opt, missing: slices.Clone(opt.Organizations), snapshots: map[string]*journal.Snapshot{}, texts: map[string]*string{}}
	return s, s.readHeader(content)
}

func (s *scanner) readHeader(content io.Reader) error {
	decoded := newTextReader(content, s.name)
	text := bufio.NewReaderSize(decoded, 64<<10)
	separator, lines, refused := skipToHeader(text)
	if refused != nil {
		return s.refuse(refused, lines+1)
	}
	s.skipped = lines
	s.csv = newCSVReader(text, separator)
	start := peekLine(text)
	err := s.readColumns()
	if s.columns.results {
		decoded.maxRecord = maxResultsRecord
	}
	if _, isRefusal := errors.AsType[*Error](err); isRefusal {
		if explained := explainStart(start); explained != nil {
			return s.refuse(explained, lines+1)
		}
	}
	return err
}

func (s *scanner) readColumns() error {
	rows, err := gocsv.NewUnmarshaller(s.csv, &csvRecord{})
	if err != nil {
		return s.readError(err)
	}
	s.rows = rows
	var refused *Error
	if s.columns, refused = parseColumns(rows.Headers, s.opt); refused != nil {
		return s.refuse(refused, s.line())
	}
	return rows.RenormalizeHeaders(func([]string) []string {
		return slices.Concat(s.columns.fields, slices.Repeat([]string{"extra"}, maxExtra))
	})
}

func newCSVReader(text io.Reader, separator rune) *csv.Reader {
	r := csv.NewReader(text)
	r.Comma = separator
	r.FieldsPerRecord = -1 // a row of another width is invalid, not the file
	r.ReuseRecord = true
	r.TrimLeadingSpace = separator != '\t' // else it would skip an empty cell before a tab
	return r
}

// line returns the physical line at which the last record starts. The csv
// reader knows it; gocsv counts records.
func (s *scanner) line() int {
	line, _ := s.csv.FieldPos(0)
	return s.skipped + line
}

// records yields the records that are not blank, each with the outcome and
// message that it has by itself. An error ends the sequence; it is an *Error
// if the file is refused.
func (s *scanner) records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			rec, err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

func (s *scanner) next() (Record, error) {
	for {
		v, err := s.rows.Read()
		if err != nil {
			return Record{}, s.readError(err)
		}
		if r := v.(*csvRecord); !r.blank() {
			return s.validate(r)
		}
	}
}

// validate returns the record with the outcome and message that it has by
// itself. Selection comes first: a row that is left out need not be valid.
func (s *scanner) validate(r *csvRecord) (Record, error) {
	rec := s.newRecord(r)
	var refused *Error
	if s.columns.results {
		r.normalizeOutcome()
		refused = s.origin.validate(r, s.opt, s.columns.hasCorrelationID)
	} else {
		refused = s.columns.validateOwnOutcome(r)
	}
	if refused != nil {
		return Record{}, s.refuse(refused, rec.Line)
	}
	s.crossOff(r)
	if reason := s.leftOut(r); reason != "" {
		rec.Outcome, rec.Message = journal.NotSelected, reason
	} else if reason := s.validateRow(r, &rec); reason != "" {
		rec.Outcome, rec.Message = journal.Invalid, reason
	} else {
		s.identify(&rec)
	}
	return rec, nil
}

// newRecord clones the ids, which a list keeps: the cells of a record share one
// string, which would be kept with them.
func (s *scanner) newRecord(r *csvRecord) Record {
	start := s.end
	s.end = s.csv.InputOffset()
	rec := Record{
		Line:           s.line(),
		Size:           int(s.end-start) + cellSize*len(s.columns.carried),
		OrgID:          strings.Clone(string(r.OrgID)),
		ConnectionID:   strings.Clone(string(r.ConnectionID)),
		ConnectionName: string(r.ConnectionName),
		Carried:        r.Carried,
	}
	for len(rec.Carried) < len(s.columns.carried) { // the row may be short
		rec.Carried = append(rec.Carried, "")
	}
	if i := s.columns.orgName; i >= 0 {
		rec.OrgName = rec.Carried[i]
	}
	switch one := s.opt.Connection; {
	case IsConnectionID(one):
		rec.ConnectionID = one
	case one != "":
		rec.ConnectionName = one
	}
	return rec
}

// crossOff removes an organization that has a row from those that lack one.
func (s *scanner) crossOff(r *csvRecord) {
	s.missing = slices.DeleteFunc(s.missing, func(org string) bool { return s.isOf(r, org) })
}

// isOf reports whether a row is of an organization, given by its id or by the name in
// the column org_name.
func (s *scanner) isOf(r *csvRecord, org string) bool {
	name := s.columns.orgName
	return org == string(r.OrgID) || !IsOrganizationID(org) && name >= 0 && name < len(r.Carried) && org == r.Carried[name]
}

// leftOut returns why a row is not selected, or "".
func (s *scanner) leftOut(r *csvRecord) string {
	switch {
	case s.columns.results && !slices.Contains(s.opt.selectedOutcomes(s.origin.command), journal.Outcome(r.Outcome)):
		return "its outcome was " + string(r.Outcome)
	case len(s.opt.Organizations) > 0 && !slices.ContainsFunc(s.opt.Organizations, func(org string) bool { return s.isOf(r, org) }):
		return "its organization is not one given with --org"
	}
	return ""
}

// validateRow returns why a row is unusable, or "". For enable and restore it adds the
// snapshot to the record.
func (s *scanner) validateRow(r *csvRecord, rec *Record) string {
	if !r.Extra.blank() || len(r.Extra) == maxExtra {
		return "the row has more cells than the header"
	}
	if s.repeatsHeader(rec) {
		return "the row repeats the header"
	}
	orgName, connectionName := rec.OrgName, rec.ConnectionName
	if s.columns.results {
		orgName, connectionName = "", "" // they do not identify a row
	}
	opt := s.opt
	if s.columns.results && opt.Command == journal.CommandRestore {
		opt.AnyID = true // the tenant has accepted these ids
	}
	reason := opt.validateIDOrName(s.columns.org, rec.OrgID, orgPrefix, "org_name", orgName)
	if reason != "" {
		return reason
	}
	reason = opt.validateIDOrName(s.columns.connection, rec.ConnectionID, connectionPrefix, "connection_name", connectionName)
	if reason == "" && s.opt.Command != journal.CommandDisable {
		rec.Snapshot, reason = s.snapshot(r)
	}
	return reason
}

// repeatsHeader reports whether a row has the names of its columns for cells, as where
// files were joined. With Options.AnyID, "org_id" and "con_id" would pass for ids.
func (s *scanner) repeatsHeader(rec *Record) bool {
	org, connection := rec.OrgID, rec.ConnectionID
	if s.columns.org == "org_name" {
		org = rec.OrgName
	}
	if s.columns.connection == "connection_name" {
		connection = rec.ConnectionName
	}
	return (strings.EqualFold(org, s.columns.orgHeading) || strings.EqualFold(org, "org_id")) &&
		(s.columns.oneConnection || strings.EqualFold(connection, s.columns.connectionHeading) || strings.EqualFold(connection, "con_id"))
}

// snapshot returns the settings that a row has, nil if it has none, or why they
// are unusable. Rows with the same settings share one snapshot, which saves memory; so it
// lacks the connection's name.
func (s *scanner) snapshot(r *csvRecord) (_ *journal.Snapshot, reason string) {
	if r.Settings.blank() {
		return nil, ""
	}
	key := strings.Join(r.Settings, "\x00") // no cell has a zero byte
	if known := s.snapshots[key]; known != nil {
		return known, ""
	}
	snapshot := new(journal.Snapshot)
	all := snapshot.All()
	for i, cell := range r.Settings { // the row may be short
		if setting := all[s.columns.settings[i]]; !s.parseSetting(setting, cell) {
			return nil, fmt.Sprintf("%s %s is neither yes nor no", setting.Name, quote(cell))
		}
	}
	if len(s.snapshots) < maxShared {
		s.snapshots[key] = snapshot
	}
	return snapshot, ""
}

// text returns a setting that is a text. Many rows have the same access level, even if each
// has a name of its own. It is cloned as in newRecord.
func (s *scanner) text(cell string) *string {
	if known := s.texts[cell]; known != nil {
		return known
	}
	text := new(strings.Clone(cell))
	if len(s.texts) < maxShared {
		s.texts[*text] = text
	}
	return text
}

// identify gives a record the ids of its names, as far as they are known. A name
// that the tenant does not have decides the record.
func (s *scanner) identify(rec *Record) {
	names := s.opt.Names
	if names == nil {
		return
	}
	var org, connection nameState
	if rec.OrgID == "" {
		rec.OrgID, org = names.Organizations.lookup(rec.OrgName)
	}
	if rec.ConnectionID == "" {
		rec.ConnectionID, connection = names.Connections.lookup(rec.ConnectionName)
	}
	switch {
	case org == unknown:
		rec.Outcome, rec.Message = journal.NotFound, "the tenant has no organization named "+quote(rec.OrgName)
	case connection == unknown:
		rec.Outcome, rec.Message = journal.NotFound, "the tenant has no connection named "+quote(rec.ConnectionName)
	}
}

// refuse completes an error with its place.
func (s *scanner) refuse(err *Error, line int) error {
	err.File, err.Line = s.name, line
	return err
}

// readError returns an error of reading the file or its header in words for users.
// It returns io.EOF at the end of a file that has a header.
func (s *scanner) readError(err error) error {
	var refused *Error
	var broken *csv.ParseError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &broken):
		// An open quote ends with the file, so its row's start says more.
		message := "broken quote"
		if broken.Line != broken.StartLine {
			message = fmt.Sprintf("broken quote in the row from here to line %d", s.skipped+broken.Line)
		}
		return s.refuse(&Error{Message: message, Hint: `double a quote inside a cell, and put the cell in quotes: "5"" nail"`},
			s.skipped+broken.StartLine)
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("read %s: %w", s.name, err)
	case s.rows == nil:
		return s.refuse(&Error{Message: "the file is empty", Hint: "a list begins with the line org_id,connection_id"}, 0)
	}
	return io.EOF
}

// csvRecord is a record as gocsv reads it. The header is translated to these
// tags first, so columns can share a field: the settings do, the carried-through
// columns, and the cells past the header.
type csvRecord struct {
	OrgID          cell  `csv:"org_id"`
	ConnectionID   cell  `csv:"connection_id"`
	ConnectionName cell  `csv:"connection_name"`
	Outcome        cell  `csv:"outcome"`
	Command        cell  `csv:"command"`
	Tenant         cell  `csv:"tenant"`
	Settings       cells `csv:"setting"`
	Carried        cells `csv:"carried"`
	Line           cell  `csv:"line"`
	CorrelationID  cell  `csv:"correlation_id"`
	FinishedAt     cell  `csv:"finished_at"`
	Extra          cells `csv:"extra"`
}

// cell is a cell without the space around it and the apostrophes of EscapeCell.
type cell string

// UnmarshalCSV is called by gocsv for the cell.
func (c *cell) UnmarshalCSV(s string) error {
	*c = cell(unescapeCell(strings.TrimSpace(s)))
	return nil
}

// cells are those of several columns.
type cells []string

// UnmarshalCSV is called by gocsv for every cell in turn.
func (c *cells) UnmarshalCSV(s string) error {
	*c = append(*c, unescapeCell(strings.TrimSpace(s)))
	return nil
}

// blank reports whether all cells are empty.
func (c cells) blank() bool {
	return !slices.ContainsFunc(c, func(s string) bool { return s != "" })
}

// blank reports whether all cells are empty. It skips the columns of a results file
// that have no field, to save time: if one of them is filled, so is line.
func (r *csvRecord) blank() bool {
	for _, c := range []cell{r.OrgID, r.ConnectionID, r.ConnectionName, r.Outcome, r.Command, r.Tenant, r.Line} {
		if c != "" {
			return false
		}
	}
	return r.Settings.blank() && r.Carried.blank() && r.Extra.blank() && len(r.Extra) < maxExtra
}
