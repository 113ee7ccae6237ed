package journal

import (
	"fmt"
	"strconv"

	"github.com/orgconn/orgconn/apiclient"
)

// Settings are the flags that decide what a run does. CONTRIBUTING says what a new one
// needs.
type Settings struct {
	DryRun        bool             `json:"dry_run,omitempty"`
	NoCheck       bool             `json:"no_check,omitempty"`
	KeepLink      bool             `json:"keep_link,omitempty"` // links are switched off or on, and never removed
	AllowLockout  bool             `json:"allow_lockout,omitempty"`
	AllowDefaults bool             `json:"allow_defaults,omitempty"`
	MissingOK     bool             `json:"missing_ok,omitempty"`
	LastLogins    bool             `json:"last_logins,omitempty"`   // the last login through each link is read
	UnusedFor     Age              `json:"unused_for,omitzero"`     // links with a login within this time are left alone; 0: no link is
	Connection    string           `json:"connection,omitempty"`    // id or name, instead of the rows'
	AnyID         bool             `json:"any_id,omitempty"`        // ids of other lengths than Auth0's are valid
	API           apiclient.Family `json:"api,omitempty"`           // "" means the newer family if the tenant has it
	MinRows       int              `json:"min_rows,omitempty"`      // of the input; fewer are refused
	Organizations []string         `json:"organizations,omitempty"` // only these; empty means all
	Limit         int              `json:"limit,omitempty"`         // rows of the input; 0 means all
	MaxChanges    int              `json:"max_changes,omitempty"`   // rows; 0 means no limit
	MaxFailures   Threshold        `json:"max_failures"`            // the zero value means no limit
	Headroom      float64          `json:"headroom"`                // share of the bucket left to other clients, 0 to 1
	MaxRPS        float64          `json:"max_rps,omitempty"`       // requests per second; 0 means no limit
	Workers       int              `json:"workers"`
	Timeout       Duration         `json:"timeout"`               // of one call
	MaxDuration   Duration         `json:"max_duration,omitzero"` // 0 means no limit
}

// Flags returns the command-line flags that make these settings, each as the user
// types it: "--dry-run", "--limit 100".
func (s Settings) Flags() (flags []string) {
	add := func(set bool, format string, args ...any) {
		if set {
			flags = append(flags, fmt.Sprintf(format, args...))
		}
	}
	add(s.DryRun, "--dry-run")
	add(s.NoCheck, "--no-check")
	add(s.KeepLink, "--keep-link")
	add(s.AllowLockout, "--allow-lockout")
	add(s.AllowDefaults, "--allow-defaults")
	add(s.MissingOK, "--missing-ok")
	add(s.LastLogins, "--last-logins")
	add(s.UnusedFor > 0, "--unused-for %s", s.UnusedFor)
	add(s.Connection != "", "--connection %s", s.Connection)
	add(s.AnyID, "--any-id")
	add(s.API != "", "--api %s", s.API)
	add(s.MinRows > 0, "--min-rows %d", s.MinRows)
	for _, org := range s.Organizations {
		add(true, "--org %s", org)
	}
	add(s.Limit > 0, "--limit %d", s.Limit)
	add(s.MaxChanges > 0, "--max-changes %d", s.MaxChanges)
	add(true, "--max-failures %s", s.MaxFailures)
	add(true, "--headroom %s", FormatShare(s.Headroom*100))
	add(s.MaxRPS > 0, "--max-rps %s", strconv.FormatFloat(s.MaxRPS, 'f', -1, 64))
	add(true, "--workers %d", s.Workers)
	add(true, "--timeout %s", s.Timeout)
	add(s.MaxDuration > 0, "--max-duration %s", s.MaxDuration)
	return flags
}

// Unblocks reports whether a resume tries blocked rows again.
func (s Settings) Unblocks() bool { return s.AllowLockout || s.AllowDefaults }

// ReadsLogins reports whether the last login through each link is read.
func (s Settings) ReadsLogins() bool { return s.LastLogins || s.UnusedFor > 0 }
