package list

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEscapeCell(t *testing.T) {
	for cell, want := range map[string]string{
		"":                     "",
		"acme":                 "acme",
		"a=1":                  "a=1",
		"'acme'":               "'acme'",
		"'=1":                  "''=1",
		" =1":                  " =1",
		"=HYPERLINK(1)":        "'=HYPERLINK(1)",
		"+1":                   "'+1",
		"-1":                   "'-1",
		"@SUM(1)":              "'@SUM(1)",
		"\t1":                  "'\t1",
		"\t=1":                 "'\t'=1",
		"\r=1":                 "'\r'=1",
		"\n=1":                 "'\n'=1",
		"\x00=1":               "\uFFFD=1",
		"=\x00":                "'=\uFFFD",
		"＝1":                   "'＝1",
		"＋1":                   "'＋1",
		"－1":                   "'－1",
		"＠SUM(1)":              "'＠SUM(1)",
		"\xff=1":               "\xff=1",
		"ACME;=HYPERLINK(1)":   "ACME;'=HYPERLINK(1)",
		"ACME;\"=HYPERLINK(1)": "ACME;'\"=HYPERLINK(1)",
		"ACME;'=1;-2":          "ACME;''=1;'-2",
		"a;b;":                 "a;b;",
		"two\n\nparts":         "two\n\nparts",
		"list:\n- a\n- b":      "list:\n'- a\n'- b",
		"a\t＠b":                "a\t'＠b",
	} {
		if got := EscapeCell(cell); got != want {
			t.Errorf("EscapeCell(%q) = %q, want %q", cell, got, want)
		}
	}
}

// drawCell draws a cell that is likely to be a formula, somewhere.
func drawCell(t *rapid.T) string {
	parts := rapid.SampledFrom([]string{"=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", ";", ",", "'", `"`, " ", "a", "1"})
	return strings.Join(rapid.SliceOf(rapid.OneOf(parts, rapid.StringN(0, 2, -1))).Draw(t, "cell"), "")
}

func TestEscapedCellIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := strings.ReplaceAll(drawCell(t), "\x00", "")
		if got := unescapeCell(EscapeCell(cell)); got != cell {
			t.Fatalf("%q became %q", cell, got)
		}
		// A list that somebody else has escaped is not escaped twice.
		if escaped := EscapeCell(unescapeCell(cell)); EscapeCell(unescapeCell(escaped)) != escaped {
			t.Fatalf("%q became %q", cell, escaped)
		}
	})
}

// However a spreadsheet splits a line of results.csv, no part of it is a formula.
func TestNoPartOfALineIsAFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var line strings.Builder
		w := csv.NewWriter(&line)
		if err := w.Write([]string{"2", EscapeCell(drawCell(t)), EscapeCell(drawCell(t)), "disabled"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		for _, part := range strings.FieldsFunc(line.String(), func(r rune) bool { return strings.ContainsRune(splitters, r) }) {
			noFormula(t, part)
		}
		for _, separator := range separators {
			r := csv.NewReader(strings.NewReader(line.String()))
			r.Comma, r.LazyQuotes, r.FieldsPerRecord = separator, true, -1
			records, err := r.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range records {
				for _, cell := range record {
					noFormula(t, cell)
				}
			}
		}
	})
}

func noFormula(t *rapid.T, part string) {
	if strings.IndexAny(strings.TrimLeft(part, `"`), operators) == 0 {
		t.Fatalf("a part is %q", part)
	}
}

// What a European Excel makes of a results file has the same cells, one after the
// other.
func TestEuropeanSplitKeepsTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := strings.ReplaceAll(drawCell(t), "\x00", "")
		parts := strings.Split(EscapeCell(cell), ";")
		for i, part := range parts {
			noFormula(t, part)
			parts[i] = unescapeCell(part)
		}
		if got := unescapeCell(EscapeCell(strings.Join(parts, ";"))); got != cell {
			t.Fatalf("%q became %q", cell, got)
		}
	})
}

func TestEscapedCellsOfAList(t *testing.T) {
	l := open(t, "org_id,connection_id,'=a,note\n"+acme+","+okta+",''=1,ACME;'=HYPERLINK(1)\n"+"'-x,"+okta+",=1,'b\n", Options{Command: "disable"})
	want := []string{
		"2 " + acme + " " + okta + ` ["'=1" "ACME;=HYPERLINK(1)"]`,
		"3 -x " + okta + ` invalid: org_id "-x" does not start with org_ ["=1" "'b"]`,
	}
	if diff := cmp.Diff(want, show(t, l)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"=a", "note"}, l.Carried()); diff != "" {
		t.Errorf("carried columns (-want +got):\n%s", diff)
	}
}
