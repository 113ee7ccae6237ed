// Package reports makes a run's reports from its input and its journal, and
// from nothing else: they can be made again at any time, also of a run that
// still goes on or was killed.
package reports

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
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
	t := newTally(src.index.run, src.list)
	page := newWebPage(src.index, src.list)
	err = replace(filepath.Join(dir, ResultsFile), func(w *bufio.Writer) error {
		return writeResults(w, src.index, src.list, func(r row) error {
			t.add(r)
			return page.add(r)
		})
	})
	if err != nil {
		return nil, err
	}
	s, err := summarize(dir, src.index, src.list, t)
	if err != nil {
		return nil, err
	}
	err = replace(filepath.Join(dir, PageFile), func(w *bufio.Writer) error {
		return page.write(w, s, src.index)
	})
	if err != nil {
		return nil, err
	}
	return s, replace(filepath.Join(dir, SummaryFile), func(w *bufio.Writer) error {
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
	f, err := os.Open(filepath.Join(dir, JournalFile))
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
		src.list, err = openInput(dir, src.index.run, names)
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

// openInput opens the run's copy of its input under the name that it had. It goes
// by the ids that the run found for names.
func openInput(dir string, run journal.Header, names *list.Names) (*list.List, error) {
	path := filepath.Join(dir, InputFile)
	if err := CheckInput(path, run.Input.SHA256); err != nil {
		return nil, err
	}
	return list.Open(path, run.Input.Name(), ListOptions(run, names))
}

// ListOptions are what a run's list is opened for.
func ListOptions(run journal.Header, names *list.Names) list.Options {
	return list.Options{
		Command:       run.Command,
		DryRun:        run.Settings.DryRun,
		Limit:         run.Settings.Limit,
		Names:         names,
		Organizations: run.Settings.Organizations,
	}
}

// CheckInput fails where the file at path is not the list that a run began
// with: its rows would get each other's outcomes.
func CheckInput(path, sum string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open the run's list: %w", err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return fmt.Errorf("read the run's list: %w", err)
	}
	if hex.EncodeToString(hash.Sum(nil)) != sum {
		return fmt.Errorf("%s is not the list that the run began with", path)
	}
	return nil
}

// writeResults writes a line for every record of the input, and shows each row to
// see.
func writeResults(w io.Writer, ix *index, l *list.List, see func(row) error) error {
	out := newResultsWriter(w, ix.run)
	if err := out.header(l.Carried()); err != nil {
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
		if err := out.row(r); err != nil {
			return err
		}
	}
	return out.flush()
}
