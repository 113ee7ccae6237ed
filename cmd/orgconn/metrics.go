package main

import (
	"errors"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/reports"
)

// writeMetrics writes the metrics file at the end of an invocation, even if it was
// refused, since alerts watch the exit code. summary is nil if no run began. It
// returns err, or if the file cannot be written, an error that says so too.
func (c *command) writeMetrics(summary *reports.Summary, err error) error {
	path := c.options.metrics
	if path == "" {
		return err
	}
	code, now := journal.ExitOK, time.Now()
	if err != nil {
		code = classify(err).code
	}
	s := reports.Summary{Command: c.name, DryRun: c.options.settings.DryRun, KeepLink: c.options.settings.KeepLink, Tenant: c.target.tenant}
	if summary != nil {
		s = *summary
	}
	s.ExitCode, s.FinishedAt = &code, &now
	writeErr := reports.WriteMetrics(path, &s)
	if writeErr == nil {
		return err
	}
	if !journal.Finished(code) {
		return &failure{code: code, err: errors.Join(classify(err).err, writeErr), hint: classify(err).hint}
	}
	return stopped(writeErr, "the folder of --metrics-file must exist and be writable; the run itself is done")
}
