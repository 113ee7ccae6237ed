// Package reports makes a run's reports from its input and its journal, and
// from nothing else: they can be made again at any time, also of a run that
// still goes on or was killed.
package reports

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
)

// Make writes results.csv, report.html and summary.json into the run directory
// dir and returns the summary. Each file appears whole or not at all. The list is that
// of the run; nil has Make read it from dir/input.csv. A journal that is damaged
// is refused with a [*journal.DamageError].
func Make(dir string, l *list.List) (*Summary, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	src, err := openSource(dir, l)
	if err != nil {
		return nil, err
	}
	defer src.close()
	counts := newRowCounts(src.index.header, src.list)
	page := newWebPage(src.index, src.list)
	err = replace(filepath.Join(dir, rundir.ResultsFile), func(w *bufio.Writer) error {
		return writeResults(w, src.index, src.list, func(r row) error {
			counts.add(r)
			return page.add(r)
		})
	})
	if err != nil {
		return nil, err
	}
	s := summarize(dir, src.index, src.list, counts)
	err = replace(filepath.Join(dir, rundir.PageFile), func(w *bufio.Writer) error {
		return page.write(w, s, src.index)
	})
	if err != nil {
		return nil, err
	}
	return s, replace(filepath.Join(dir, rundir.SummaryFile), func(w *bufio.Writer) error {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(s)
	})
}

// Results writes a run's results as its journal has them now.
func Results(dir string, w io.Writer) error {
	src, err := openSource(dir, nil)
	if err != nil {
		return err
	}
	defer src.close()
	return writeResults(w, src.index, src.list, func(row) error { return nil })
}

// source is what a run's reports are made from.
type source struct {
	journal *os.File
	index   *index
	list    *list.List
	opened  bool // the list is ours to close
}

func openSource(dir string, l *list.List) (*source, error) {
	f, err := os.Open(filepath.Join(dir, rundir.JournalFile))
	if err != nil {
		return nil, err
	}
	src := &source{journal: f, list: l, opened: l == nil}
	var names *list.Names // which a list that is given knows
	if l == nil {
		names = new(list.Names)
	}
	if src.index, err = readIndex(f, names); err != nil {
		err = fmt.Errorf("%s: %w", f.Name(), err)
	} else if l == nil {
		src.list, err = rundir.OpenInput(dir, src.index.header, names)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return src, nil
}

func (s *source) close() {
	s.journal.Close()
	if s.opened {
		s.list.Close()
	}
}
