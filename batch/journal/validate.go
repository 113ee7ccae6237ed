package journal

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/orgconn/orgconn/apiclient"
)

// maxFigure is more than any count or rate that a run measures.
const maxFigure = 1e15

// tenantName is what a tenant's host may consist of, with a port.
var tenantName = regexp.MustCompile(`^[a-z0-9._:\[\]-]{1,300}$`)

var runID = regexp.MustCompile(`^[a-z0-9]{12}$`)

// validate returns why no run can have written a record; lines is how many lines
// the input has at most. A journal may come from somebody else, and what it says
// ends up in messages, in sizes and in what resume does.
func (r Record) validate(lines int) error {
	set := 0
	for _, is := range []bool{
		r.Header != nil, r.Names != nil, r.Family != nil, r.Organization != nil, r.Intent != nil, r.Outcome != nil, r.Seen != nil, r.Sample != nil, r.End != nil,
	} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return errors.New("the record must say one thing")
	case r.Header != nil:
		return r.Header.Validate()
	case r.Family != nil && r.Family.Name == "":
		return errors.New("the record must name a family of endpoints")
	case r.Organization != nil:
		return r.Organization.validate()
	case r.Intent != nil:
		return validateLine(r.Intent.Line, lines)
	case r.Outcome != nil && !r.Outcome.Outcome.Known():
		return fmt.Errorf("there is no outcome %q", r.Outcome.Outcome)
	case r.Outcome != nil:
		return validateLine(r.Outcome.Line, lines)
	case r.Sample != nil:
		return r.Sample.validate()
	case r.End != nil:
		return r.End.validate()
	}
	return nil
}

func (o Organization) validate() error {
	switch {
	case o.ID == "":
		return errors.New("the record must name an organization")
	case o.WaysIn < 0 || o.WaysIn > maxFigure:
		return fmt.Errorf("an organization cannot have %d connections", o.WaysIn)
	}
	return nil
}

func validateLine(line, lines int) error {
	if line < 1 || line > lines {
		return fmt.Errorf("the list has no line %d", line)
	}
	return nil
}

// Validate returns why no run can have this header.
func (h Header) Validate() error {
	switch {
	case h.Command != CommandDisable && h.Command != CommandEnable && h.Command != CommandRestore:
		return fmt.Errorf("there is no command %q", h.Command)
	case h.Undoes != "" && !(h.Undoes == CommandEnable && h.Command == CommandRestore):
		return fmt.Errorf("%s cannot undo %q", h.Command, h.Undoes)
	case h.Settings.Connection != "" && h.Command != CommandEnable:
		return fmt.Errorf("%s cannot have --connection", h.Command)
	case h.Settings.NoCheck && h.Command != CommandDisable:
		return fmt.Errorf("%s cannot have --no-check: only a check tells what is to be done", h.Command)
	case h.Settings.ReadsLogins() && h.Command != CommandDisable:
		return fmt.Errorf("%s cannot have --last-logins or --unused-for", h.Command)
	case !tenantName.MatchString(h.Tenant):
		return fmt.Errorf("%q is no tenant", h.Tenant)
	case h.RunID != "" && !runID.MatchString(h.RunID):
		return fmt.Errorf("%q is no id of a run", h.RunID)
	case h.From != "" && !runID.MatchString(h.From):
		return fmt.Errorf("%q is no id of a run", h.From)
	}
	return h.Settings.Validate()
}

// continues returns why a header cannot belong to the run that first began.
func (h Header) continues(first Header) error {
	if h.Format != first.Format || h.Command != first.Command || h.Tenant != first.Tenant || h.RunID != first.RunID ||
		h.Undoes != first.Undoes || h.Settings.Connection != first.Settings.Connection ||
		h.Settings.KeepLink != first.Settings.KeepLink || h.Input.SHA256 != first.Input.SHA256 || h.Settings.DryRun != first.Settings.DryRun {
		return errors.New("the invocation is of another run")
	}
	return nil
}

func (e End) validate() error {
	if e.ExitCode < 0 || e.ExitCode > 255 {
		return fmt.Errorf("there is no exit code %d", e.ExitCode)
	}
	return e.Final.validate()
}

func (s Sample) validate() error {
	for _, n := range []int{s.Reads.Sent, s.Writes.Sent, s.Logs.Sent, s.Calls.Reads, s.Calls.Writes, s.Calls.Retries, s.Calls.RateLimited} {
		if n < 0 || n > maxFigure {
			return fmt.Errorf("%d is no number of calls", n)
		}
	}
	for _, b := range []Bucket{s.Reads, s.Writes, s.Logs} {
		for _, x := range []float64{b.Burst, b.Refill, b.Others, b.Remaining, b.ActiveS} {
			if !(x >= -maxFigure && x <= maxFigure) {
				return fmt.Errorf("%g was not measured", x)
			}
		}
	}
	return nil
}

const (
	maxRPS      = 1e6 // requests per second, more than any tenant allows
	maxHeadroom = 0.9 // leaves a part of the bucket to this program
	maxWorkers  = 1024
)

// Validate returns why no run can have these settings. The error names flags.
func (s Settings) Validate() error {
	switch {
	case s.DryRun && s.NoCheck:
		return errors.New("--dry-run and --no-check do not go together: a dry run is the check")
	case s.KeepLink && s.NoCheck:
		return errors.New("--keep-link and --no-check do not go together: only a check tells whether the tenant has the endpoints for it")
	case s.KeepLink && s.API == apiclient.OlderFamily:
		return fmt.Errorf("--keep-link and --api %s do not go together: only the newer endpoints keep a link", s.API)
	case s.ReadsLogins() && s.NoCheck:
		return errors.New("--last-logins and --unused-for do not go with --no-check: last logins are read in the check")
	case s.UnusedFor < 0:
		return errors.New("--unused-for must be a time such as 30d")
	case !(s.Headroom >= 0 && s.Headroom <= maxHeadroom):
		return fmt.Errorf("--headroom must be 0%% to %d%%", int(100*maxHeadroom))
	case !(s.MaxRPS >= 0 && s.MaxRPS <= maxRPS): // NaN too
		return fmt.Errorf("--max-rps must be 0 to %d requests per second", int(maxRPS))
	case s.Limit < 0, s.MinRows < 0, s.MaxChanges < 0, s.MaxDuration < 0:
		return errors.New("--limit, --min-rows, --max-changes and --max-duration must not be negative")
	case s.Workers < 1 || s.Workers > maxWorkers:
		return fmt.Errorf("--workers must be 1 to %d", maxWorkers)
	case time.Duration(s.Timeout) < time.Millisecond:
		return errors.New("--timeout must be a time such as 30s")
	}
	return nil
}
