package reports

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// Summary is summary.json, with what else is known while the reports are made. Its figures
// add up over all invocations of the run. In one that was read from the file, the fields
// with json:"-" are zero, so Label, Undo and Proposed need one that Make or Summarize made.
type Summary struct {
	RunID      string     `json:"run_id"`
	Command    string     `json:"command"`
	DryRun     bool       `json:"dry_run"`
	KeepLink   bool       `json:"-"`
	NoCheck    bool       `json:"-"` // of the first invocation, and so of the next
	Running    bool       `json:"-"` // a process is at work on the run; for the caller of Make to say
	Undoes     string     `json:"-"` // journal.CommandEnable if a restore undoes one
	Tenant     string     `json:"tenant"`
	Version    string     `json:"version"`
	Note       string     `json:"note,omitempty"`
	RunDir     string     `json:"run_dir"` // absolute
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"` // nil: the run still goes on or was killed
	DurationS  float64    `json:"duration_s"`  // seconds at work
	ExitCode   *int       `json:"exit_code"`   // nil if FinishedAt is nil
	Reason     string     `json:"reason"`      // why the run stopped before its end
	Input      Input      `json:"input"`
	// Outcomes counts rows. It leaves out outcomes that no row has.
	Outcomes map[journal.Outcome]int `json:"outcomes"`
	// Drifted is how many rows had another outcome than a dry run announced.
	Drifted int `json:"drifted"`
	// NeverSeenConnections are ids in the list that the run found in no organization, and
	// that the tenant was not found to have. It holds at most 100 of NeverSeenTotal, those
	// that most rows missed first. It is empty for a slice, and if the run has not come to
	// its end.
	NeverSeenConnections []string `json:"never_seen_connections"`
	NeverSeenTotal       int      `json:"-"`
	NoneSeen             bool     `json:"-"` // NeverSeenTotal is not 0, and no connection of the list was found
	// Unsaved is how many rows a disable without a check changed, or may have changed:
	// their former settings are not known.
	Unsaved int `json:"-"`
	// UnknownSettings is how many rows that were or would be changed had settings that no
	// call gives back.
	UnknownSettings int `json:"-"`
	// FailedRows are the rows that failed, grouped by reason, the most urgent first;
	// nil if only the summary was read.
	FailedRows []FailedRows `json:"-"`
	// ResultsSHA256 is the sum of results.csv; "" if only the summary was read.
	ResultsSHA256 string `json:"-"`
	// Repeated are the flags that were given and that a run from a dry run's results
	// needs again: --allow-..., --unused-for, --any-id, and --keep-link but for restore.
	Repeated []string      `json:"-"`
	Calls    journal.Calls `json:"calls"`
	Rate     Rates         `json:"rate"`
	RowsPerS float64       `json:"rows_per_s"` // rows with an answer, per second at work
}

// FailedRows are rows that failed for the same reason.
type FailedRows struct {
	Outcome journal.Outcome
	Reason  string // without what differs from row to row
	Rows    int
	Lines   []int // of the first three, in the list as it was given

	Connection bool // of not_found: it is the connection
}

// IsUsed reports whether the rows are blocked because somebody has logged in lately, as
// the message of such a row says it.
func (f FailedRows) IsUsed() bool {
	return f.Outcome == journal.Blocked && strings.Contains(f.Reason, "--unused-for")
}

// Input is the list.
type Input struct {
	Path          string `json:"path"` // as given; "-" is standard input
	SHA256        string `json:"sha256"`
	Rows          int    `json:"rows"`
	Organizations int    `json:"organizations"` // with at least one row to work on
}

// Rates are what was measured of the tenant's token buckets, and how fast the run
// was compared with them.
type Rates struct {
	Reads  Rate `json:"reads"`
	Writes Rate `json:"writes"`
	Logs   Rate `json:"logs,omitzero"` // of reads of the tenant's log
}

