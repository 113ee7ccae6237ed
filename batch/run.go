// Package batch runs a job: it reads what each organization has, decides what
// is to be done, and disables or restores connections at the pace that the
// tenant's rate limit allows. Everything that happens to a row is written to the journal.
//
// Rows flow one way: list, check, backlog, intent, call, outcome. Reads and
// writes are separate lanes, since Auth0 counts them in separate buckets, and
// run at the same time.
package batch

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

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
	EnableConnection(ctx context.Context, org string, link apiclient.Link) (*apiclient.Response, error)
}

// Journal takes the run's records; *journal.Writer is the real one. Append
// queues a record, Commit returns once it is on disk.
type Journal interface {
	Append(journal.Record) error
	Commit(context.Context, journal.Record) error
}

// Config is what a run works with.
type Config struct {
	Command  string // journal.CommandDisable or journal.CommandRestore
	List     *list.List
	Former   *Former // of earlier sittings; nil in the first
	API      API
	Journal  Journal
	Settings journal.Settings
	Log      *zap.Logger
}

// Result is how a run ended.
type Result struct {
	ExitCode int
	Stop     *Stop  // why it stopped before its end; nil where it did not
	Remark   string // what else the summary should say; may be empty
}

// Run is one execution of a job. Make it with New; Do may be called once,
// Progress at any time from any goroutine.
type Run struct {
	Config
	*lanes
	action action

	reads   *lane
	writes  *lane
	backlog *backlog
	tally   *tally // of this sitting
	before  *tally // of earlier ones: rows whose outcome is final
	todo    struct{ organizations, rows int }
	checked struct{ rows, writes atomic.Int64 } // rows of this sitting, and those that need a write
	seen    seen
	rereads singleflight.Group   // by organization
	proof   atomic.Pointer[bool] // see provesAbsence
	changes atomic.Int64         // rows that are or will be changed, by earlier sittings too
	found   atomic.Bool          // an organization of the list exists
}

// New prepares a run. It fails where there is no such command.
func New(cfg Config) (*Run, error) {
	action, err := newAction(cfg.Command, cfg.Settings)
	if err != nil {
		return nil, err
	}
	r := &Run{
		Config: cfg, action: action,
		backlog: newBacklog(), tally: newTally(), before: newTally(),
	}
	r.lanes = newLanes(cfg.Settings, cfg.Log, &r.reads, &r.writes)
	r.takeOver()
	return r, nil
}

// Do runs the job to its end. When ctx ends, no new calls are made, those in
// flight have ten seconds, and the context's cause, if it is a *Stop, says
// why. Rows that fail are no error; only the exit code tells of them.
func (r *Run) Do(ctx context.Context) Result {
	defer r.backlog.closeWhenDone(r.control.stopping)()
	return r.result(r.lanes.do(ctx, r.work, r.sample))
}

// work sends the job's calls: reads ahead, writes behind.
func (r *Run) work() {
	if !r.Settings.DryRun {
		r.writes.expect(r.todo.rows)
	}
	if !r.Settings.NoCheck {
		r.seen.listed = r.List.Connections()
		r.reads.expect(r.todo.organizations)
	}
	var stages sync.WaitGroup
	stages.Go(func() { r.safely(r.checkAll) })
	if r.checksWhole() {
		stages.Wait()
	}
	stages.Go(func() { r.safely(r.writeAll) })
	stages.Wait()
}

// checksWhole says whether every row is checked before the first write: only
// so it is known whether --max-changes is kept.
func (r *Run) checksWhole() bool {
	limit := r.Settings.MaxChanges
	return limit > 0 && !r.Settings.DryRun && r.List.Counts().Pairs > limit
}

// stopFor is the stop that an ended context stands for.
func stopFor(ctx context.Context) *Stop {
	if s, ok := context.Cause(ctx).(*Stop); ok {
		return s
	}
	return &Stop{Code: journal.ExitInterrupted, Reason: context.Cause(ctx).Error()}
}

func tooManyChanges(limit, changes int) *Stop {
	return &Stop{
		Code:   journal.ExitStopped,
		Reason: fmt.Sprintf("--max-changes %d: %d rows or more would be changed", limit, changes),
		Hint:   "look at a dry run of the list; if it is right, give resume a larger --max-changes",
	}
}

// result judges the run by why it stopped, else by its outcomes.
func (r *Run) result(stop *Stop) Result {
	if stop != nil {
		return Result{ExitCode: stop.Code, Stop: stop}
	}
	result := Result{ExitCode: journal.ExitOK}
	if r.tally.failed(r.missingOK())+r.before.failed(r.missingOK())+r.failedInList() > 0 {
		result.ExitCode = journal.ExitFailedRows
	}
	changes := int(r.changes.Load())
	if limit := r.Settings.MaxChanges; r.Settings.DryRun && limit > 0 && changes > limit {
		result.Remark = fmt.Sprintf("a run would be stopped by --max-changes %d: %d rows would be changed", limit, changes)
	}
	if r.Settings.MissingOK && !r.missingOK() && result.ExitCode == journal.ExitFailedRows && !r.failedOtherwise() {
		result.Remark = "no organization of the list exists: is this the right tenant?"
	}
	return result
}

// failedOtherwise says whether a row failed for something else than an
// organization that does not exist.
func (r *Run) failedOtherwise() bool {
	counts := r.List.Counts()
	return r.tally.failed(true)+r.before.failed(true)+counts.Invalid+counts.UnknownConnections > 0
}

// failedInList counts the rows that failed without a call of their own.
func (r *Run) failedInList() int {
	counts := r.List.Counts()
	failed := counts.Invalid + counts.UnknownConnections
	if !r.missingOK() {
		failed += counts.UnknownOrganizations
	}
	return failed
}

// missingOK says whether an organization that does not exist is well. A list
// of which no organization exists is more likely one of another tenant.
func (r *Run) missingOK() bool {
	return r.Settings.MissingOK && r.found.Load()
}

// Reason says in words why the run stopped, or what else there is to say.
func (r Result) Reason() string {
	if r.Stop != nil {
		return r.Stop.Reason
	}
	return r.Remark
}
