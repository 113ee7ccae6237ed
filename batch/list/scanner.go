package list

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gocarina/gocsv"

	"github.com/orgconn/orgconn/batch/journal"
)

// scanner reads a list record by record, judging each by itself.
type scanner struct {
	name   string
	opt    Options
	csv    *csv.Reader
	rows   *gocsv.Unmarshaller
	lead   int // lines before those that csv sees
	header header
	source source
	named  map[string]bool // organizations asked for that have a row
}

// newScanner reads a list's header.
func newScanner(content io.Reader, name string, opt Options) (*scanner, error) {
	s := &scanner{name: name, opt: opt, named: map[string]bool{}}
	return s, s.start(content)
}

func (s *scanner) start(content io.Reader) error {
	text := bufio.NewReaderSize(newTextReader(content, s.name), 64<<10)
	separator, lines, refused := readToHeader(text)
	if refused != nil {
		return s.refuse(refused, lines+1)
	}
	s.lead = lines
	s.csv = csv.NewReader(text)
	s.csv.Comma = separator
	s.csv.FieldsPerRecord = -1 // a row of another width is invalid, not the file
	s.csv.ReuseRecord = true
	s.csv.TrimLeadingSpace = separator != '\t' // it would take an empty cell for space
	rows, err := gocsv.NewUnmarshaller(s.csv, &row{})
	if err != nil {
		return s.explain(err)
	}
	s.rows = rows
	s.header, refused = readHeader(rows.Headers, s.opt.Command)
	if refused != nil {
		return s.refuse(refused, s.line())
	}
	return rows.RenormalizeHeaders(func([]string) []string {
		return slices.Concat(s.header.fields, slices.Repeat([]string{"extra"}, maxExtra))
	})
}

// line returns the physical line at which the last record starts. The csv
// reader knows it; gocsv counts records.
func (s *scanner) line() int {
	line, _ := s.csv.FieldPos(0)
	return s.lead + line
}

// next returns the next record that is not blank, with the outcome and message
// that it has by itself; io.EOF at the end; an *Error where the file is to be
// refused.
func (s *scanner) next() (Record, error) {
	for {
		v, err := s.rows.Read()
		if err != nil {
			return Record{}, s.explain(err)
		}
		if r := v.(*row); !r.blank() {
			return s.judge(r, s.line())
		}
	}
}

// judge returns a row as a record, with the outcome and message that it has by
// itself.
func (s *scanner) judge(r *row, line int) (Record, error) {
	rec := Record{
		Line:           line,
		OrgID:          string(r.OrgID),
		ConnectionID:   string(r.ConnectionID),
		ConnectionName: string(r.ConnectionName),
		Carried:        r.Carried,
	}
	for len(rec.Carried) < len(s.header.carried) { // the row may be short
		rec.Carried = append(rec.Carried, "")
	}
	if at := s.header.orgName; at >= 0 && !s.header.results {
		rec.OrgName = rec.Carried[at]
	}
	asked := s.takesOrganization(rec.OrgID)
	if s.header.results {
		r.settle()
		if err := s.source.check(r, s.opt); err != nil {
			return Record{}, s.refuse(err, rec.Line)
		}
		if !slices.Contains(takes(s.opt.Command, s.source.command), journal.Outcome(r.Outcome)) {
			rec.Outcome, rec.Message = journal.NotSelected, "its outcome was "+string(r.Outcome)
			return rec, nil
		}
	}
	if !asked {
		rec.Outcome, rec.Message = journal.NotSelected, "not of an organization given by --org"
		return rec, nil
	}
	reason := r.check(s.header, rec.OrgName)
	if reason == "" && s.opt.Command == journal.CommandRestore {
		rec.Snapshot, reason = r.snapshot()
	}
	if reason != "" {
		rec.Outcome, rec.Message = journal.Invalid, reason
		return rec, nil
	}
	s.identify(&rec)
	return rec, nil
}

// identify gives a record the ids of its names, as far as they are known. Where
// one of them is of nothing, the record is decided.
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

// takesOrganization says whether rows of the organization are taken.
func (s *scanner) takesOrganization(id string) bool {
	if len(s.opt.Organizations) == 0 {
		return true
	}
	taken := slices.Contains(s.opt.Organizations, id)
	if taken {
		s.named[id] = true
	}
	return taken
}

// missingOrganization is an organization that was asked for and has no row; ""
// where each has one.
func (s *scanner) missingOrganization() string {
	for _, id := range s.opt.Organizations {
		if !s.named[id] {
			return id
		}
	}
	return ""
}

// refuse completes an error with its place.
func (s *scanner) refuse(err *Error, line int) error {
	err.File, err.Line = s.name, line
	return err
}

// explain puts what reading the file or its header ended with into people's
// words.
func (s *scanner) explain(err error) error {
	var refused *Error
	var broken *csv.ParseError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &broken):
		// An open quote ends with the file, so its row's start says more.
		message := "broken quote"
		if broken.Line != broken.StartLine {
			message = fmt.Sprintf("broken quote in the row from here to line %d", s.lead+broken.Line)
		}
		return s.refuse(&Error{Message: message, Hint: `a quote inside a cell is doubled, and its cell quoted: "5"" nail"`},
			s.lead+broken.StartLine)
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("read %s: %w", s.name, err)
	case s.rows == nil:
		return s.refuse(&Error{Message: "the file is empty", Hint: "a list begins with the line org_id,connection_id"}, 0)
	}
	return io.EOF
}
