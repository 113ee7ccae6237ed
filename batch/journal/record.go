// Package journal keeps a run's append-only record, journal.jsonl: one JSON
// object a line, each with a checksum. It is the truth from which every report
// is made; nothing else about a run is needed but its input.
package journal

import (
	"time"

	"github.com/orgconn/orgconn/apiclient"
)

// Format is the number of the file format, written in the first record. A
// journal of another format is refused.
const Format = 1

// The commands that work on a list.
const (
	CommandDisable = "disable"
	CommandRestore = "restore"
)

// Label is a command as it is typed, and as results.csv has it.
func Label(command string, dryRun bool) string {
	if dryRun {
		return command + " --dry-run"
	}
	return command
}

// Record is one line of the journal. Exactly one of the pointers is set.
type Record struct {
	At      time.Time   `json:"at"`
	Header  *Header     `json:"run,omitempty"`
	Names   *Names      `json:"names,omitempty"`
	Intent  *Intent     `json:"intent,omitempty"`
	Outcome *RowOutcome `json:"outcome,omitempty"`
	Seen    *Seen       `json:"seen,omitempty"`
	Sample  *Sample     `json:"sample,omitempty"`
	End     *End        `json:"end,omitempty"`
}

// Header is the first record of a sitting, and so of the journal: what was asked
// for, without secrets.
type Header struct {
	Format   int      `json:"format"`
	Command  string   `json:"command"` // disable or restore
	Tenant   string   `json:"tenant"`  // host[:port] of the API audience, lower case
	Version  string   `json:"version"`
	Note     string   `json:"note,omitempty"`
	Input    Input    `json:"input"`
	Settings Settings `json:"settings"`
}

// Input names the list as it was given, and its content.
type Input struct {
	Path   string `json:"path"` // "-" is standard input
	SHA256 string `json:"sha256"`
}

// Name is what people call the list.
func (i Input) Name() string {
	if i.Path == "-" {
		return "standard input"
	}
	return i.Path
}

// Names are ids that were looked up for names of the list, by name; an empty id
// says that the tenant has no such name. They are on disk before anything that
// goes by them: a name may come to stand for something else.
type Names struct {
	Organizations map[string]string `json:"organizations,omitempty"`
	Connections   map[string]string `json:"connections,omitempty"`
}

// Intent says that a row's call is about to be sent. It is on disk before the
// call, so that a call which a crash cut off is known of.
type Intent struct {
	Line int `json:"line"`
	// Snapshot is the enabled connection before the change; nil where it was
	// not read (--no-check).
	Snapshot *Snapshot `json:"snapshot,omitempty"`
}

// Snapshot is a link's settings before the change.
type Snapshot struct {
	Name string `json:"name,omitempty"` // the connection's own
	apiclient.LinkSettings
}

// RowOutcome is what became of a row. The last one of a line counts.
type RowOutcome struct {
	Line    int     `json:"line"`
	Outcome Outcome `json:"outcome"`
	Message string  `json:"message,omitempty"`
	// Call is the write's, or the read's where that failed; nil where neither
	// is the case.
	Call *Call `json:"call,omitempty"`
	// Snapshot is what the check read, where no intent has it.
	Snapshot *Snapshot `json:"connection,omitempty"`
}

// Call is the last call made for a row.
type Call struct {
	Status     int    `json:"status,omitempty"` // HTTP status; 0 where no answer came
	ErrorCode  string `json:"error_code,omitempty"`
	Attempts   int    `json:"attempts"` // calls not answered by 429
	DurationMS int64  `json:"duration_ms"`
	RequestID  string `json:"request_id,omitempty"`
}

// Seen names connections of the list that an organization's check had although
// the list does not pair them with that organization. A connection that is
// neither here nor in any row's snapshot was never seen in the tenant.
type Seen struct {
	Connections []string `json:"connections"`
}

// Sample is what the throttles know at an instant. Calls count from the start
// of the sitting.
type Sample struct {
	Reads  Bucket `json:"reads"`
	Writes Bucket `json:"writes"`
	Calls  Calls  `json:"calls"`
}

// Bucket is what was measured of one of the tenant's token buckets.
type Bucket struct {
	Burst     float64 `json:"burst,omitempty"`        // tokens
	Refill    float64 `json:"refill_per_s,omitempty"` // tokens per second
	Others    float64 `json:"others_per_s,omitempty"` // tokens per second that others took
	Remaining float64 `json:"remaining"`              // tokens
	ActiveS   float64 `json:"active_s,omitempty"`     // seconds from the first call to the last answer
	Sent      int     `json:"sent,omitempty"`         // calls
}

// Calls counts calls.
type Calls struct {
	Reads       int `json:"reads"`
	Writes      int `json:"writes"`
	Retries     int `json:"retries"`      // calls repeated after a lost or faulty answer
	RateLimited int `json:"rate_limited"` // calls answered by 429
}

// Plus adds two counts.
func (c Calls) Plus(d Calls) Calls {
	return Calls{c.Reads + d.Reads, c.Writes + d.Writes, c.Retries + d.Retries, c.RateLimited + d.RateLimited}
}

// End is the last record of a sitting that was not killed.
type End struct {
	ExitCode int    `json:"exit_code"`
	Reason   string `json:"reason,omitempty"` // why it stopped before its end
	Final    Sample `json:"final"`
}
