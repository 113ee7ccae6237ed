package list

import (
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/orgconn/orgconn/batch/journal"
)

// Draft makes the list of a run from another's results while these are written
// for it. It comes to the same as [Open] with the file that was written, which
// for a million rows would take seconds. It is not safe for concurrent use.
type Draft struct {
	list    *List
	scanner scanner
}

// Result is a row of a results file.
type Result struct {
	Line            int // physical line of the file at which the row starts, from 1
	OrgID           string
	ConnectionID    string
	Outcome         string
	Connection      *journal.Connection // its settings; nil where there are none
	Command, Tenant string
}

// NewDraft begins a list whose file has these columns and a row for each of the
// former list, in whose memory it is kept: of former only Records, Carried, Counts
// and Close may be used from then on. Name and options are those of Open. An
// *Error says that the command does not take such a file.
func NewDraft(former *List, name string, opt Options, columns []string) (*Draft, error) {
	d := &Draft{
		list:    &List{name: name, opt: opt, pairs: former.pairs[:0]},
		scanner: scanner{name: name, opt: opt, named: map[string]bool{}},
	}
	var refused *Error
	if d.scanner.header, refused = readHeader(columns, opt.Command); refused != nil {
		return nil, d.scanner.refuse(refused, 1)
	}
	former.pairs, former.starts, former.ids = nil, nil, idTable{}
	return d, nil
}

// Add takes the next row. An *Error says that the command does not take such a
// row, nor the file.
func (d *Draft) Add(r Result) error {
	var c journal.Connection
	if r.Connection != nil {
		c = *r.Connection
	}
	rec, err := d.scanner.judge(&row{
		OrgID: cell(r.OrgID), ConnectionID: cell(r.ConnectionID), Outcome: cell(r.Outcome),
		AssignMembershipOnLogin: cell(FormatSetting(c.AssignMembershipOnLogin)),
		ShowAsButton:            cell(FormatSetting(c.ShowAsButton)),
		IsSignupEnabled:         cell(FormatSetting(c.IsSignupEnabled)),
		Command:                 cell(r.Command), Tenant: cell(r.Tenant),
	}, r.Line)
	if err != nil {
		return err
	}
	d.list.take(rec)
	return nil
}

// Open opens the file that was written, and returns its list.
func (d *Draft) Open(path string) (*List, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.list.name, err)
	}
	d.list.file = file
	if err := errors.Join(d.checkHeader(), d.list.finish(&d.scanner)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return d.list, nil
}

// checkHeader fails where the file would not be read as what the draft was made
// of, which has to be known before anything is done.
func (d *Draft) checkHeader() error {
	s, err := newScanner(d.list.content(), d.list.name, d.list.opt)
	if err == nil && !reflect.DeepEqual(s.header, d.scanner.header) {
		err = fmt.Errorf("%s: its columns are read otherwise than they were written", d.list.name)
	}
	return err
}
