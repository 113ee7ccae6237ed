// Package batch does a run: it reads what each organization has, decides what
// is to be done, and disables, enables or restores connections at the pace that the
// tenant's rate limit allows. A run has a run directory. Each process that works on it,
// the first one and each resume, is an invocation.
//
// A pair is the organization and the connection of a row. A link is an organization's entry
// for a connection. A way in is a link that is not switched off.
//
// Rows flow one way:
//
//	list ─▶ check (reads) ─▶ queue ─▶ intent ─▶ call (writes) ─▶ outcome
//	          │                          │                          │
//	          └──────── outcome ─────────┴──────── journal ─────────┘
//
// The journal is the run's write-ahead log: a row's intent is on disk before its
// call is sent. Auth0 counts reads, writes and reads of the log in separate token
// buckets, so each has a throttle of its own, and they run at the same time.
//
// The way of a row, in functions:
//
//	checkWorker ─▶ check ─▶ readAndDecide ─▶ settleChecked ─▶ enqueue
//	writeWorker ─▶ write ─▶ writeOnce ─▶ claim ─▶ intend ─▶ caller.do ─▶ settleWrite
//
// A row is not sent if
//   - the list leaves it out: it is invalid, a duplicate, not selected, or beyond --limit
//     (package list);
//   - the tenant does not know its name, or gave no answer (lookup.go);
//   - its outcome in an earlier invocation is final (Outcome.Open, asked by history.go);
//   - its organization cannot be read (unread in check.go);
//   - the action says so: it is as wanted already, or blocked (decide in action_*.go);
//   - this is a dry run, or --max-changes is exceeded (check.go);
//   - its check has grown too old: it is checked again (claim and keepClaim in row.go);
//   - the run stops (abandon in queue.go, write in write.go, attempt in caller.go), or its
//     intent cannot be written (intend in write.go).
//
// When a call is sent, the list is on disk, and the journal up to the row's intent with
// its snapshot.
//
// A run is stopped by signals and --max-duration (its context), by the journal (settle.go,
// intend in write.go), by --max-failures (settle.go) and --max-changes (check.go), by
// --keep-link without the newer endpoints (links.go), by credentials, a proxy or a network
// that lets nothing through (caller.go), by an outage (breaker.go), or by a panic (pool.go).
// How it then drains: see pool. A row with an intent gets its outcome. The others get no
// record, and the reports call them not attempted.
package batch

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/singleflight"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// API is what a run asks of the tenant. *apiclient.Client is the real one.
type API interface {
	LinkLister
	DisableConnection(ctx context.Context, org, connection string) (*apiclient.Response, error)
	EnableConnection(ctx context.Context, family apiclient.Family, org string, link apiclient.Link) (*apiclient.Response, error)
	SwitchConnection(ctx context.Context, org, connection string, on bool) (*apiclient.Response, error)
	Connection(ctx context.Context, id string) (apiclient.Named, *apiclient.Response, error)
	LastLogin(ctx context.Context, org, connection string) (time.Time, *apiclient.Response, error)
}

// Journal takes the run's records; *journal.Writer is the real one. Append
// queues a record, Commit returns once it is on disk.
type Journal interface {
	Append(journal.Record) error
	Commit(context.Context, journal.Record) error
}

// Config is what a run works with.
type Config struct {
	RunID    string // for the ids of the writes in the tenant's log; may be empty
	Command  string // journal.CommandDisable, CommandEnable or CommandRestore
	Undoes   string // journal.CommandEnable if a restore undoes one, else ""
	List     *list.List
	History  *History // what earlier invocations did; nil in the first
	API      API
	Journal  Journal
	Settings journal.Settings
	Lookups  journal.Calls // that this invocation made before, for names
	LookedUp NamedRows     // by these lookups
	Named    bool          // a lookup, of this invocation or an earlier one, found an organization of the list
	// ReadConnections allows the run to ask for connections that no organization
	// had: the token has the scope read:connections.
	ReadConnections bool
	// Failed is told of each row that fails, by any goroutine, except of those whose name
	// got no answer and those whose connection turns out not to exist. If it is nil, the
	// log has a warning instead.
	Failed func(journal.RowOutcome)
	Log    *zap.Logger
}

// NamedRows are rows with a name whose id had to be looked up, and those of them that failed by
// that: there was no answer, or there is no such name. With --missing-ok, a row whose
// organization does not exist has not failed.
type NamedRows struct{ Rows, Failed int }

// Run is this process's part of a run, an invocation. Make it with New; Do may be called once,
// Progress and Sample at any time from any goroutine.
type Run struct {
	Config
	*pool
	action action
	books  books

	reads                     *linkCaller // one caller for each token bucket
	writes, connections, logs *caller
	queue                     *queue        // rows that are checked and wait for their writes
	loginTurns                chan struct{} // a semaphore: the checks that read last logins

	rereads singleflight.Group // by organization
	proving singleflight.Group // see answers404
	proof   atomic.Pointer[bool]
}

