package batch

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// linksOf reads links from a word each: "a" is an enabled connection, "a-" one
// that is switched off, "a~" one that is hidden from the login page.
func linksOf(words string) []apiclient.Link {
	var links []apiclient.Link
	no := false
	for _, word := range strings.Fields(words) {
		link := apiclient.Link{ConnectionID: strings.TrimRight(word, "-~")}
		if strings.HasSuffix(word, "-") {
			link.IsEnabled = &no
		}
		if strings.HasSuffix(word, "~") {
			link.ShowAsButton = &no
		}
		links = append(links, link)
	}
	return links
}

func rowsOf(words string) []*row {
	var rows []*row
	for i, id := range strings.Fields(words) {
		rows = append(rows, &row{Row: list.Row{Line: i + 2, ConnectionID: id}})
	}
	return rows
}

func TestDecide(t *testing.T) {
	cases := []struct {
		name, rows, links string
		lockout           bool
		want              string // an outcome for each row, "-" is to be disabled, "!" a warning
	}{
		{"one of two", "a", "a b", false, "-"},
		{"not there", "a c", "a b", false, "- already_disabled"},
		{"the last of the list is blocked", "a b", "a b", false, "- blocked"},
		{"the last in input order", "b a", "a b", false, "- blocked"},
		{"the only one", "a", "a", false, "blocked"},
		{"allowed", "a b", "a b", true, "- -!"},
		{"off is left alone", "a", "a- b", false, "already_disabled"},
		{"off is no way in", "a", "a b-", false, "blocked"},
		{"only hidden ones left", "a", "a b~", false, "-!"},
		{"hidden and shown left", "a", "a b~ c", false, "-"},
		{"the blocked one is hidden", "a b", "a b~", false, "-! blocked"},
		{"nothing enabled", "a b", "", false, "already_disabled already_disabled"},
		{"nothing to do, all hidden", "c", "a~", false, "already_disabled"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			rows := rowsOf(c.rows)
			disabling{allowLockout: c.lockout}.decide(rows, apiclient.NewerFamily, byID(linksOf(c.links)))
			for _, d := range rows {
				word := string(d.outcome)
				if word == "" {
					word = "-"
				}
				if d.message == messageHidden || d.message == messageLockedOut {
					word += "!"
				}
				got = append(got, word)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

// Whatever is listed, an organization that has a way in keeps one, no row is
// blocked without need, and what is to be disabled has its snapshot.
func TestDecideNeverLocksOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.IntRange(0, 9), 1, 10, rapid.ID[int]).Draw(t, "listed")
		var rows []*row
		for i, id := range ids {
			rows = append(rows, &row{Row: list.Row{Line: i + 2, ConnectionID: fmt.Sprint(id)}})
		}
		var links []apiclient.Link
		waysIn := map[string]bool{}
		for _, id := range rapid.SliceOfNDistinct(rapid.IntRange(0, 9), 0, 10, rapid.ID[int]).Draw(t, "linked") {
			on := rapid.Bool().Draw(t, "on")
			links = append(links, apiclient.Link{ConnectionID: fmt.Sprint(id), IsEnabled: &on})
			if on {
				waysIn[fmt.Sprint(id)] = true
			}
		}
		before, blocked := len(waysIn), 0
		disabling{}.decide(rows, apiclient.NewerFamily, byID(links))
		for _, row := range rows {
			switch row.outcome {
			case "":
				if !waysIn[row.ConnectionID] || row.link == nil {
					t.Fatalf("%s is to be disabled, but is no way in or has no snapshot", row.ConnectionID)
				}
				delete(waysIn, row.ConnectionID)
			case journal.Blocked:
				blocked++
			}
		}
		if before > 0 && len(waysIn) == 0 {
			t.Fatal("locked out")
		}
		if blocked > 0 && len(waysIn) != 1 {
			t.Fatalf("%d blocked although %d ways in are left", blocked, len(waysIn))
		}
	})
}

// A row that waits for its permit is not sent if another row's new check has blocked
// it meanwhile.
func TestBeginGoesByTheLastCheck(t *testing.T) {
	o := &organization{rows: rowsOf("a b")}
	check(o, disabling{}, linksOf("a b c"))
	check(o, disabling{}, linksOf("b")) // a and c are gone by now
	if o.claim(o.rows[1]) {
		t.Error("row b is sent, though it is the last way in by now")
	}
}

// While a machine is suspended, only the wall clock goes on; when the wall clock is
// set back, only the monotonic clock tells. In both cases an old check is not acted on.
func TestCheckIsOldByEitherClock(t *testing.T) {
	// The fields of time.Time, which its methods only change together.
	type clocks struct {
		wall      uint64 // seconds from bit 30 on
		monotonic int64  // nanoseconds
	}
	for name, turnBack := range map[string]func(*clocks){
		"suspended": func(c *clocks) { c.wall -= uint64(checkAge/time.Second) << 30 },
		"set back":  func(c *clocks) { c.monotonic -= int64(checkAge) },
	} {
		o, w := new(organization), &row{checkedAt: time.Now()}
		if !o.fresh(w) {
			t.Fatal("a new check is old")
		}
		turnBack((*clocks)(unsafe.Pointer(&w.checkedAt)))
		now := time.Now()
		byWall, byMonotonic := now.Round(0).Sub(w.checkedAt.Round(0)), now.Sub(w.checkedAt)
		if old := max(byWall, byMonotonic); old < checkAge || old > checkAge+time.Minute || min(byWall, byMonotonic) > time.Minute {
			t.Fatalf("%s: the clocks say %s and %s: is time.Time another struct by now?", name, byWall, byMonotonic)
		}
		if o.fresh(w) {
			t.Errorf("%s: an old check counts as recent", name)
		}
	}
}

