package reports

import (
	"fmt"
	"hash/maphash"
	"regexp"
	"slices"
	"strings"

	"github.com/orgconn/orgconn/batch/journal"
)

const (
	maxReasons       = 40     // of all topics; further ones are counted together
	maxCounted       = 50_000 // organizations that are told apart, over all reasons
	maxOrganizations = 50     // that are named for a reason
)

// topic is what rows need attention for.
type topic struct {
	outcome journal.Outcome
	drifted bool // otherwise than announced
	remark  bool // as wanted, but something is to be said
}

// reason is why rows of a topic need attention.
type reason struct {
	topic         topic
	Text          string
	Rows          int
	Organizations int
	More          bool // there are more organizations than were told apart
	Named         []string
}

// reasons groups the rows that need attention.
type reasons struct {
	unfinished bool // rows that were not attempted are still to do
	announced  bool
	all        map[reasonKey]*reason
	seed       maphash.Seed
	affected   map[affected]struct{}
	last       struct{ message, text string }
}

type reasonKey struct {
	topic topic
	text  string
}

type affected struct {
	reason *reason
	org    uint64 // a hash
}

func newReasons(unfinished, announced bool) *reasons {
	return &reasons{unfinished: unfinished, announced: announced, all: make(map[reasonKey]*reason),
		seed: maphash.MakeSeed(), affected: make(map[affected]struct{})}
}

// add counts a row, and says whether it needs attention, and whether so much that
// it goes before others.
func (rs *reasons) add(r row) (attention, urgent bool) {
	switch {
	case r.Outcome.Failed(false):
		attention, urgent = true, true
		rs.count(topic{outcome: r.Outcome}, r)
	case !r.Outcome.Decided():
		attention = rs.unfinished
		if attention {
			rs.count(topic{outcome: r.Outcome}, r)
		}
	case r.Message != "" && r.Outcome != journal.Duplicate && r.Outcome != journal.NotSelected:
		attention = true
		rs.count(topic{outcome: r.Outcome, remark: true}, r)
	}
	if rs.announced && r.Outcome.Drifted() {
		attention, urgent = true, true
		rs.count(topic{outcome: r.Outcome, drifted: true}, r)
	}
	return attention, urgent
}

// count adds a row to the rows of its reason.
func (rs *reasons) count(t topic, r row) {
	key := reasonKey{topic: t, text: rs.text(r)}
	if t.drifted {
		key.text = "came out as " + words(r.Outcome)
	}
	if rs.all[key] == nil && len(rs.all) >= maxReasons {
		key.text = "other reasons"
	}
	at := rs.all[key]
	if at == nil {
		at = &reason{topic: t, Text: key.text}
		rs.all[key] = at
	}
	at.Rows++
	rs.affect(at, r.OrgID)
}

// affect counts the organization if it is a new one for the reason.
func (rs *reasons) affect(at *reason, org string) {
	if org == "" {
		return
	}
	key := affected{at, maphash.String(rs.seed, org)}
	if _, ok := rs.affected[key]; ok {
		return
	}
	if len(rs.affected) >= maxCounted {
		at.More = true
		return
	}
	rs.affected[key] = struct{}{}
	at.Organizations++
	if len(at.Named) < maxOrganizations {
		at.Named = append(at.Named, excerpt(org, cellLength))
	}
}

// What differs between rows of one reason: ids, and the cell that is quoted where
// the list itself was found unusable, or a name unknown.
var (
	ids    = regexp.MustCompile(`\b(org|con)_[0-9A-Za-z]+|\b[0-9A-Fa-f][0-9A-Fa-f-]{15,}\b`)
	quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// text is a row's reason without what differs from row to row.
func (rs *reasons) text(r row) string {
	if r.Message == "" || r.Message != rs.last.message {
		rs.last.message, rs.last.text = r.Message, reasonText(r)
	}
	return rs.last.text
}

func reasonText(r row) string {
	text := r.Message
	if r.Outcome == journal.Invalid || r.Outcome == journal.NotFound {
		text = quoted.ReplaceAllString(text, "…")
	} else {
		text = ids.ReplaceAllString(text, "…")
	}
	if text != "" {
		return excerpt(text, textLength)
	}
	c := r.Call
	switch {
	case c == nil:
		return meaning(r.Outcome, "")
	case c.Status == 0:
		return "no answer came"
	case c.ErrorCode == "":
		return fmt.Sprintf("status %d", c.Status)
	}
	return excerpt(fmt.Sprintf("status %d: %s", c.Status, c.ErrorCode), textLength)
}

// of returns the reasons of a topic, those with most rows first.
func (rs *reasons) of(t func(topic) bool) (found []*reason) {
	for key, r := range rs.all {
		if t(key.topic) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *reason) int {
		if a.Rows != b.Rows {
			return b.Rows - a.Rows
		}
		return strings.Compare(a.Text, b.Text)
	})
	return found
}

// Count is the number of organizations affected, in words.
func (r *reason) Count() string {
	if r.More {
		return "more than " + Counted(r.Organizations, "organization")
	}
	return Counted(r.Organizations, "organization")
}

// Unnamed is how many of the organizations are not named; -1 where nobody counted.
func (r *reason) Unnamed() int { return r.Organizations - len(r.Named) }

// words is an outcome as people say it.
func words(outcome journal.Outcome) string { return strings.ReplaceAll(string(outcome), "_", " ") }
