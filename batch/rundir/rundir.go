// Package rundir knows what a run directory contains, who may write it, and how it
// is staged, named, locked, read and repaired.
//
// A run directory gets its name once its list and the journal's first record are on
// disk. So every run directory can be resumed, and if there is none, nothing was
// changed. The process that appends to the journal holds the journal's lock, and
// only that process repairs the journal. Others read up to the tail.
package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// The files of a run directory.
const (
	InputFile   = "input.csv"
	JournalFile = "journal.jsonl"
	ResultsFile = "results.csv"
	PageFile    = "report.html"
	SummaryFile = "summary.json"
)

// Reports are the files that are made from the others, in the order in which they
// are made.
func Reports() []string { return []string{ResultsFile, PageFile, SummaryFile} }

// Error says why a run directory is refused or cannot be made.
type Error struct {
	Err  error
	Hint string // what to do about it
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// FirstHeader returns the first record of a run directory's journal, which never
// changes; resuming the run adds another header. An *Error says that the directory
// is no run directory.
func FirstHeader(path string) (journal.Header, error) {
	f, err := OpenFile(path, JournalFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.New("it has no journal")
	}
	if err != nil {
		return journal.Header{}, notRunDir(path, err)
	}
	defer f.Close()
	next, stop := iter.Pull2(journal.NewReader(f).Entries())
	defer stop()
	e, err, _ := next() // an empty journal yields an error
	if err != nil {
		return journal.Header{}, notRunDir(path, err)
	}
	return *e.Header, nil
}

func notRunDir(path string, err error) error {
	hint := "give the run directory that a former run printed"
	if irregular, ok := errors.AsType[*Error](err); ok {
		hint = irregular.Hint
	}
	return &Error{fmt.Errorf("%q is no run directory that can be read: %w", path, err), hint}
}

// OpenInput opens the run's copy of its list, with the options that the header has. Begun
// says which rows' calls may have been sent, see [list.Options].
// Messages call it by the original's name. A copy that differs from the list that the
// run began with is refused, because its rows would get each other's outcomes.
func OpenInput(path string, h journal.Header, names *list.Names, begun func(line int) bool) (*list.List, error) {
	f, err := openInput(path, h)
	if err != nil {
		return nil, err
	}
	opt := ListOptions(h, names)
	opt.Begun = begun
	return list.OpenFile(f, h.Input.Name(), opt)
}

// ListOptions are the options with which a run opens its list.
func ListOptions(h journal.Header, names *list.Names) list.Options {
	return list.Options{
		Command:       h.Command,
		DryRun:        h.Settings.DryRun,
		KeepLink:      h.Settings.KeepLink,
		Connection:    h.Settings.Connection,
		AnyID:         h.Settings.AnyID,
		MinRows:       h.Settings.MinRows,
		Limit:         h.Settings.Limit,
		Names:         names,
		Organizations: h.Settings.Organizations,
	}
}
