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

// Summary is summary.json. Its figures add up over all sittings of the run.
type Summary struct {
	Command    string     `json:"command"`
	DryRun     bool       `json:"dry_run"`
	Tenant     string     `json:"tenant"`
	Version    string     `json:"version"`
	Note       string     `json:"note,omitempty"`
	RunDir     string     `json:"run_dir"` // absolute
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at"` // nil: the run goes on or was killed
	DurationS  float64    `json:"duration_s"`  // seconds at work
	ExitCode   *int       `json:"exit_code"`   // nil as FinishedAt
	Reason     string     `json:"reason"`      // why it stopped before its end
	Input      Input      `json:"input"`
	// Outcomes counts rows; an outcome that no row has is left out.
	Outcomes map[journal.Outcome]int `json:"outcomes"`
	// Drifted is how many rows came out otherwise than a dry run announced.
	Drifted int `json:"drifted"`
	// NeverSeenConnections are ids of the list that no organization read had,
	// those with most rows first, at most 100 of NeverSeenTotal.
	NeverSeenConnections []string `json:"never_seen_connections"`
	NeverSeenTotal       int      `json:"-"`
	// Allowed are the --allow-... flags that were given.
	Allowed  []string      `json:"-"`
	Calls    journal.Calls `json:"calls"`
	Rate     Rates         `json:"rate"`
	RowsPerS float64       `json:"rows_per_s"` // rows decided by calls, per second at work
}

// Input is the list.
type Input struct {
	Path          string `json:"path"` // as it was given; "-" is standard input
	SHA256        string `json:"sha256"`
	Rows          int    `json:"rows"`
	Organizations int    `json:"organizations"` // with a row to work on
}

// Rates tells whether a run was as fast as the tenant allows.
type Rates struct {
	Reads  Rate `json:"reads"`
	Writes Rate `json:"writes"`
}

// Rate is what was measured of one token bucket; 0 is not known.
type Rate struct {
	Burst      float64 `json:"burst"`        // tokens
	RefillPerS float64 `json:"refill_per_s"` // tokens per second
	OthersPerS float64 `json:"others_per_s"` // tokens per second that others took
	// IdealS is how long the calls take at best, alone on a full bucket;
	// ActualS how long they took, both in seconds.
	IdealS  float64 `json:"ideal_s"`
	ActualS float64 `json:"actual_s"`
}

// rowCounts counts rows.
type rowCounts struct {
	announced bool // by a dry run, whose results file the list is
	outcomes  map[journal.Outcome]int
	decided   int // by calls
	drifted   int
	unseen    *unseen // nil where nothing was read
}

func newRowCounts(run journal.Header, l *list.List) *rowCounts {
	c := &rowCounts{announced: l.Announced(), outcomes: make(map[journal.Outcome]int)}
	if !run.Settings.NoCheck {
		c.unseen = newUnseen(l.Connections())
	}
	return c
}

func (c *rowCounts) add(r row) {
	c.outcomes[r.Outcome]++
	if !r.FinishedAt.IsZero() {
		c.decided++
	}
	if c.announced && r.Outcome.Drifted() {
		c.drifted++
	}
	if c.unseen == nil {
		return
	}
	switch {
	case r.Snapshot != nil:
		c.unseen.saw(r.ConnectionID)
	case r.Outcome == journal.AlreadyDisabled:
		c.unseen.missed(r.ConnectionID)
	}
}

// neverSeen returns the connections that no organization had, and how many they
// are; none where nothing was read.
func (c *rowCounts) neverSeen(ix *index) (ids []string, total int) {
	if c.unseen == nil {
		return []string{}, 0
	}
	for _, id := range ix.seen {
		c.unseen.saw(id)
	}
	return c.unseen.never()
}

// summarize makes the summary once all rows are counted.
func summarize(dir string, ix *index, l *list.List, rows *rowCounts) *Summary {
	counts := l.Counts()
	s := &Summary{
		Command:  ix.header.Command,
		DryRun:   ix.header.Settings.DryRun,
		Tenant:   ix.header.Tenant,
		Version:  ix.header.Version,
		Note:     ix.header.Note,
		RunDir:   dir,
		Input:    Input{ix.header.Input.Path, ix.header.Input.SHA256, counts.Rows, counts.Organizations},
		Outcomes: rows.outcomes,
		Drifted:  rows.drifted,
		Allowed:  allowed(ix.header.Settings),
	}
	for _, sitting := range ix.sittings {
		s.add(sitting)
	}
	s.addEnds(ix.sittings[0], ix.sittings[len(ix.sittings)-1])
	if s.DurationS > 0 {
		s.RowsPerS = round(float64(rows.decided) / s.DurationS)
	}
	s.NeverSeenConnections, s.NeverSeenTotal = rows.neverSeen(ix)
	return s
}

