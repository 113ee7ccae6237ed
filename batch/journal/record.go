// Package journal keeps the journal of a run, journal.jsonl: an append-only file
// of records, from which every report is made. Reports need nothing else but the
// run's input.
//
// The journal is a write-ahead log. The [Intent] to change a row is on disk
// before the call is sent, and a [RowOutcome] follows once the call is answered.
// After a crash, an intent without an outcome marks a call that may have taken
// effect.
//
// Each line is one record, a JSON object with a checksum. A [Writer] syncs
// records in groups, a [Reader] tells damage from what a crash leaves at the end,
// and [Repair] cuts that off.
//
// What records consist of is defined here, too, as all other packages use it: the
// outcomes of rows, the settings of a run with the names of their flags, and the exit
// codes.
package journal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/orgconn/orgconn/apiclient"
)

// Format is the version of the file format, written in the first record. A
// journal of another format is refused.
const Format = 1

// Record is one line of the journal. Exactly one of the pointers is set.
type Record struct {
	At      time.Time   `json:"at"`
	Header  *Header     `json:"run,omitempty"`
	Names   *Names      `json:"names,omitempty"`
	Family  *Family     `json:"family,omitempty"`
	Intent  *Intent     `json:"intent,omitempty"`
	Outcome *RowOutcome `json:"outcome,omitempty"`
	Seen    *Seen       `json:"seen,omitempty"`
	Sample  *Sample     `json:"sample,omitempty"`
	End     *End        `json:"end,omitempty"`

	Organization *Organization `json:"organization,omitempty"`
}

// Header is the first record of an invocation, and so of the journal. It holds
// what the user asked for, without secrets.
type Header struct {
	Format   int      `json:"format"`
	RunID    string   `json:"run_id,omitempty"` // of all invocations of a run; see NewRunID
	Command  string   `json:"command"`          // CommandDisable, CommandEnable or CommandRestore
	Undoes   string   `json:"undoes,omitempty"` // CommandEnable if a restore undoes one
	From     string   `json:"from,omitempty"`   // the id of the run whose results the list is
	Tenant   string   `json:"tenant"`           // host[:port] of the API audience, lower case
	Version  string   `json:"version"`          // of the program
	By       *By      `json:"by,omitempty"`
	Note     string   `json:"note,omitempty"`
	Input    Input    `json:"input"`
	Settings Settings `json:"settings"`
}

// By is who started an invocation, as far as that is known.
type By struct {
	ClientID string `json:"client_id,omitempty"` // of the credentials
	User     string `json:"user,omitempty"`      // of the operating system
	Host     string `json:"host,omitempty"`
}

// Enables reports whether the run gives ways in to organizations, and takes none.
func (h Header) Enables() bool { return h.Command != CommandDisable && h.Undoes == "" }

// NewRunID returns an id for a run: 12 lower-case letters and digits, at random.
func NewRunID() string { return strings.ToLower(rand.Text()[:12]) }

// CorrelationID is the id under which the tenant's log shows the write of a row: the
// run's id, the line, and a check over these and the pair, so that a row of results.csv
// whose ids were edited can be told. It is "" if the run has no id, as runs of earlier
// versions.
func CorrelationID(runID string, line int, org, connection string) string {
	if runID == "" {
		return ""
	}
	id := runID + "-" + strconv.Itoa(line)
	check := sha256.Sum256([]byte(id + "," + org + "," + connection))
	return id + "-" + hex.EncodeToString(check[:3])
}

// ParseCorrelationID returns the run and the line that an id is of. It is false for what
// CorrelationID does not make; whether the check is right, only a comparison tells.
func ParseCorrelationID(id string) (run string, line int, ok bool) {
	parts := strings.Split(id, "-")
	if len(parts) != 3 || !runID.MatchString(parts[0]) {
		return "", 0, false
	}
	line, err := strconv.Atoi(parts[1])
	return parts[0], line, err == nil && line > 0
}

// Input identifies the list: its path as the user gave it, and its content.
type Input struct {
	Path   string `json:"path"` // "-" is standard input
	SHA256 string `json:"sha256"`
}

// Name returns the list's name for messages and reports.
func (i Input) Name() string {
	if i.Path == "-" {
		return "standard input"
	}
	return i.Path
}

// Names maps names of the list to the ids that the tenant returned for them. An
// empty id means that the tenant has no such name. Names are on disk before the
// run uses the ids, since a name may later belong to something else.
type Names struct {
	Organizations map[string]string `json:"organizations,omitempty"`
	Connections   map[string]string `json:"connections,omitempty"`
}

