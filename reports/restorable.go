package reports

import (
	"io"
	"path/filepath"
	"reflect"

	"golang.org/x/sync/errgroup"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// Restorable writes to w what a restore has to know of the run in a directory,
// whose journal's first record is given: its results as they are now, but with
// the cells empty that tell of calls. To look for those in the journal takes
// longer than a restore may wait. It returns the restore's list of what it wrote;
// name and opt are those of list.Open.
//
// A journal that is damaged is refused with a [*journal.DamageError], a run that the
// command does not follow with a [*list.Error].
func Restorable(dir string, first journal.Run, w io.Writer, name string, opt list.Options) (*list.Draft, error) {
	before, input, err := openRestorable(dir, first)
	if err != nil {
		return nil, err
	}
	defer input.Close()
	out := newResultsWriter(w, before.run)
	columns, err := out.header(input.Carried())
	if err != nil {
		return nil, err
	}
	draft, err := list.NewDraft(input, name, opt, columns)
	if err != nil {
		return nil, err
	}
	for rec, err := range ahead(input.Records()) {
		if err != nil {
			return nil, err
		}
		r := before.join(rec)
		err = draft.Add(list.Result{
			Line: out.lines + 1, OrgID: r.OrgID, ConnectionID: r.ConnectionID,
			Outcome: r.Outcome, Connection: r.Connection, Command: out.command, Tenant: out.tenant,
		})
		if err != nil {
			return nil, err
		}
		if err := out.row(r); err != nil {
			return nil, err
		}
	}
	return draft, out.flush()
}

// openRestorable reads a run's journal and, at the same time, its list.
func openRestorable(dir string, first journal.Run) (before *snapshots, input *list.List, err error) {
	names := new(list.Names)
	var work errgroup.Group
	work.Go(func() (err error) {
		before, err = readSnapshots(filepath.Join(dir, JournalFile), names)
		return err
	})
	work.Go(func() (err error) {
		input, err = openInput(dir, first, nil)
		return err
	})
	if err := work.Wait(); err != nil {
		if input != nil {
			input.Close()
		}
		return nil, nil, err
	}
	if input.Counts().Unidentified == 0 && reflect.DeepEqual(ListOptions(first, nil), ListOptions(before.run, nil)) {
		return before, input, nil
	}
	// Names were looked up, or a later sitting had another limit.
	if err := input.Close(); err != nil {
		return nil, nil, err
	}
	input = nil // its memory goes to the next
	input, err = openInput(dir, before.run, names)
	return before, input, err
}