// What is said of rows that were off before is not said of one that this run disabled.
func TestRemarkIsForItsOutcome(t *testing.T) {
	o := &organization{rows: rowsOf("a b")}
	o.rows[0].maybeDone = true
	r := &Run{action: disabling{}}
	r.proof.Store(new(false))
	if err := r.doubt(o, check(o, r.action, nil)); err != nil {
		t.Fatal(err)
	}
	if a, b := o.conclude(o.rows[0], true), o.conclude(o.rows[1], true); a.Message != messageEarlier || b.Message != messageUnconfirmed {
		t.Errorf("row a is %q: %q, row b is %q: %q", a.Outcome, a.Message, b.Outcome, b.Message)
	}
}

// One warning does not hide another.
func TestWarningsAddUp(t *testing.T) {
	rows := rowsOf("a")
	row := rows[0]
	row.login.err = errors.New("no log")
	link := linksOf("a")[0]
	link.Unknown = map[string]json.RawMessage{"new_setting": nil}
	disabling{}.decide(rows, apiclient.NewerFamily, byID([]apiclient.Link{link, linksOf("b")[0]}))
	if want := messageNoLog + "no log; " + messageUnknown + `"new_setting"`; row.message != want {
		t.Errorf("got %q, want %q", row.message, want)
	}
}

// A row that was not sent, as its check grew too old, is decided by the next check.
func TestStaleRowIsDecidedAgain(t *testing.T) {
	o := &organization{rows: rowsOf("a")}
	check(o, disabling{}, linksOf("a b"))
	if !o.claim(o.rows[0]) {
		t.Fatal("a new check is not acted on")
	}
	age(o.rows[0])
	if o.keepClaim(o.rows[0], false) {
		t.Error("an old check is acted on")
	}
	check(o, disabling{}, linksOf("a")) // b is gone by now
	if d := o.conclude(o.rows[0], true); d.Outcome != journal.Blocked || o.claim(o.rows[0]) {
		t.Errorf("row a is %q, though it is the last way in by now", d.Outcome)
	}
}

// A check decides the rows whose calls are not on their way. Of the others it says nothing,
// so their checks stay as old as they are.
func TestCheckIsYoungForItsRowsOnly(t *testing.T) {
	o := &organization{rows: rowsOf("a b")}
	check(o, disabling{}, linksOf("a b c"))
	a, b := o.rows[0], o.rows[1]
	if !o.claim(a) || !o.claim(b) {
		t.Fatal("a new check is not acted on")
	}
	age(a)
	age(b)
	if o.keepClaim(b, false) {
		t.Fatal("an old check is acted on")
	}
	check(o, disabling{}, linksOf("a b c")) // for b
	if !o.freshlyChecked(b) || o.freshlyChecked(a) || o.keepClaim(a, false) {
		t.Error("row a is sent on a check that was made for row b")
	}
	check(o, disabling{}, linksOf("a")) // for a: b and c are gone by now
	if d := o.conclude(a, true); d.Outcome != journal.Blocked {
		t.Errorf("row a is %q, though it is the last way in by now", d.Outcome)
	}
}

// A row whose call was on its way while the organization was read is not decided by that
// read: the call may have taken effect after it. Nor is one whose call goes out meanwhile.
func TestCheckLeavesCallsDuringItsReadAlone(t *testing.T) {
	for name, begin := range map[string]func(o *organization, a *row){
		"begun before the read": func(o *organization, a *row) { o.claim(a); o.beginCheck() },
		"begun during the read": func(o *organization, a *row) { o.beginCheck(); o.claim(a) },
	} {
		o := &organization{rows: rowsOf("a b")}
		check(o, disabling{}, linksOf("a b c"))
		a, b := o.rows[0], o.rows[1]
		old := a.login
		age(b)
		begin(o, a)
		age(a)
		if o.keepClaim(a, true) {
			t.Fatal("an old check is acted on")
		}
		logins := map[*row]login{a: {asked: true}, b: {asked: true}}
		o.decide(disabling{}, apiclient.NewerFamily, findings{linksOf("a b"), logins, time.Now()}) // c is gone by now
		if d := o.conclude(a, true); d.Outcome != "" || o.claim(a) || a.login != old {
			t.Errorf("%s: row a is decided by a read from before its lost call: %q", name, d.Outcome)
		}
		if d := o.conclude(b, true); d.Outcome != journal.Blocked || !b.login.asked {
			t.Errorf("%s: row b is %q, though a may be gone", name, d.Outcome)
		}
	}
}

// check decides an organization's rows by its links, as they are now.
func check(o *organization, a action, links []apiclient.Link) []*row {
	o.beginCheck()
	return o.decide(a, apiclient.NewerFamily, findings{links: links, at: time.Now()})
}

// age makes a row's check too old to act on.
func age(w *row) { w.checkedAt = w.checkedAt.Add(-checkAge) }

// A check that is repeated while another row's call is on its way counts that
// row's connection as gone: two rows never take an organization's last two
// ways in.
func TestCheckKnowsCallsOnTheirWay(t *testing.T) {
	o := &organization{rows: rowsOf("a b")}
	check(o, disabling{}, linksOf("a b c"))
	o.claim(o.rows[0])
	check(o, disabling{}, linksOf("a b")) // c is gone by now
	if d := o.conclude(o.rows[1], true); d.Outcome != journal.Blocked {
		t.Errorf("row b is %q while the call for a is on its way, and c is gone", d.Outcome)
	}
	if d := o.conclude(o.rows[0], true); d.Outcome != "" {
		t.Errorf("row a, whose call is on its way, is %q", d.Outcome)
	}
}