// Rate is what was measured of one token bucket. A 0 means unknown.
type Rate struct {
	Burst      float64 `json:"burst"`        // tokens
	RefillPerS float64 `json:"refill_per_s"` // tokens per second
	OthersPerS float64 `json:"others_per_s"` // tokens per second that other clients took
	// IdealS is how many seconds the calls take at least, if nobody else uses the
	// bucket and it starts full. ActualS is how many seconds they took.
	IdealS  float64 `json:"ideal_s"`
	ActualS float64 `json:"actual_s"`
}

// rowCounts counts rows for the summary.
type rowCounts struct {
	followsDryRun bool // the list is a dry run's results file
	disables      bool // the command is disable, and no dry run
	outcomes      map[journal.Outcome]int
	answered      int
	drifted       int
	unsaved       int
	unknown       int    // changed or announced rows with settings that no call gives back
	unseen        unseen // of no connection, unless it is a disable that reads
}

func newRowCounts(run journal.Header, l *list.List) *rowCounts {
	c := &rowCounts{followsDryRun: l.FollowsDryRun(), disables: run.Command == journal.CommandDisable && !run.Settings.DryRun, outcomes: make(map[journal.Outcome]int)}
	if run.Command == journal.CommandDisable && !run.Settings.NoCheck {
		c.unseen = newUnseen(l.Connections())
	}
	return c
}

func (c *rowCounts) add(r list.Result) {
	c.outcomes[r.Outcome]++
	if !r.FinishedAt.IsZero() {
		c.answered++
	}
	if c.followsDryRun && r.Outcome.Drifted() {
		c.drifted++
	}
	if r.Snapshot == nil && (r.Outcome == journal.Disabled || r.Outcome == journal.Unknown && c.disables) {
		c.unsaved++
	}
	if r.Snapshot != nil && len(r.Snapshot.Unknown) > 0 && (r.Outcome.MayHaveChanged() || r.Outcome.Announced()) {
		c.unknown++
	}
	switch {
	case r.Snapshot != nil:
		c.unseen.saw(r.ConnectionID, r.Outcome != journal.AlreadyDisabled)
	case r.Outcome == journal.AlreadyDisabled, r.NoConnection:
		c.unseen.missed(r.ConnectionID)
	}
}

// neverSeen returns the ids and the number of the connections that the run found in
// no organization. There are none if the run read nothing, has not come to its end, or was
// a slice: an organization that it did not read may have them.
func (c *rowCounts) neverSeen(ix *index) (ids []string, total int) {
	for _, id := range ix.seen {
		c.unseen.saw(id, true)
	}
	if end := ix.lastEnd(); end == nil || !journal.Finished(end.ExitCode) || c.outcomes[journal.NotAttempted] > 0 || c.unseen.onlyOff() {
		return []string{}, 0
	}
	return c.unseen.never()
}

// summarize makes the summary once all rows are counted.
func summarize(dir string, ix *index, l *list.List, rows *rowCounts) *Summary {
	counts := l.Counts()
	s := &Summary{
		RunID:    ix.header.RunID,
		Command:  ix.header.Command,
		DryRun:   ix.header.Settings.DryRun,
		KeepLink: ix.header.Settings.KeepLink,
		NoCheck:  ix.invocations[0].header.Settings.NoCheck,
		Undoes:   ix.header.Undoes,
		Tenant:   ix.header.Tenant,
		Version:  ix.header.Version,
		Note:     ix.header.Note,
		RunDir:   dir,
		Input:    Input{ix.header.Input.Path, ix.header.Input.SHA256, counts.Rows, counts.Organizations},
		Outcomes: rows.outcomes,
		Drifted:  rows.drifted,
		Unsaved:  rows.unsaved,
		Repeated: repeated(ix),

		UnknownSettings: rows.unknown,
	}
	for _, inv := range ix.invocations {
		s.add(inv)
	}
	s.addEnds(ix.invocations[0], ix.invocations[len(ix.invocations)-1])
	if s.DurationS > 0 {
		s.RowsPerS = round(float64(rows.answered) / s.DurationS)
	}
	s.NeverSeenConnections, s.NeverSeenTotal = rows.neverSeen(ix)
	s.NoneSeen = s.NeverSeenTotal > 0 && !rows.unseen.any
	return s
}

