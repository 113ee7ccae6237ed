package reports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

// A setting that results.csv lacks, or that restore does not read, would come back
// with another value.
func TestRestoreReadsEverySettingThatDisableWrote(t *testing.T) {
	const pairs = "org_id,connection_id\norg_0000000000000001,con_0000000000000001\n"
	for i, setting := range new(apiclient.LinkSettings).All() {
		for _, value := range []bool{true, false} {
			had := &journal.Snapshot{Name: "okta"}
			switch field := had.All()[i].Field.(type) {
			case **bool:
				*field = &value
			case **string:
				*field = new(fmt.Sprintf("=it is %t", value))
			}
			dir := writeRun(t, pairs, runRecord(), after(10, intent(2, had)), after(20, outcome(2, journal.Disabled)))
			if _, err := Make(context.Background(), dir, nil); err != nil {
				t.Fatal(err)
			}
			l, err := list.Open(filepath.Join(dir, "results.csv"), "results.csv", list.Options{Command: journal.CommandRestore})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			for rec, err := range l.Records() {
				restored := rec.Snapshot
				if restored != nil {
					restored = &journal.Snapshot{Name: rec.ConnectionName, LinkSettings: restored.LinkSettings}
				}
				if diff := cmp.Diff(had, restored); err != nil || diff != "" {
					t.Errorf("%s %t: %v, -had +restored:\n%s", setting.Name, value, err, diff)
				}
			}
			if pairs := l.Counts().Pairs; pairs != 1 {
				t.Errorf("%s %t: %d rows are restored, want 1", setting.Name, value, pairs)
			}
		}
	}
}

