package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/batch/rundir"
	"github.com/orgconn/orgconn/reports"
)

// restoresOf returns the restores of a run's results, or of their dry run's results. They
// began after its end.
func restoresOf(run *runInfo, all []*runInfo) (restores []*runInfo) {
	if run.RunID == "" || run.FinishedAt == nil || run.label.DryRun {
		return nil
	}
	from := map[string]bool{run.RunID: true}
	for _, r := range all {
		if r.label.Command == journal.CommandRestore && r.label.DryRun && r.from == run.RunID {
			from[r.RunID] = true
		}
	}
	for _, r := range all {
		if r.label.Command == journal.CommandRestore && !r.label.DryRun && r.Tenant == run.Tenant && from[r.from] && !r.StartedAt.Before(*run.FinishedAt) {
			restores = append(restores, r)
		}
	}
	return restores
}

// isProof reports whether restoresOf needs a restore, or a dry run of one, to tell that a
// run was undone.
func isProof(r *runInfo, all []*runInfo) bool {
	return r.label.Command == journal.CommandRestore && slices.ContainsFunc(all, func(run *runInfo) bool {
		return run != r && slices.ContainsFunc(restoresOf(run, all), func(restore *runInfo) bool {
			return restore == r || restore.from == r.RunID
		})
	})
}

var errNeeded = errors.New("somebody may need the run directory")

// prune returns the runs that nobody needs any more, and with --yes removes them. One
// that cannot be removed does not keep the others. The oldest is first, so that a run goes
// before the restores that tell that it was undone.
func prune(ctx context.Context, all []*runInfo, o runsOptions) (unneeded []*runInfo, failed error) {
	unneeded = []*runInfo{}
	left := slices.Clone(all)
	for _, run := range slices.Backward(all) {
		check := func() (err error) {
			run.Unneeded, err = whyUnneeded(ctx, run, left, o.older)
			if err == nil && run.Unneeded == "" {
				return errNeeded
			}
			return err
		}
		err := check()
		if err == nil && o.yes { // looks again once nobody else can change it
			err = rundir.Remove(ctx, run.RunDir, check)
			run.Removed = err == nil
		}
		switch _, busy := errors.AsType[*rundir.BusyError](err); {
		case ctx.Err() != nil:
			return unneeded, context.Cause(ctx)
		case err == nil:
			unneeded = slices.Insert(unneeded, 0, run)
			left = slices.DeleteFunc(left, func(r *runInfo) bool { return r == run })
		case run.Unneeded != "" && !busy:
			failed = errors.Join(failed, fmt.Errorf("remove %s: %w", run.RunDir, err))
		}
	}
	if failed != nil {
		failed = stopped(failed, "look what is in the folder, and remove it yourself")
	}
	return unneeded, failed
}

type orgConnection struct{ org, connection string }

// whyUnneeded says why nobody needs a run directory any more; "" if somebody may. It
// goes by the journals alone.
func whyUnneeded(ctx context.Context, run *runInfo, all []*runInfo, older journal.Age) (string, error) {
	changed := map[orgConnection]string{} // with the settings from before
	onlyHere := false                     // settings that no restore gives back
	s, err := reports.Summarize(ctx, run.RunDir, func(r list.Result) {
		if r.Outcome.MayHaveChanged() {
			changed[orgConnection{r.OrgID, r.ConnectionID}] = settingsOf(r)
			onlyHere = onlyHere || r.Snapshot != nil && len(r.Snapshot.Unknown) > 0
		}
	})
	if err != nil {
		return "", err
	}
	age, err := ageOf(run.RunDir, s)
	switch {
	case err != nil || age < time.Duration(older) || run.Ended == stillRunning:
		return "", err
	case len(changed) == 0 && isProof(run, all):
		return "", nil
	case len(changed) == 0:
		return "nothing was changed", nil
	case s.Resumable(), onlyHere:
		return "", nil
	}
	run.FinishedAt = s.FinishedAt
	for _, restore := range restoresOf(run, all) {
		_, err := reports.Summarize(ctx, restore.RunDir, func(r list.Result) {
			pair := orgConnection{r.OrgID, r.ConnectionID}
			// A row has a message if it found or gave other settings than those of the list.
			// Somebody may have edited the list.
			if isBack(r.Outcome) && r.Message == "" && changed[pair] == settingsOf(r) {
				delete(changed, pair)
			}
		})
		if err == nil && len(changed) == 0 {
			return "it was undone", nil
		}
	}
	return "", nil
}

// settingsOf returns a row's settings as text.
func settingsOf(r list.Result) string {
	return strings.Join(list.SettingCells(r.Snapshot).Texts(), "\x00")
}

// ageOf is how long ago a run ended. If it was killed, its journal's time tells.
func ageOf(path string, s *reports.Summary) (time.Duration, error) {
	if s.FinishedAt != nil {
		return time.Since(*s.FinishedAt), nil
	}
	info, err := os.Lstat(filepath.Join(path, rundir.JournalFile))
	if err != nil {
		return 0, err
	}
	return time.Since(info.ModTime()), nil
}
