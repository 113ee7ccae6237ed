package reports

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

func TestEscapeCell(t *testing.T) {
	for cell, want := range map[string]string{
		"":              "",
		"acme":          "acme",
		"a=1":           "a=1",
		"'=1":           "'=1",
		" =1":           " =1",
		"=HYPERLINK(1)": "'=HYPERLINK(1)",
		"+1":            "'+1",
		"-1":            "'-1",
		"@SUM(1)":       "'@SUM(1)",
		"\t=1":          "'\t=1",
		"\r=1":          "'\r=1",
		"\n=1":          "'\n=1",
		"\x00=1":        "\uFFFD=1",
		"=\x00":         "'=\uFFFD",
		"＝1":            "'＝1",
		"＋1":            "'＋1",
		"－1":            "'－1",
		"＠SUM(1)":       "'＠SUM(1)",
		"\xff=1":        "\xff=1",
	} {
		if got := escapeCell(cell); got != want {
			t.Errorf("escapeCell(%q) = %q, want %q", cell, got, want)
		}
	}
}

func TestEscapedNeverStartsAFormula(t *testing.T) {
	triggers := []string{"=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"}
	cells := rapid.OneOf(rapid.String(), rapid.Map(rapid.SampledFrom(triggers), func(s string) string { return s + "1" }))
	rapid.Check(t, func(t *rapid.T) {
		cell := cells.Draw(t, "cell")
		got := escapeCell(cell)
		for _, trigger := range triggers {
			if strings.HasPrefix(got, trigger) {
				t.Fatalf("%q starts with %q", got, trigger)
			}
		}
		if text := strings.ReplaceAll(cell, "\x00", "\uFFFD"); got != text && got != "'"+text {
			t.Fatalf("%q became %q", cell, got)
		}
		if again := escapeCell(got); again != got {
			t.Fatalf("escaped twice: %q", again)
		}
	})
}

// A setting that results.csv lacks, or that restore does not read, would come back
// with another value.
func TestRestoreReadsEverySettingThatDisableWrote(t *testing.T) {
	const pairs = "org_id,connection_id\norg_0000000000000001,con_0000000000000001\n"
	for i, setting := range new(apiclient.LinkSettings).All() {
		for _, value := range []bool{true, false} {
			had := &journal.Snapshot{Name: "okta"}
			*had.All()[i].Value = &value
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
				if diff := cmp.Diff(had, rec.Snapshot); err != nil || diff != "" {
					t.Errorf("%s %t: %v, -had +restored:\n%s", setting.Name, value, err, diff)
				}
			}
			if pairs := l.Counts().Pairs; pairs != 1 {
				t.Errorf("%s %t: %d rows are restored, want 1", setting.Name, value, pairs)
			}
		}
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

func TestPairsThatCannotBeWritten(t *testing.T) {
	if err := NewPairsWriter(fullDisk{}).Flush(); err == nil {
		t.Error("no error")
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }
