package main

import (
	"errors"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/reports"
)

// writeMetrics writes the metrics file at the end of a sitting that ended with err.
// A sitting that was refused is one too: whoever watches the exit code has to
// see it. Where the file cannot be written, a run that was fine is not.
func (j *job) writeMetrics(err error) error {
	if j.metrics == "" {
		return err
	}
	code, now := journal.ExitOK, time.Now()
	if err != nil {
		code = classify(err).code
	}
	s := reports.Summary{Command: j.command, DryRun: j.settings.DryRun, Tenant: j.tenant}
	if j.summary != nil {
		s = *j.summary
	}
	s.ExitCode, s.FinishedAt = &code, &now
	writeErr := reports.WriteMetrics(j.metrics, &s)
	if writeErr == nil {
		return err
	}
	f := &failure{code: journal.ExitStopped, err: writeErr, hint: "the folder of --metrics-file must be there and writable; the run itself is done"}
	if code > journal.ExitFailedRows {
		f.code, f.err, f.hint = code, errors.Join(classify(err).err, writeErr), classify(err).hint
	}
	return f
}