// New prepares a run. It fails where there is no such command.
func New(cfg Config) (*Run, error) {
	action, err := newAction(cfg.Command, cfg.Undoes, cfg.Settings)
	if err != nil {
		return nil, err
	}
	r := &Run{Config: cfg, pool: newPool(cfg.Settings, cfg.Log), action: action, queue: newQueue(), loginTurns: make(chan struct{}, loginTurns)}
	r.reads = r.newLinkCaller(cfg.API, cmp.Or(cfg.History.family(), cfg.Settings.API), r.foundFamily)
	r.writes, r.connections, r.logs = r.newCaller(), r.newCaller(), r.newCaller()
	if !cfg.Settings.NoCheck && cfg.Command != journal.CommandRestore {
		r.books.seen.expect(cfg.List.Connections())
	}
	r.countEarlier()
	return r, nil
}

// Do does the run, to its end. What runs beside what:
//
//	checkAll  starts workers that read organizations, decide their rows, and enqueue them
//	writeAll  starts workers that take rows from the queue and write them
//	sample    records what the throttles know, until the others have ended
//	throttles hand out permits, one throttle for each token bucket, until then
//
// The first error of a stage or a worker stops the run: no new calls are made, and
// those in flight have ten seconds. The end of ctx does the same; its cause, if it
// is a *Stop, says why. A row that fails is no error; only the exit code tells of
// it.
func (r *Run) Do(ctx context.Context) Result {
	if !r.Settings.DryRun {
		r.writes.expect(r.books.todo.rows)
	}
	if !r.Settings.NoCheck {
		r.reads.expect(r.books.todo.organizations)
	}
	if r.Settings.ReadsLogins() {
		r.logs.expect(r.books.todo.rows)
	}
	release := context.AfterFunc(r.stopping, r.queue.abandon)
	defer release()
	return r.result(r.do(ctx, r.sample, r.checkAll, r.writeAll))
}

// checksFirst reports whether every row is checked before the first write. Only
// then is it known whether --max-changes is kept.
func (r *Run) checksFirst() bool {
	limit := r.Settings.MaxChanges
	return limit > 0 && !r.Settings.DryRun && r.List.Counts().Pairs > limit
}

// Result is how a run ended.
type Result struct {
	ExitCode int
	Stop     *Stop  // why it stopped before its end; nil where it did not
	Remark   string // what else the summary should say; may be empty
}

// Reason says in words why the run stopped, or what else there is to say.
func (r Result) Reason() string {
	if r.Stop != nil {
		return r.Stop.Reason
	}
	return r.Remark
}

// result is the run's end: why it stopped, else what its outcomes are.
func (r *Run) result(stop *Stop) Result {
	if stop != nil && stop.Code == journal.ExitStopped && stop.Err == nil && r.noneExists() { // a signal or a fault says nothing of the list
		wrong := *stop
		wrong.Reason += "; no organization so far exists: " + journal.RightTenant
		stop = &wrong
	}
	if stop != nil {
		return Result{ExitCode: stop.Code, Stop: stop}
	}
	result := Result{ExitCode: journal.ExitOK}
	if r.failedRows(r.missingOK()) > 0 {
		result.ExitCode = journal.ExitFailedRows
	}
	if n := int(r.books.changes.Load()); r.Settings.DryRun && r.tooMany(n) {
		result.Remark = fmt.Sprintf("a run would be stopped by --max-changes %d: %d rows would be changed", r.Settings.MaxChanges, n)
	}
	if r.noneExists() {
		result.Remark = "no organization of the list exists: " + journal.RightTenant
	}
	return result
}

// noneExists reports whether no organization that the run has looked for exists.
func (r *Run) noneExists() bool {
	counts := r.List.Counts()
	if r.books.found.Load() || r.Named || counts.Unidentified > 0 || counts.UnknownConnections > 0 {
		return false
	}
	missing := counts.UnknownOrganizations
	for outcome, rows := range r.Progress().Outcomes {
		switch {
		case outcome == journal.NotFound:
			missing += rows
		case outcome.Reached() && rows > 0: // it exists, or may exist
			return false
		}
	}
	return missing > 0
}

// failedRows counts the rows that did not end as wanted, those that failed
// without a call of their own included.
func (r *Run) failedRows(missingOK bool) int {
	counts := r.List.Counts()
	failed := r.failedPairs(missingOK) + counts.Invalid + counts.UnknownConnections + counts.Unidentified
	if missingOK {
		return failed
	}
	return failed + counts.UnknownOrganizations
}

// failedPairs counts the rows with both ids that did not end as wanted.
func (r *Run) failedPairs(missingOK bool) int {
	failed := r.books.now.failed(missingOK) + r.books.earlier.failed(missingOK)
	if missingOK {
		return failed + int(r.books.noConnection.Load()) // these are never ok
	}
	return failed
}

// missingOK reports whether an organization that does not exist counts as ok. A list
// of which no organization exists is more likely one of another tenant.
func (r *Run) missingOK() bool { return r.Settings.MissingOK && r.books.found.Load() }
