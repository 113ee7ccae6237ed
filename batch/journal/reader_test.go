package journal

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgconn/orgconn/apiclient"
)

// readAll returns the records of a journal that must be readable.
func readAll(t testing.TB, journal []byte) []Entry {
	t.Helper()
	entries, _, err := read(journal)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func read(journal []byte) (entries []Entry, tail Tail, err error) {
	r := NewReader(bytes.NewReader(journal))
	for e, err := range r.Entries() {
		if err != nil {
			return entries, Tail{}, err
		}
		entries = append(entries, e)
	}
	return entries, r.Tail(), nil
}

// journalOf writes the header and then batches of the given numbers of records. It
// returns the journal and where each batch starts. It needs a synctest bubble.
func journalOf(t testing.TB, batches ...int) (journal []byte, starts []int) {
	t.Helper()
	var d disk
	w := create(t, &d)
	line := 2
	for _, n := range batches {
		starts = append(starts, len(d.synced()))
		for range n {
			if err := w.Append(outcomeOf(line)); err != nil {
				t.Fatal(err)
			}
			line++
		}
		time.Sleep(2 * maxDelay)
		synctest.Wait()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return d.synced(), starts
}

func TestRecordsAreReadAsWritten(t *testing.T) {
	records := rapid.SliceOfN(genRecord(), 0, 20)
	rapid.Check(t, func(rt *rapid.T) {
		var d disk
		want := append([]Record{firstRecord()}, records.Draw(rt, "records")...)
		w := create(t, &d)
		for i, rec := range want[1:] {
			var err error
			if i%3 == 0 {
				err = w.Commit(t.Context(), rec)
			} else {
				err = w.Append(rec)
			}
			if err != nil {
				rt.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			rt.Fatal(err)
		}
		for i, e := range readAll(t, d.synced()) {
			if diff := cmp.Diff(want[i], e.Record); diff != "" {
				rt.Fatalf("record %d (-written +read):\n%s", i, diff)
			}
			again, err := ReadAt(bytes.NewReader(d.synced()), e.Offset, e.Length)
			if diff := cmp.Diff(want[i], again); diff != "" || err != nil {
				rt.Fatalf("record %d read by ReadAt: %v\n%s", i, err, diff)
			}
			want[i].At = time.Time{}
		}
		for i, rec := range want {
			if !rec.At.IsZero() {
				rt.Fatalf("record %d of %d was not read", i, len(want))
			}
		}
	})
}

func genRecord() *rapid.Generator[Record] {
	setting := rapid.Ptr(rapid.Bool(), true)
	connection := rapid.Ptr(rapid.Custom(func(t *rapid.T) Snapshot {
		return Snapshot{
			Name: rapid.String().Draw(t, "name"),
			LinkSettings: apiclient.LinkSettings{
				AssignMembershipOnLogin: setting.Draw(t, "assign"),
				ShowAsButton:            setting.Draw(t, "button"),
				IsSignupEnabled:         setting.Draw(t, "signup"),
			},
		}
	}), true)
	return rapid.Custom(func(t *rapid.T) Record {
		rec := Record{At: time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "at")).UTC()}
		line := rapid.IntRange(2, 1<<30).Draw(t, "line")
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			rec.Intent = &Intent{Line: line, Snapshot: connection.Draw(t, "snapshot")}
		case 1:
			rec.Outcome = &RowOutcome{Line: line, Outcome: Failed, Message: rapid.String().Draw(t, "message"),
				Call: &Call{Status: 400, Attempts: 1}, Snapshot: connection.Draw(t, "connection")}
		case 2:
			rec.Seen = &Seen{Connections: rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "connections")}
		case 3:
			rec.Organization = &Organization{ID: "org_1", WaysIn: rapid.IntRange(0, 1000).Draw(t, "ways in")}
		}
		return rec
	})
}

