package main

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/rundir"
)

// lookUp finds the ids of the list's names, if it has any that are not known
// yet, and tells which do not exist. It comes after the question, when the run
// directory is there: with many names it takes as long as the run itself, and
// what was found is kept over a stop.
func (j *job) lookUp(ctx context.Context, dir *rundir.Dir) (stop *batch.Stop, calls journal.Calls, err error) {
	if j.names.Missing() > 0 {
		lookup := batch.NewLookup(batch.LookupConfig{
			API: j.client, List: j.list, Names: j.names,
			Journal: dir.Journal, Settings: j.settings, Log: j.log,
		})
		j.view.watch(j.ctx, lookup.Progress, j.log)
		stop = lookup.Do(ctx)
		j.view.close()
		calls = lookup.Calls()
		if err := j.list.Identify(); err != nil {
			return stop, calls, fmt.Errorf("read the list again: %w", err)
		}
	}
	unknown := j.list.Unknown()
	for _, p := range unknown {
		j.log.Warn("row names what does not exist", zap.Int("line", p.Line), zap.String("reason", p.Message))
	}
	counts := j.list.Counts()
	if rows := counts.UnknownOrganizations + counts.UnknownConnections; rows > len(unknown) {
		j.log.Warn("more rows name what does not exist, see results.csv", zap.Int("rows", rows))
	}
	return stop, calls, nil
}
