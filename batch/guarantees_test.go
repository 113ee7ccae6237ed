package batch

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/reports"
)

// isOpen says whether the journal has a row that is to be tried again. Without
// a check, a 404 after a lost answer tells nothing, however often it comes.
func (s *scenario) isOpen() bool {
	history, err := Replay(journal.NewReader(bytes.NewReader(s.disk.content)).Entries())
	s.must(err)
	for _, line := range s.lines {
		switch history.row(line).outcome {
		case journal.NotAttempted, journal.Failed:
			return true
		case journal.Unknown:
			if !s.settings.NoCheck {
				return true
			}
		}
	}
	return false
}

// outcomes are the rows' outcomes as the report has them, by line. A line that
// is missing or there twice breaks the promise.
func (s *scenario) outcomes() map[int]journal.Outcome {
	s.must(os.WriteFile(filepath.Join(s.dir, "journal.jsonl"), s.disk.content, 0o644))
	_, err := reports.Make(context.Background(), s.dir, nil)
	s.must(err)
	outcomes := map[int]journal.Outcome{}
	for i, line := range strings.Split(strings.TrimSpace(s.read("results.csv")), "\n")[1:] {
		cells := strings.Split(line, ",")
		if cells[0] != fmt.Sprint(i+2) {
			s.t.Fatalf("line %d of the results is of row %s", i+2, cells[0])
		}
		outcomes[i+2] = journal.Outcome(cells[3])
	}
	if len(outcomes) != len(s.rows) {
		s.t.Fatalf("%d lines of results for %d rows", len(outcomes), len(s.rows))
	}
	return outcomes
}

// read reads a file of the run directory.
func (s *scenario) read(name string) string {
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	s.must(err)
	return string(text)
}

// checkReports checks that reports made twice are the same.
func (s *scenario) checkReports() {
	s.must(os.WriteFile(filepath.Join(s.dir, "journal.jsonl"), s.disk.content, 0o644))
	var made [2]string
	for i := range made {
		_, err := reports.Make(context.Background(), s.dir, nil)
		s.must(err)
		made[i] = s.read("results.csv") + s.read("summary.json")
	}
	if made[0] != made[1] {
		s.t.Error("reports that were made twice differ")
	}
}

// checkDisabled holds the outcomes against the tenant.
func (s *scenario) checkDisabled() {
	outcomes := s.outcomes()
	exists := s.tenant.Organizations()
	for p, line := range s.lines {
		outcome, on := outcomes[line], s.enabled(p)
		var wrong bool
		switch outcome {
		case journal.Disabled:
			wrong = on || !s.had[p] && !s.settings.NoCheck
		case journal.AlreadyDisabled:
			wrong = on || s.had[p]
		case journal.Blocked:
			wrong = !on || s.settings.AllowLockout || s.settings.NoCheck
		case journal.NotFound:
			// Without a check a 404 is believed, be it a gateway's.
			wrong = !s.settings.NoCheck && (on || slices.Contains(exists, p.OrganizationID))
		case journal.Unknown:
			wrong = on || !s.settings.NoCheck
		default:
			wrong = true
		}
		if wrong {
			s.t.Errorf("line %d, %v: outcome %s, enabled before %t, now %t", line, p, outcome, s.had[p], on)
		}
	}
	s.checkUntouched()
}

// checkUntouched checks that nothing was done that the list does not say, and
// that nobody was locked out.
func (s *scenario) checkUntouched() {
	for org, before := range s.before {
		after := s.links()[org]
		if !s.settings.AllowLockout && !s.settings.NoCheck && hasWayIn(before) && !hasWayIn(after) {
			s.t.Errorf("%s was locked out: %s, now %s", org, before, after)
		}
		for _, link := range strings.Fields(strings.Trim(before, "[]")) {
			if id := strings.Trim(link, "{"); strings.HasPrefix(id, "con_") && !strings.Contains(after, id) {
				if _, listed := s.lines[simulator.Pair{OrganizationID: org, ConnectionID: id}]; !listed {
					s.t.Errorf("%s lost %s, which no row of the list asks for", org, id)
				}
			}
		}
	}
}

// hasWayIn says whether one of the links is not switched off; see links.
func hasWayIn(links string) bool {
	for _, link := range strings.Split(links, "} {") {
		if fields := strings.Fields(strings.Trim(link, "[{}]")); len(fields) >= 5 && fields[4] == "false" {
			return true
		}
	}
	return false
}

// checkRestored checks that everything is as it was before. Without a check
// the settings are not known, nor what was off before.
func (s *scenario) checkEnabled() {
	outcomes := s.outcomes()
	exists := s.tenant.Organizations()
	for p, line := range s.lines {
		outcome, on := outcomes[line], s.enabled(p)
		var wrong bool
		switch outcome {
		case journal.Enabled:
			wrong = !on || s.had[p]
		case journal.AlreadyEnabled:
			wrong = !on || !s.had[p]
		case journal.NotFound:
			wrong = slices.Contains(exists, p.OrganizationID)
		default:
			wrong = true
		}
		if wrong {
			s.t.Errorf("line %d, %v: outcome %s, enabled before %t, now %t", line, p, outcome, s.had[p], on)
		}
	}
}

func (s *scenario) checkRestored(unchecked bool) {
	if unchecked {
		for p := range s.had {
			if !s.enabled(p) {
				s.t.Errorf("%v was not restored", p)
			}
		}
		return
	}
	for line, outcome := range s.outcomes() {
		if outcome != journal.Restored && outcome != journal.NotSelected {
			s.t.Errorf("line %d is %s, though nobody else restored it", line, outcome)
		}
	}
	after := s.links()
	for org, before := range s.before {
		if after[org] != before {
			s.t.Errorf("%s was %s and is %s", org, before, after[org])
		}
	}
}
