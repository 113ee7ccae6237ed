package batch

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"slices"
	"sync"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/throttle"
)

const (
	// readsAhead is how many seconds' worth of writes the reads run ahead.
	readsAhead = 60
	// leastAhead is how many rows the reads are ahead before the writes' rate is
	// known. mostAhead bounds the memory that they take.
	leastAhead = 10
	mostAhead  = 10_000
)

const messageUnconfirmed = "the organization's existence is not confirmed: the tenant answers an empty list for one that does not exist, too"

// checkAll checks every organization of the list, as far ahead of the writes
// as it should be. An error ends the run.
func (r *Run) checkAll() error {
	defer r.queue.close() // after a panic, too
	if err := r.checkFailures(); err != nil {
		return err
	}
	if err := r.noteGivenFamily(); err != nil {
		return err
	}
	next, end := iter.Pull2(r.organizations())
	defer end()
	gate := make(chan struct{}, 1) // a semaphore of one: the worker whose check is next
	var workers sync.WaitGroup
	for range r.Settings.Workers {
		workers.Add(1)
		r.spawn(func() error {
			defer workers.Done()
			return r.checkWorker(gate, next)
		})
	}
	workers.Wait()
	r.queue.close() // before the last question below, so that the writes need not wait for it
	return cmp.Or(context.Cause(r.stopping), r.askForUnseen())
}

// checkWorker checks organizations, one after the other. A worker has the gate until
// its check is due and has its permit. So the reads go in the order of the list, no
// further ahead than they should be, and nobody holds a permit and waits for
// something else. An error ends the run.
func (r *Run) checkWorker(gate chan struct{}, next func() (string, []*row, bool)) error {
	for {
		o, permit, err := r.nextOrganization(gate, next)
		if o == nil || err != nil {
			return err
		}
		if o.unchecked { // every pair is a change
			err = r.enqueue(o, len(o.rows))
		} else {
			err = r.check(o, permit)
		}
		if err != nil {
			return err
		}
	}
}

// nextOrganization waits until the next organization is to be checked; nil after the last
// one. The error is why the run stops.
func (r *Run) nextOrganization(gate chan struct{}, next func() (string, []*row, bool)) (*organization, *throttle.Permit, error) {
	gate <- struct{}{}
	defer func() { <-gate }() // after a panic, too: the other workers wait for it
	if err := r.waitForQueue(); err != nil {
		return nil, nil, err
	}
	id, rows, ok := next()
	switch {
	case !ok:
		return nil, nil, nil
	case r.Settings.NoCheck:
		return &organization{id: id, rows: rows, unchecked: true}, nil, nil
	}
	r.reads.awaitTurn()
	r.awaitLoginTurn()
	permit, err := r.reads.acquire()
	return &organization{id: id, rows: rows}, permit, err
}

// waitForQueue is the writes' backpressure on the reads: it waits until the next
// check is due. The error is why the run stops.
func (r *Run) waitForQueue() error {
	if !r.Settings.DryRun && !r.checksFirst() {
		r.queue.waitBelow(func() int {
			return int(min(max(leastAhead, readsAhead*r.writes.throttle.State().Rate), mostAhead))
		})
	}
	return context.Cause(r.stopping)
}

// check reads an organization and decides its rows. Rows that need no write get
// their outcome, the others go to the queue.
func (r *Run) check(o *organization, permit *throttle.Permit) error {
	defer r.books.checked.rows.Add(int64(len(o.rows))) // counted now, as settleChecked takes rows out
	reply, err := r.readAndDecide(o, permit)
	if err != nil {
		return err
	}
	if reply.err != nil {
		r.writes.expect(-len(o.rows))
		if r.Settings.ReadsLogins() {
			r.logs.expect(-len(o.rows))
		}
		return r.unread(reply, o.rows...)
	}
	changes, err := r.settleChecked(o)
	if err != nil {
		return err
	}
	return r.enqueue(o, changes)
}

// settleChecked settles an organization's rows that need no write, and leaves the
// others in it. It counts the rows that are or will be changed. The error ends the run.
func (r *Run) settleChecked(o *organization) (changes int, err error) {
	var pending []*row
	for _, row := range o.rows {
		checked := row.result()
		if checked.Outcome == "" || checked.Outcome == r.action.done() {
			changes++
		}
		if checked.Outcome == "" {
			if !r.Settings.DryRun {
				pending = append(pending, row)
				continue
			}
			checked.Outcome = r.action.would()
		}
		r.writes.expect(-1)
		if checked.Outcome == r.outcomeIfAbsent() && row.link == nil {
			r.books.seen.miss(row.Row)
		}
		if err := r.settle(checked); err != nil {
			return changes, err
		}
	}
	o.rows = pending
	r.books.checked.writes.Add(int64(len(pending)))
	return changes, nil
}

// enqueue hands a checked organization to the writes, unless the run makes none,
// or too many. The error ends the run.
func (r *Run) enqueue(o *organization, changes int) error {
	r.books.changes.Add(int64(changes))
	if r.checksFirst() {
		if err := r.checkChanges(); err != nil {
			return err
		}
	}
	if !r.Settings.DryRun && len(o.rows) > 0 {
		r.queue.push(o)
	}
	return nil
}