// A crash may cut the last batch anywhere.
func TestCutJournalKeepsItsWholeRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, _ := journalOf(t, 3, 4)
		whole := readAll(t, journal)
		for cut := whole[1].Offset; cut <= int64(len(journal)); cut++ {
			entries, tail, err := read(journal[:cut])
			if err != nil {
				t.Fatalf("cut at byte %d: %v", cut, err)
			}
			var end int64
			for i, e := range entries {
				if diff := cmp.Diff(whole[i], e); diff != "" {
					t.Fatalf("cut at byte %d:\n%s", cut, diff)
				}
				end = e.Offset + int64(e.Length)
			}
			if want := (Tail{end, cut - end}); tail != want {
				t.Fatalf("cut at byte %d: tail %v, want %v", cut, tail, want)
			}
			if len(entries) < len(whole) && whole[len(entries)].Offset+int64(whole[len(entries)].Length) <= cut {
				t.Fatalf("cut at byte %d: a whole record was not read", cut)
			}
		}
	})
}

// A crash can garble any part of a batch that was not synced. Whatever happens to
// the last batch is therefore a tail. In an earlier batch the same is damage, and
// the error says where.
func TestDamageOfSyncedRecordsIsReported(t *testing.T) {
	damages := map[string]func(part []byte){
		"zeros":        func(part []byte) { clear(part) },
		"one bit":      func(part []byte) { part[len(part)/2] ^= 4 },
		"newlines":     func(part []byte) { copy(part, strings.Repeat("\n", len(part))) },
		"old contents": func(part []byte) { copy(part, strings.Repeat(`{"crc":"00000000","at":1}`, len(part))) },
	}
	for name, harm := range damages {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				journal, _ := journalOf(t, 3, 3, 3)
				whole := readAll(t, journal)
				for i, e := range whole {
					torn := bytes.Clone(journal)
					harm(torn[e.Offset+5 : e.Offset+int64(e.Length)-5])
					entries, tail, err := read(torn)
					if len(entries) != i {
						t.Errorf("record %d: %d records read", i, len(entries))
					}
					var damaged *DamageError
					switch inLastBatch := i > 6; {
					case inLastBatch && (err != nil || tail.Offset != e.Offset || tail.Length != int64(len(torn))-e.Offset):
						t.Errorf("record %d: tail %+v, error %v", i, tail, err)
					case !inLastBatch && !errors.As(err, &damaged):
						t.Errorf("record %d: tail %+v, error %v, want damage", i, tail, err)
					case !inLastBatch && (damaged.Line != i+1 || damaged.Offset != e.Offset):
						t.Errorf("record %d: %v, want line %d, byte %d", i, err, i+1, e.Offset)
					}
				}
			})
		})
	}
}

// A run that came to its end has an End, which says that all before it is on disk.
func TestDamageBeforeAnEndIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d disk
		w := create(t, &d)
		if err := w.Append(outcomeOf(2)); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(t.Context(), Record{End: &End{}}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		journal := d.synced()
		outcome := readAll(t, journal)[1]
		journal[outcome.Offset+int64(outcome.Length)/2] ^= 4
		_, tail, err := read(journal)
		if damaged, ok := errors.AsType[*DamageError](err); !ok || damaged.Offset != outcome.Offset {
			t.Errorf("tail %+v, error %v, want damage at byte %d", tail, err, outcome.Offset)
		}
	})
}

func TestMissingRecordIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, _ := journalOf(t, 3, 3)
		e := readAll(t, journal)[2]
		cut := append(bytes.Clone(journal[:e.Offset]), journal[e.Offset+int64(e.Length):]...)
		_, _, err := read(cut)
		var damaged *DamageError
		if !errors.As(err, &damaged) || damaged.Line != 4 {
			t.Errorf("got %v, want damage at the next batch, line 4", err)
		}
	})
}

func TestGarbageLongerThanALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		journal, starts := journalOf(t, 2, 2)
		long := bytes.Repeat([]byte("x"), 3*maxLine)
		entries, tail, err := read(append(bytes.Clone(journal), long...))
		if err != nil || len(entries) != 5 || tail != (Tail{int64(len(journal)), int64(len(long))}) {
			t.Errorf("%d records, tail %+v, error %v", len(entries), tail, err)
		}
		inside := append(bytes.Clone(journal[:starts[1]]), append(long, '\n')...)
		inside = appendLine(inside, []byte(`{"at":"2026-01-02T03:04:05Z"}`), int64(starts[1])+10)
		var damaged *DamageError
		if _, _, err := read(inside); !errors.As(err, &damaged) || damaged.Line != 4 {
			t.Errorf("got %v, want damage in line 4", err)
		}
	})
}

func TestOtherFilesAreRefused(t *testing.T) {
	line := func(body string) string { return string(appendLine(nil, []byte(body), 0)) }
	for name, tc := range map[string]struct{ journal, want string }{
		"empty":         {"", "no valid first record"},
		"not a journal": {"org_id,connection_id\n", "no valid first record"},
		"no header":     {line(`{"at":"2026-01-02T03:04:05Z","outcome":{"line":2,"outcome":"disabled"}}`), "damaged at line 1 (byte 0): its first record is not a header"},
		"other format":  {line(`{"at":"2026-01-02T03:04:05Z","run":{"format":2}}`), "format 2"},
		"cut header":    {line(`{"at":"2026-01-02T03:04:05Z","run":{"format":1}}`)[:40], "no valid first record"},
		"not an object": {line(`{"at":"2026-01-02T03:04:05Z","run":"x"}`), "not a record"},
	} {
		entries, _, err := read([]byte(tc.journal))
		if err == nil || !strings.Contains(err.Error(), tc.want) || len(entries) > 0 {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

// A disk that cannot be read must not look like a torn tail, which Repair would cut.
func TestReadErrorsAreReported(t *testing.T) {
	broken := errors.New("input/output error")
	first, _ := encode(firstRecord())
	good := string(appendLine(nil, first, 0))
	for name, text := range map[string]string{
		"in a record":  good + `{"crc":`,
		"in the tail":  good + "garbage\n{",
		"in long line": good + strings.Repeat("x", 2*maxLine),
	} {
		r := NewReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)))
		var last error
		for _, err := range r.Entries() {
			last = err
		}
		if !errors.Is(last, broken) {
			t.Errorf("%s: %v", name, last)
		}
	}
	if _, err := ReadAt(strings.NewReader(good), 3, 20); err == nil {
		t.Error("ReadAt in the middle of a line: no error")
	}
	if _, err := ReadAt(strings.NewReader(good), int64(len(good)), 20); err == nil {
		t.Error("ReadAt after the end: no error")
	}
}

func FuzzRead(f *testing.F) {
	first, _ := encode(firstRecord())
	rec, _ := encode(outcomeOf(2))
	good := appendLine(nil, first, 0)
	good = appendLine(good, rec, int64(len(good)))
	f.Add(good)
	f.Add(good[:len(good)-9])
	f.Add(bytes.ReplaceAll(good, []byte("disabled"), []byte("restored")))
	f.Add(appendLine(append(bytes.Clone(good), "\x00\x00\n"...), rec, int64(len(good))+2))
	f.Fuzz(func(t *testing.T, journal []byte) {
		entries, tail, err := read(journal)
		var end int64
		for i, e := range entries {
			line := journal[e.Offset : e.Offset+int64(e.Length)]
			if e.Offset != end {
				t.Fatalf("record %d at byte %d, the one before ends at %d", i, e.Offset, end)
			}
			if body, ok := bytes.CutPrefix(line[16:], []byte(`",`)); !ok || string(line[8:16]) != sumOf(body) {
				t.Fatalf("record %d has a wrong checksum: %q", i, line)
			}
			end += int64(e.Length)
		}
		if err == nil && (tail.Offset != end || tail.Offset+tail.Length != int64(len(journal))) {
			t.Fatalf("tail %+v after %d of %d bytes", tail, end, len(journal))
		}
	})
}
