package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

// execute works on the list and makes the reports.
func (j *job) execute(dir *rundir.Dir, history *batch.History) (err error) {
	defer recovered(&err) // here, so that the metrics tell of it
	defer j.client.Close()
	result, final, err := j.work(dir, history)
	if err != nil {
		return &failure{code: journal.ExitStopped, err: err, hint: resumeHint(dir.Path)}
	}
	end := journal.Record{At: time.Now().UTC(), End: &journal.End{ExitCode: result.ExitCode, Reason: result.Reason(), Final: final}}
	_ = dir.Journal.Append(end) // what it fails with, close tells
	closed := dir.Close()
	if result.Stop != nil && result.Stop.Err != nil && errors.Is(closed, result.Stop.Err) {
		closed = nil // it says the same again
	}
	return j.report(dir.Path, result, closed)
}

// work looks the list's names up, and then does what the list is for.
func (j *job) work(dir *rundir.Dir, history *batch.History) (result batch.Result, final journal.Sample, err error) {
	ctx, cancel := batch.WithMaxDuration(j.ctx, j.settings.MaxDuration)
	defer cancel()
	stop, lookups, err := j.lookUp(ctx, dir)
	switch {
	case err != nil:
		return result, final, err
	case stop != nil:
		return batch.Result{ExitCode: stop.Code, Stop: stop}, journal.Sample{Calls: lookups}, nil
	}
	r, err := batch.New(batch.Config{
		Command: j.command, List: j.list, History: history, API: j.client,
		Journal: dir.Journal, Settings: j.settings, Log: j.log,
	})
	if err != nil {
		return result, final, err
	}
	j.view.watch(j.ctx, r.Progress, j.log)
	result = r.Do(ctx)
	j.view.close()
	final = r.Sample()
	final.Calls = final.Calls.Plus(lookups)
	return result, final, nil
}

// report makes the reports, prints the summary, and gives the run's exit code.
func (j *job) report(dir string, result batch.Result, journalErr error) error {
	var err error
	hint := "orgconn report " + reports.ShellWord(dir) + " makes the reports again"
	switch j.summary, err = reports.Make(dir, j.list); {
	case journalErr != nil:
		err, hint = errors.Join(journalErr, err), resumeHint(dir)
	case err != nil:
		err = fmt.Errorf("make the reports: %w", err)
	default:
		if err = j.print(j.summary, dir); err != nil {
			err = fmt.Errorf("print the summary: %w", err)
		}
	}
	if err != nil && result.ExitCode <= journal.ExitFailedRows {
		result.ExitCode = journal.ExitStopped
	}
	switch {
	case result.Stop != nil:
		return &failure{code: result.ExitCode, err: errors.Join(result.Stop, err), hint: stopHint(dir, result.Stop)}
	case err != nil:
		return &failure{code: result.ExitCode, err: err, hint: hint}
	}
	return exitWith(result.ExitCode)
}

// stopHint says what to do after a stop.
func stopHint(dir string, stop *batch.Stop) string {
	if stop.Hint == "" {
		return resumeHint(dir)
	}
	return stop.Hint + "; " + resumeHint(dir)
}

// resumeHint says how to go on.
func resumeHint(dir string) string {
	return "orgconn resume " + reports.ShellWord(dir) + " goes on"
}