// restore takes back what an enable did, by the link from before. A row that the enable
// cannot have changed shows what the list wants, for the run that follows.
func TestEnableShowsTheLinkFromBefore(t *testing.T) {
	const pairs = "org_id,connection_id,show_as_button\norg_0000000000000001,con_0000000000000001,yes\n"
	was := &journal.Snapshot{LinkSettings: apiclient.LinkSettings{ShowAsButton: new(false)}}
	wanted := &journal.Snapshot{LinkSettings: apiclient.LinkSettings{ShowAsButton: new(true)}}
	for _, c := range []struct {
		name    string
		records []journal.Record
		want    *journal.Snapshot
	}{
		{"switched on", []journal.Record{intent(2, was), outcome(2, journal.Enabled)}, was},
		{"added", []journal.Record{intent(2, nil), outcome(2, journal.Enabled)}, nil},
		{"unknown, was off", []journal.Record{intent(2, was), outcome(2, journal.Unknown)}, was},
		{"unknown, was not there", []journal.Record{intent(2, nil), outcome(2, journal.Unknown)}, nil},
		{"killed, was not there", []journal.Record{intent(2, nil)}, nil},
		{"failed", []journal.Record{intent(2, nil), outcome(2, journal.Failed)}, wanted},
		{"not reached", nil, wanted},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := runRecord()
			first.Header.Command = journal.CommandEnable
			for i := range c.records {
				c.records[i] = after(10*(i+1), c.records[i])
			}
			_, err := Summarize(context.Background(), writeRun(t, pairs, first, c.records...), func(r list.Result) {
				if diff := cmp.Diff(c.want, r.Snapshot); diff != "" {
					t.Errorf("-want +shown:\n%s", diff)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestPairsWriter(t *testing.T) {
	var out strings.Builder
	w := NewPairsWriter(&out)
	w.Add("org_1", "acme", "con_1", journal.Snapshot{Name: "okta", LinkSettings: apiclient.LinkSettings{ShowAsButton: new(true), IsSignupEnabled: new(false)}})
	w.Add("org_2", "=1+1", "con_2", journal.Snapshot{Name: "@SUM(a,b)"})
	if out.Len() > 0 {
		t.Error("written before Flush")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `org_id,connection_id,org_name,connection_name,assign_membership_on_login,show_as_button,is_signup_enabled
org_1,con_1,acme,okta,,yes,no
org_2,con_2,'=1+1,"'@SUM(a,b)",,,
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The apostrophes that protect spreadsheets must not become part of a name or of a
// carried cell.
func TestEscapedCellsAreReadBack(t *testing.T) {
	cells := []string{"=1+1", "'=1+1", "''-x", "ACME;=HYPERLINK(1)", "a;'=1", "list:\n- a\n\n- b", `"=1"`, "'quoted'", "a\t@b;＝c"}
	var pairs strings.Builder
	w := NewPairsWriter(&pairs)
	for i, cell := range cells {
		w.Add(fmt.Sprintf("org_%016d", i), cell, "con_0000000000000001", journal.Snapshot{Name: cell})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	dir := writeRun(t, pairs.String(), runRecord())
	if _, err := Make(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	for file, command := range map[string]string{"input.csv": journal.CommandDisable, "results.csv": journal.CommandRestore} {
		l, err := list.Open(filepath.Join(dir, file), file, list.Options{Command: command})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		var names, carried []string
		for rec, err := range l.Records() {
			if err != nil {
				t.Fatal(err)
			}
			names, carried = append(names, rec.ConnectionName), append(carried, rec.Carried[0])
		}
		if diff := cmp.Diff(cells, names); diff != "" {
			t.Errorf("names in %s (-want +got):\n%s", file, diff)
		}
		if diff := cmp.Diff(cells, carried); diff != "" {
			t.Errorf("carried cells in %s (-want +got):\n%s", file, diff)
		}
	}
}

func TestPairsThatCannotBeWritten(t *testing.T) {
	if err := NewPairsWriter(fullDisk{}).Flush(); err == nil {
		t.Error("no error")
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// A full disk ends both stages: the one that reads rows does not wait for the one that
// writes them.
func TestResultsThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	order := make([]int, 4*partRows)
	for i := range order {
		order[i] = i
	}
	writeLargeRun(t, dir, order)
	full := errors.New("the disk is full")
	r, w := io.Pipe()
	r.CloseWithError(full)
	if err := Results(dir, w); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

// Rows are read ahead in parts of many rows, but not of many bytes.
func TestPartsOfRows(t *testing.T) {
	var input strings.Builder
	fmt.Fprintln(&input, "org_id,connection_id,note")
	var records []journal.Record
	for line := 2; line < 2+2*partRows; line++ {
		note := ""
		outcome := &journal.RowOutcome{Line: line, Outcome: journal.Disabled}
		switch line {
		case 11:
			note = strings.Repeat("x", partBytes)
		case 21:
			outcome.Message = strings.Repeat("x", partBytes)
		}
		fmt.Fprintf(&input, "org_%016d,con_0000000000000001,%s\n", line, note)
		records = append(records, after(line, journal.Record{Outcome: outcome}))
	}
	run, err := openRun(context.Background(), writeRun(t, input.String(), runRecord(), records...), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer run.close()
	var sizes []int
	err = readRows(run.index, run.list, func(part []list.Result) bool {
		sizes = append(sizes, len(part))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{10, 10, partRows, partRows - 20}, sizes); diff != "" {
		t.Errorf("rows of each part (-want +got):\n%s", diff)
	}
}

// A fault of this program while rows are read reaches whoever reports such faults.
func TestFaultWhileRowsAreRead(t *testing.T) {
	dir := t.TempDir()
	writeLargeRun(t, dir, []int{0, 1, 2})
	run, err := openRun(context.Background(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer run.close()
	run.index.journal = nil
	defer func() {
		if fault := fmt.Sprint(recover()); !strings.Contains(fault, "readAt") {
			t.Errorf("the fault is %q", fault)
		}
	}()
	err = writeResults(io.Discard, run.index, run.list, func(list.Result) error { return nil })
	t.Errorf("no fault, and %v", err)
}
