package reports

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/orgconn/orgconn/batch/journal"
)

// fact is a line of the run's facts.
type fact struct{ Name, Value string }

// facts are what the run was asked for, and how it went.
func (v *pageView) facts(run journal.Header, sittings int) []fact {
	facts := []fact{
		{"Tenant", v.Tenant},
		{"Command", v.title()},
		{"List", run.Input.Name()},
		{"List, rows", fmt.Sprintf("%s, %s with a row to work on", Counted(v.Input.Rows, "row"), Counted(v.Input.Organizations, "organization"))},
		{"List, SHA-256", v.Input.SHA256},
		{"Settings", settings(run.Settings)},
		{"Version", v.Version},
		{"Run directory", v.RunDir},
		{"Started", utc(v.StartedAt)},
		{"Finished", v.ended()},
		{"Time at work", seconds(v.DurationS)},
		{"Sittings", strconv.Itoa(sittings)},
		{"Exit code", v.exitCode()},
		{"Calls", fmt.Sprintf("%s, %s, %s repeated, %s answered 429", Counted(v.Calls.Reads, "read"), Counted(v.Calls.Writes, "write"),
			grouped(v.Calls.Retries), grouped(v.Calls.RateLimited))},
	}
	if v.Note != "" {
		facts = append([]fact{{"Note", v.Note}}, facts...)
	}
	for i := range facts {
		facts[i].Value = visible(facts[i].Value)
	}
	return facts
}

// title is what was done, as it was typed.
func (v *pageView) title() string { return journal.Label(v.Command, v.DryRun) }

func (v *pageView) ended() string {
	if v.FinishedAt == nil {
		return "not yet, or the run was killed"
	}
	return utc(*v.FinishedAt)
}

func (v *pageView) exitCode() string {
	if v.ExitCode == nil {
		return "none yet"
	}
	return strconv.Itoa(*v.ExitCode)
}

// settings are the flags that say the same as the settings.
func settings(s journal.Settings) string {
	var flags []string
	add := func(set bool, format string, args ...any) {
		if set {
			flags = append(flags, fmt.Sprintf(format, args...))
		}
	}
	add(s.DryRun, "--dry-run")
	add(s.NoCheck, "--no-check")
	add(s.AllowLockout, "--allow-lockout")
	add(s.AllowDefaults, "--allow-defaults")
	add(s.MissingOK, "--missing-ok")
	for _, org := range s.Organizations[:min(len(s.Organizations), 20)] {
		add(true, "--org %s", org)
	}
	add(len(s.Organizations) > 20, "(and %d organizations more)", len(s.Organizations)-20)
	add(s.Limit > 0, "--limit %d", s.Limit)
	add(s.MaxChanges > 0, "--max-changes %d", s.MaxChanges)
	add(true, "--max-failures %s", s.MaxFailures)
	add(true, "--headroom %s%%", strconv.FormatFloat(s.Headroom*100, 'f', -1, 64))
	add(s.MaxRPS > 0, "--max-rps %s", strconv.FormatFloat(s.MaxRPS, 'f', -1, 64))
	add(true, "--workers %d", s.Workers)
	add(true, "--timeout %s", s.Timeout)
	add(s.MaxDuration > 0, "--max-duration %s", s.MaxDuration)
	return strings.Join(flags, " ")
}