// repeated returns those of a run's flags that the next command has to repeat: those that
// allow something, --unused-for and --any-id. --keep-link is among them too, except for a
// restore, which takes it from the results. A row may have been announced by an earlier
// invocation, so what one of them allowed counts.
func repeated(ix *index) []string {
	settings := ix.header.Settings
	for _, inv := range ix.invocations {
		settings.AllowLockout = settings.AllowLockout || inv.header.Settings.AllowLockout
		settings.AllowDefaults = settings.AllowDefaults || inv.header.Settings.AllowDefaults
	}
	return slices.DeleteFunc(settings.Flags(), func(flag string) bool {
		return !strings.HasPrefix(flag, "--allow-") && !strings.HasPrefix(flag, "--unused-for ") && flag != "--any-id" &&
			!(flag == "--keep-link" && ix.header.Command != journal.CommandRestore)
	})
}

// add adds the figures of an invocation.
func (s *Summary) add(inv invocation) {
	s.DurationS = round(s.DurationS + inv.worked().Seconds())
	s.Calls = s.Calls.Plus(inv.calls())
	headroom := inv.header.Settings.Headroom
	s.Rate.Reads.add(inv.sample.Reads, headroom)
	s.Rate.Writes.add(inv.sample.Writes, headroom)
	s.Rate.Logs.add(inv.sample.Logs, headroom)
}

// addEnds adds when the run started and, if it ended, when and how.
func (s *Summary) addEnds(first, last invocation) {
	s.StartedAt = first.started.UTC().Truncate(time.Millisecond)
	if last.end == nil {
		return
	}
	finished := last.last.UTC().Truncate(time.Millisecond)
	s.FinishedAt = &finished
	s.ExitCode = &last.end.ExitCode
	s.Reason = last.end.Reason
}

// count counts the rows whose outcome matches.
func (s *Summary) count(matches func(journal.Outcome) bool) (rows int) {
	for outcome, n := range s.Outcomes {
		if matches(outcome) {
			rows += n
		}
	}
	return rows
}

// Announced is how many rows a run would change, according to a dry run.
func (s *Summary) Announced() int { return s.count(journal.Outcome.Announced) }

// Expected estimates how long a run takes that does what a dry run announced; 0 if there
// is no estimate. It reads last logins again if a flag of the dry run needs them.
func (s *Summary) Expected() time.Duration {
	logins := 0
	if s.asksForLogins() {
		logins = s.Announced()
	}
	return s.Rate.Expected(s.Input.Organizations, s.Announced(), logins)
}

// asksForLogins reports whether a run that does what a dry run announced reads last
// logins, too.
func (s *Summary) asksForLogins() bool {
	return slices.ContainsFunc(s.Repeated, func(flag string) bool { return strings.HasPrefix(flag, "--unused-for ") })
}

// Changes is how many rows the run changed, or may have changed.
func (s *Summary) Changes() int {
	return s.count(journal.Outcome.MayHaveChanged)
}

// Finished reports whether the run went through its whole list or slice. One that still
// goes on, was killed, or stopped did not.
func (s *Summary) Finished() bool { return s.ExitCode != nil && journal.Finished(*s.ExitCode) }

// Resumable reports whether resume has something to do: the run ended before it was done,
// or some of its rows are to be tried again.
func (s *Summary) Resumable() bool {
	return !s.Running && (!s.Finished() || s.count(func(o journal.Outcome) bool { return o.Open(false) }) > 0)
}

// WrongTenant reports whether the run found no organization of the list, so that it is
// most likely one of another tenant.
func (s *Summary) WrongTenant() bool { return journal.WrongTenant(s.Reason) }

// FailedCalls is how many rows failed because of a call, so that resume tries them
// again. It leaves out rows whose organization does not exist.
func (s *Summary) FailedCalls() int {
	return s.count(func(o journal.Outcome) bool { return o.FailedByCall(true) })
}

