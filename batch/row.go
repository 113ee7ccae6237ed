package batch

import (
	"sync"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// checkAge is how old a check may be when a row's call is sent.
const checkAge = 5 * time.Minute

// row is a row of the list, with what the check decided and how far it is.
type row struct {
	list.Row
	maybeDone bool // an earlier attempt, mostly of an earlier invocation, may have taken effect
	wasOff    bool // an earlier check found the link there, switched off
	checking  bool // it was not on its way since the last read began, so that decides it
	begun     bool // its call is on its way: later checks leave it alone
	closed    bool // it is not sent, as a later check said so or failed: further checks leave it alone
	login     login
	faults    int       // of attempts that were lost, and whose check then grew old
	attempts  int       // before its check grew old, as reply counts them
	checkedAt time.Time // when its organization was read for the decision
	decision
}

// decision is what a check says of a row.
type decision struct {
	outcome journal.Outcome // "": its call is to be sent
	message string
	link    *journal.Snapshot // the link as it is; nil where there is none
}

// result is what the check decided of a row.
func (w *row) result() journal.RowOutcome {
	return journal.RowOutcome{Line: w.Line, Outcome: w.outcome, Message: w.message, Snapshot: w.link, LastLogin: w.login.String()}
}

// findings are what a check has read.
type findings struct {
	links  []apiclient.Link
	logins map[*row]login
	at     time.Time // when they were asked for; the answer may come late, as after a suspension of the machine
}

// organization is an organization's rows on their way. Its methods are safe for
// concurrent use, but for fresh, which needs mu. A row's decision belongs to the worker
// that checks it first, until it is in the queue; then to these methods; and after claim
// to the worker that writes it.
type organization struct {
	id        string
	unchecked bool // --no-check: nothing was read

	mu      sync.Mutex
	rows    []*row // once they are checked, those with a call to be sent
	checked bool
}

// fresh reports whether a row's check may still be acted on. The wall clock goes on
// while a machine is suspended, and may be set back; the monotonic clock is the
// other way round. So the one that says older counts.
func (o *organization) fresh(w *row) bool {
	now := time.Now()
	age := max(now.Sub(w.checkedAt), now.Round(0).Sub(w.checkedAt.Round(0)))
	return o.unchecked || age < checkAge
}

// claim marks a row whose call is about to be sent, so that checks leave it alone, also one
// that is under way. It is false where the row's check is too old to act on, or another row's
// new check has decided it.
func (o *organization) claim(w *row) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.begun = o.fresh(w) && w.outcome == ""
	w.checking = w.checking && !w.begun
	return w.begun
}

// keepClaim is asked in the last moment before a call. If the check has grown too
// old meanwhile, the row is left to later checks again. They are told if an attempt was
// lost, which may have taken effect.
func (o *organization) keepClaim(w *row, lost bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.begun = o.fresh(w)
	if lost && !w.begun {
		w.maybeDone, w.wasOff = true, w.wasOff || w.link != nil
	}
	return w.begun
}

// beginCheck is called before an organization is read. It returns the rows that the read
// decides, those that are neither on their way nor closed, and whether this is the
// organization's first check.
func (o *organization) beginCheck() (rows []*row, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	first = !o.checked
	for _, w := range o.rows {
		if w.checking = !w.begun && !w.closed; w.checking {
			rows = append(rows, w)
		}
	}
	return rows, first
}

// decide ends a check. By what the organization has once the calls on their way are done, it
// decides the rows of beginCheck that were never on their way since, and returns them. A
// call that was on its way may have taken effect after the read, so it counts as one that
// still is. The links of closed rows stay as they are.
func (o *organization) decide(a action, family apiclient.Family, found findings) (undecided []*row) {
	o.mu.Lock()
	defer o.mu.Unlock()
	will := byID(found.links)
	for _, w := range o.rows {
		switch {
		case w.closed:
		case w.checking:
			w.checking, w.checkedAt = false, found.at
			if login, read := found.logins[w]; read {
				w.login = login
			}
			undecided = append(undecided, w)
		default:
			a.apply(will, w)
		}
	}
	a.decide(undecided, family, will)
	o.checked = true
	return undecided
}

// remark adds to the messages of rows.
func (o *organization) remark(rows []*row, message string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range rows {
		w.warn(message)
	}
}

// conclude returns what the last check says of a row. Later checks leave the row alone if
// it got an outcome, or could not be checked.
func (o *organization) conclude(w *row, checked bool) journal.RowOutcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.closed = !checked || w.outcome != ""
	return w.result()
}

// freshlyChecked is fresh, for callers that do not hold the lock.
func (o *organization) freshlyChecked(w *row) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fresh(w)
}