// Family says which family of endpoints the run goes by, once that is known.
type Family struct {
	Name apiclient.Family `json:"name"`
}

// Organization is how many connections of an organization were enabled when the run
// checked it: its members' ways in. The last record of an organization counts, and the
// changes that the journal has before it are in its number.
type Organization struct {
	ID     string `json:"id"`
	WaysIn int    `json:"ways_in"`
}

// Intent announces the call that changes a row. It is on disk before the call is
// sent, so that a crash during the call leaves a trace.
type Intent struct {
	Line          int    `json:"line"` // of the row in the input
	CorrelationID string `json:"correlation_id,omitempty"`
	// Snapshot is the link before the change; nil if there was none, or if it was
	// not read (--no-check).
	Snapshot *Snapshot `json:"snapshot,omitempty"`
}

// Snapshot is a link's settings: before the change in an Intent and an outcome, as they
// are wanted in a list.
type Snapshot struct {
	Name string `json:"name,omitempty"` // of the connection
	apiclient.LinkSettings
	// Unknown has the settings that this program does not know. No call is known that
	// gives them back.
	Unknown map[string]json.RawMessage `json:"unknown,omitempty"`
}

// RowOutcome is what became of a row. The last one of a row counts.
type RowOutcome struct {
	Line    int     `json:"line"` // of the row in the input
	Outcome Outcome `json:"outcome"`
	Message string  `json:"message,omitempty"`
	// LastLogin is NoLogin, or the time in RFC 3339 of the last login that the tenant's
	// log has; "" if nobody asked.
	LastLogin string `json:"last_login,omitempty"`
	// NoConnection says of a NotFound that it is the connection which does not
	// exist, and not the organization.
	NoConnection bool `json:"no_connection,omitempty"`
	// Call is the row's write, or its read if the read failed; nil if there was
	// neither.
	Call *Call `json:"call,omitempty"`
	// Snapshot is what the check read; nil if an intent has it.
	Snapshot *Snapshot `json:"connection,omitempty"`
}

// NoLogin says that the tenant's log has no login.
const NoLogin = "none"

// Call is the last call made for a row.
type Call struct {
	Status     int    `json:"status,omitempty"` // HTTP status; 0 without an answer
	ErrorCode  string `json:"error_code,omitempty"`
	Attempts   int    `json:"attempts"` // not counting those answered by 429
	DurationMS int64  `json:"duration_ms"`
	RequestID  string `json:"request_id,omitempty"`
}

// Seen names connections of the list that the tenant has: the check found them in an
// organization with which the list does not pair them, or the tenant was asked for them.
// In a disable with a check, a connection that is neither here nor in a snapshot was never
// seen in the tenant.
type Seen struct {
	Connections []string `json:"connections"`
}

// Sample is what the throttles know at one moment. Its calls count from the start
// of the invocation.
type Sample struct {
	Reads  Bucket `json:"reads"`
	Writes Bucket `json:"writes"`
	Logs   Bucket `json:"logs,omitzero"` // of reads of the tenant's log
	Calls  Calls  `json:"calls"`
}

// Bucket is what was measured of one of the tenant's token buckets.
type Bucket struct {
	Burst     float64 `json:"burst,omitempty"`        // size, in tokens
	Refill    float64 `json:"refill_per_s,omitempty"` // tokens per second
	Others    float64 `json:"others_per_s,omitempty"` // tokens per second that other clients use
	Remaining float64 `json:"remaining"`              // tokens
	ActiveS   float64 `json:"active_s,omitempty"`     // seconds from the first call to the last answer
	Sent      int     `json:"sent,omitempty"`         // calls
}

// Calls counts calls to the API.
type Calls struct {
	Reads       int `json:"reads"`
	Writes      int `json:"writes"`
	Retries     int `json:"retries"`      // repeated after a lost or faulty answer
	RateLimited int `json:"rate_limited"` // answered by 429
}

// Plus returns the sum of both counts.
func (c Calls) Plus(d Calls) Calls {
	return Calls{c.Reads + d.Reads, c.Writes + d.Writes, c.Retries + d.Retries, c.RateLimited + d.RateLimited}
}

// End is the last record of an invocation. It is missing if the process was
// killed.
type End struct {
	ExitCode int    `json:"exit_code"`
	Reason   string `json:"reason,omitempty"` // why the run stopped early, or what else is to be said
	Final    Sample `json:"final"`
}