// Undo is the command line that undoes the run in dir; "" if it changed nothing, or no
// command undoes it.
func (s *Summary) Undo(dir string) string {
	if s.DryRun || s.Changes() == 0 || s.Command == journal.CommandRestore {
		return ""
	}
	words := []string{"orgconn restore"}
	if s.Unsaved == s.Changes() { // without the flag, restore would do nothing
		words = append(words, "--allow-defaults")
	}
	return strings.Join(append(words, ShellWord(dir)), " ")
}

// Label is the command as results.csv shows it.
func (s *Summary) Label() journal.Label {
	return journal.Header{Command: s.Command, Undoes: s.Undoes, Settings: journal.Settings{KeepLink: s.KeepLink, DryRun: s.DryRun}}.Label()
}

// Proposed is the command line that does what a dry run announced. results is the
// path of the dry run's results file; flags are further ones.
func (s *Summary) Proposed(results string, flags ...string) string {
	words := slices.Concat([]string{"orgconn", s.Command}, s.Repeated, flags, []string{ShellWord(results)})
	return strings.Join(words, " ")
}

// Exactly is Proposed for the results as they are: an edited file is refused.
func (s *Summary) Exactly(results string) string {
	return s.Proposed(results, "--sha256", s.ResultsSHA256)
}

// add adds an invocation's calls. The bucket itself is as the last invocation that
// measured it found it.
func (r *Rate) add(b journal.Bucket, headroom float64) {
	if b.Refill > 0 {
		r.Burst, r.RefillPerS, r.OthersPerS = b.Burst, b.Refill, round(b.Others)
		ideal := (float64(b.Sent) - (1-headroom)*b.Burst) / b.Refill
		r.IdealS = round(r.IdealS + max(0, ideal))
	}
	r.ActualS = round(r.ActualS + b.ActiveS)
}

// round keeps three decimals. It returns 0 for what is no number, which JSON cannot
// hold.
func round(x float64) float64 {
	x = math.Round(x*1000) / 1000
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// Expected estimates how long a run takes that makes this many writes on a list of
// this many organizations, and reads the last logins of so many pairs; 0 if there is
// nothing to write, or no estimate. The run reads at most one organization for each write.
// A dry run measures only reads, so the limit on writes is then taken from Auth0's
// published plans.
func (r Rates) Expected(organizations, writes, logins int) time.Duration {
	if writes == 0 {
		return 0
	}
	organizations = min(organizations, writes)
	writeRate := r.Writes
	if writeRate.RefillPerS == 0 {
		writeRate = publishedWrites(r.Reads)
	}
	if writeRate.RefillPerS == 0 {
		return 0
	}
	return max(r.Reads.timeFor(organizations), writeRate.timeFor(writes), r.Logs.timeFor(logins))
}

// timeFor is how long this many calls take if the bucket starts full; 0 if the
// refill rate is unknown.
func (r Rate) timeFor(calls int) time.Duration {
	if r.RefillPerS == 0 || calls == 0 {
		return 0
	}
	seconds := (float64(calls) - r.Burst) / r.RefillPerS
	return time.Duration(max(1, math.Ceil(seconds)) * float64(time.Second))
}

// refillTolerance is by what share a measured refill rate may differ from the
// published one. A short dry run measures it up to 15 % off. No two plans have
// the same burst and refill rates that are closer to each other than this.
const refillTolerance = 0.25

// publishedWrites is the limit on writes of the plan whose limit on reads was
// measured; zero if there is no such plan.
func publishedWrites(reads Rate) Rate {
	for _, plan := range plans.All() {
		r, w := plan.Groups[plans.OrganizationConnectionsRead], plan.Groups[plans.OrganizationConnectionsWrite]
		sameBurst := r.Burst > 0 && float64(r.Burst) == reads.Burst
		if sameBurst && math.Abs(reads.RefillPerS/r.Rate()-1) <= refillTolerance {
			return Rate{Burst: float64(w.Burst), RefillPerS: w.Rate()}
		}
	}
	return Rate{}
}