// checkChanges is why the run stops, if it would change more rows than
// --max-changes allows.
func (r *Run) checkChanges() error {
	changes := int(r.books.changes.Load())
	if !r.tooMany(changes) {
		return nil
	}
	return &Stop{
		Code:   journal.ExitStopped,
		Reason: fmt.Sprintf("--max-changes %d: %d rows or more would be changed", r.Settings.MaxChanges, changes),
		Hint:   "look at a dry run of the list; if it is right, give resume a larger --max-changes",
	}
}

// tooMany reports whether so many changes are more than --max-changes allows.
func (r *Run) tooMany(changes int) bool {
	return r.Settings.MaxChanges > 0 && changes > r.Settings.MaxChanges
}

// readAndDecideAgain is readAndDecide, unless another of the organization's rows has just
// had a read that decided this one too. Rows that ask at the same time share one read.
func (r *Run) readAndDecideAgain(o *organization, row *row) (*reply, error) {
	answer, err, _ := r.rereads.Do(o.id, func() (any, error) {
		if o.freshlyChecked(row) {
			return &reply{}, nil
		}
		r.awaitLoginTurn()
		permit, err := r.reads.acquireExtra()
		if err != nil {
			return nil, err
		}
		return r.readAndDecide(o, permit)
	})
	if err != nil {
		return nil, err
	}
	return answer.(*reply), nil
}

// readAndDecide reads what an organization has and decides its rows by that. The caller
// has awaited its login turn, which ends here.
func (r *Run) readAndDecide(o *organization, permit *throttle.Permit) (*reply, error) {
	defer r.endLoginTurn()
	rows, first := o.beginCheck()
	links, reply, err := r.reads.read(permit, o.id)
	found := findings{links: links, at: reply.sentAt}
	if err != nil || reply.err != nil {
		return reply, err
	}
	r.books.found.Store(true)
	if err := r.recordOrganization(o, links); err != nil {
		return reply, err
	}
	if r.Settings.ReadsLogins() {
		if !first {
			r.logs.expect(len(rows))
		}
		if found.logins, reply, err = r.readLogins(rows, links); err != nil || reply.stopped {
			return reply, err
		}
	}
	rows = o.decide(r.action, r.reads.known(), found)
	if len(links) > 0 {
		return reply, nil
	}
	return reply, r.doubt(o, rows)
}

// doubt looks into an empty list, which may be that of an organization that does not exist. It
// adds a message to the rows that go by it alone, as nothing is sent for them.
func (r *Run) doubt(o *organization, rows []*row) error {
	rows = slices.DeleteFunc(rows, func(w *row) bool {
		return w.outcome != r.action.already() && !(w.outcome == "" && r.Settings.DryRun)
	})
	if len(rows) == 0 {
		return nil
	}
	proven, err := r.answers404()
	if err == nil && !proven {
		o.remark(rows, messageUnconfirmed)
	}
	return err
}

// recordOrganization records how many ways in an organization has, and notes which of the list's
// connections. One that the list does not pair with the organization is recorded: no
// row's outcome tells of it.
func (r *Run) recordOrganization(o *organization, links []apiclient.Link) error {
	n, _ := waysIn(byID(links))
	if err := r.record(journal.Record{Organization: &journal.Organization{ID: o.id, WaysIn: n}}); err != nil {
		return err
	}
	paired := make(map[string]bool, len(o.rows))
	for _, row := range o.rows {
		paired[row.ConnectionID] = true
	}
	var unpaired []string
	for _, link := range links {
		id := link.ConnectionID
		if r.books.seen.add(id) && !paired[id] {
			unpaired = append(unpaired, id)
		}
	}
	if len(unpaired) == 0 {
		return nil
	}
	return r.record(journal.Record{Seen: &journal.Seen{Connections: unpaired}})
}

// answers404 reports whether the tenant answers 404 for an organization that does not
// exist. If it does, an empty list is that of an organization that exists. Auth0 does
// not document it, so the run asks once, at the first empty list, for an organization
// that cannot exist.
func (r *Run) answers404() (bool, error) {
	proof, err, _ := r.proving.Do("", func() (any, error) {
		if known := r.proof.Load(); known != nil {
			return *known, nil
		}
		_, reply, err := r.reads.readExtra("org_" + rand.Text()[:16])
		proof := reply.class() == apiclient.NotFound
		if proof || reply.err == nil { // else it was not answered; the next empty list asks again
			r.proof.Store(&proof)
		}
		r.Log.Debug("asked for an organization that does not exist", zap.Bool("not_found", proof))
		return proof, err
	})
	return proof.(bool), err
}

// unread settles rows whose organization could not be read. What an earlier
// attempt did is as unknown as before. The error ends the run.
func (r *Run) unread(reply *reply, rows ...*row) error {
	if reply.stopped {
		return nil // the rows are as they were before
	}
	for _, row := range rows {
		o := journal.RowOutcome{Line: row.Line, Call: reply.record(), Outcome: journal.Failed}
		if reply.class() == apiclient.NotFound {
			o.Outcome, o.Message, o.Call = journal.NotFound, messageNoOrganization, nil
		} else {
			if row.maybeDone {
				o.Outcome = journal.Unknown
			}
			o.Message = "read the organization's connections: " + reply.err.Error()
		}
		if err := r.settle(o); err != nil {
			return err
		}
	}
	return nil
}
