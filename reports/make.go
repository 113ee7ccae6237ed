// Package reports makes a run's reports from its input and its journal alone.
// They can be made again at any time, even while the run goes on or after it was
// killed.
package reports

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
)

// Make writes results.csv, report.html and summary.json into the run directory
// dir and returns the summary. Each file appears whole or not at all. l is the
// run's list, whose rows to work on Make drops; if it is nil, Make reads it from
// dir/input.csv. If the journal is damaged, the error is a [*journal.DamageError]. Make
// ends early with the cause of ctx if that is done. It waits for another process that
// makes the reports, so that they are never replaced by ones made from less of the
// journal.
func Make(ctx context.Context, dir string, l *list.List) (*Summary, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	lock, err := rundir.LockReports(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	run, err := openRun(ctx, dir, l)
	if err != nil {
		return nil, err
	}
	defer run.close()
	counts := newRowCounts(run.index.header, run.list)
	run.list.DropRows() // the rest goes by the records
	page := newPageBuilder(run.index, run.list)
	sum := sha256.New()
	err = replace(filepath.Join(dir, rundir.ResultsFile), func(w *bufio.Writer) error {
		return writeResults(io.MultiWriter(w, sum), run.index, run.list, func(r list.Result) error {
			counts.add(r)
			return page.add(r)
		})
	})
	if err != nil {
		return nil, err
	}
	s := summarize(dir, run.index, run.list, counts)
	s.FailedRows = page.reasons.failed(run.index.header.Settings.MissingOK && !s.WrongTenant())
	s.ResultsSHA256 = hex.EncodeToString(sum.Sum(nil))
	err = replace(filepath.Join(dir, rundir.PageFile), func(w *bufio.Writer) error {
		return page.write(w, s)
	})
	if err != nil {
		return nil, err
	}
	return s, replace(filepath.Join(dir, rundir.SummaryFile), func(w *bufio.Writer) error {
		return WriteJSON(w, s)
	})
}

// Summarize returns the summary that Make would make now, and writes nothing. It passes
// each row to see.
func Summarize(ctx context.Context, dir string, see func(list.Result)) (*Summary, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	run, err := openRun(ctx, dir, nil)
	if err != nil {
		return nil, err
	}
	defer run.close()
	counts := newRowCounts(run.index.header, run.list)
	err = writeResults(io.Discard, run.index, run.list, func(r list.Result) error {
		counts.add(r)
		see(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return summarize(dir, run.index, run.list, counts), nil
}

// Results writes to w what results.csv would say now, according to the journal in
// dir.
func Results(dir string, w io.Writer) error {
	run, err := openRun(context.Background(), dir, nil)
	if err != nil {
		return err
	}
	defer run.close()
	return writeResults(w, run.index, run.list, func(list.Result) error { return nil })
}

// runFiles are the files of a run directory from which reports are made.
type runFiles struct {
	journal  *os.File
	index    *index
	list     *list.List
	ownsList bool // close closes the list too
}

// openRun opens a run's journal, and its list if l is nil. Reading the journal fails
// once ctx is done.
func openRun(ctx context.Context, dir string, l *list.List) (*runFiles, error) {
	lines, err := rundir.InputLines(dir)
	if err != nil {
		return nil, err
	}
	f, err := rundir.OpenFile(dir, rundir.JournalFile)
	if err != nil {
		return nil, err
	}
	run := &runFiles{journal: f, list: l, ownsList: l == nil}
	var names *list.Names // nil: a list that the caller opened knows its names
	if l == nil {
		names = new(list.Names)
	}
	run.index, err = readIndex(rundir.Interruptible(ctx, f), lines, names)
	switch {
	case err != nil:
		err = fmt.Errorf("%s: %w", f.Name(), err)
	case l == nil:
		run.list, err = rundir.OpenInput(dir, run.index.header, names, run.index.begun)
	default:
		err = rundir.CheckInput(dir, run.index.header) // it may have changed since
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return run, nil
}

func (r *runFiles) close() {
	r.journal.Close()
	if r.ownsList {
		r.list.Close()
	}
}
