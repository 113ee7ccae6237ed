package reports

import (
	"fmt"
	"os"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// snapshots are what a restore has to know of a journal: what became of each line,
// and its connection as it was before, in 9 bytes and the connection's name.
type snapshots struct {
	run   journal.Run // the last sitting's
	fates journal.Fates
	lines lines[snapshot]
	names texts
}

// snapshot is a connection as a row's last intent has it.
type snapshot struct {
	name  textPlace
	flags journal.Flags
}

// readSnapshots reads a journal up to its tail. Found is told what was looked up.
func readSnapshots(path string, found *list.Names) (*snapshots, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &snapshots{names: newTexts()}
	for e, err := range journal.NewReader(f).Skim() {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		s.fates.Add(e.Record)
		switch {
		case e.Run != nil:
			s.run = *e.Run
		case e.Names != nil:
			found.Add(*e.Names)
		case e.Intent != nil:
			*s.lines.at(e.Intent.Line) = s.keep(e.Intent.Snapshot)
		}
	}
	return s, nil
}

func (s *snapshots) keep(c *journal.Connection) snapshot {
	if c == nil {
		return snapshot{}
	}
	return snapshot{s.names.put(c.Name), c.Flags()}
}

// connection is a line's connection before the change; nil where it is not known.
func (s *snapshots) connection(line int) *journal.Connection {
	before := s.lines.get(line)
	return before.flags.Connection(s.names.get(before.name))
}

// join finds out what became of a record of the run's list. Of the row it tells
// nothing but the outcome and the connection.
func (s *snapshots) join(rec list.Record) row {
	r := row{Record: rec, Connection: rec.Snapshot}
	r.Message = ""
	switch outcome := s.fates.Outcome(rec.Line); {
	case rec.Outcome != "": // the list has decided
	case outcome == "":
		r.Outcome = journal.NotAttempted
	default:
		r.Outcome = outcome
	}
	if r.Connection == nil && rec.Outcome == "" {
		r.Connection = s.connection(rec.Line)
	}
	return r
}