func allowed(s journal.Settings) (flags []string) {
	if s.AllowLockout {
		flags = append(flags, "--allow-lockout")
	}
	if s.AllowDefaults {
		flags = append(flags, "--allow-defaults")
	}
	return flags
}

// count counts the rows with the outcomes that are wanted.
func (s *Summary) count(wanted func(journal.Outcome) bool) (rows int) {
	for outcome, n := range s.Outcomes {
		if wanted(outcome) {
			rows += n
		}
	}
	return rows
}

// announced is how many rows a dry run would change.
func (s *Summary) announced() int { return s.count(journal.Outcome.Announced) }

// Proposed is the command line that does what a dry run announced, whose results
// file is given.
func (s *Summary) Proposed(results string) string {
	words := slices.Concat([]string{"orgconn", s.Command}, s.Allowed, []string{ShellWord(results)})
	return strings.Join(words, " ")
}

// add adds a sitting's figures.
func (s *Summary) add(sitting sitting) {
	s.DurationS = round(s.DurationS + sitting.worked().Seconds())
	s.Calls = s.Calls.Plus(sitting.calls())
	headroom := sitting.header.Settings.Headroom
	s.Rate.Reads.add(sitting.sample.Reads, headroom)
	s.Rate.Writes.add(sitting.sample.Writes, headroom)
}

// addEnds adds when the run began, and how it ended if it did.
func (s *Summary) addEnds(first, last sitting) {
	s.StartedAt = first.started.UTC().Truncate(time.Millisecond)
	if last.end == nil {
		return
	}
	finished := last.last.UTC().Truncate(time.Millisecond)
	s.FinishedAt = &finished
	s.ExitCode = &last.end.ExitCode
	s.Reason = last.end.Reason
}

// add adds a sitting's calls; of the bucket, what was learned last is kept.
func (r *Rate) add(b journal.Bucket, headroom float64) {
	if b.Refill > 0 {
		r.Burst, r.RefillPerS, r.OthersPerS = b.Burst, b.Refill, round(b.Others)
		ideal := (float64(b.Sent) - (1-headroom)*b.Burst) / b.Refill
		r.IdealS = round(r.IdealS + max(0, ideal))
	}
	r.ActualS = round(r.ActualS + b.ActiveS)
}

// round keeps three decimals.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }

// Expected is how long a run takes that reads so many organizations and makes so
// many writes; 0 where nobody can tell. A dry run has measured reads only, so
// that the writes' limit is taken from Auth0's published plans.
func (r Rates) Expected(organizations, writes int) time.Duration {
	reads, write := r.Reads, r.Writes
	if write.RefillPerS == 0 {
		write = publishedWrites(reads)
	}
	if write.RefillPerS == 0 {
		return 0
	}
	return max(timeFor(organizations, reads), timeFor(writes, write))
}

// timeFor is how long so many calls take on a full bucket.
func timeFor(calls int, rate Rate) time.Duration {
	if rate.RefillPerS == 0 {
		return 0
	}
	seconds := (float64(calls) - rate.Burst) / rate.RefillPerS
	return time.Duration(max(1, math.Ceil(seconds)) * float64(time.Second))
}

// alike is how far a measured refill rate may be from the published one.
const alike = 0.1

// publishedWrites is the limit on writes of the plan that has this limit on
// reads; zero where no plan has it.
func publishedWrites(reads Rate) Rate {
	for _, plan := range plans.All() {
		r, w := plan.Groups[plans.OrganizationConnectionsRead], plan.Groups[plans.OrganizationConnectionsWrite]
		if r.Burst == 0 || float64(r.Burst) != reads.Burst || math.Abs(reads.RefillPerS/r.Rate()-1) > alike {
			continue
		}
		return Rate{Burst: float64(w.Burst), RefillPerS: w.Rate()}
	}
	return Rate{}
}
