package reports

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEscapeFormula(t *testing.T) {
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
		"\x00=1":        "'\x00=1",
		"＝1":            "'＝1",
		"＋1":            "'＋1",
		"－1":            "'－1",
		"＠SUM(1)":       "'＠SUM(1)",
		"\xff=1":        "\xff=1",
	} {
		if got := escapeFormula(cell); got != want {
			t.Errorf("escapeFormula(%q) = %q, want %q", cell, got, want)
		}
	}
}

func TestEscapedNeverStartsAFormula(t *testing.T) {
	triggers := []string{"=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠"}
	cells := rapid.OneOf(rapid.String(), rapid.Map(rapid.SampledFrom(triggers), func(s string) string { return s + "1" }))
	rapid.Check(t, func(t *rapid.T) {
		cell := cells.Draw(t, "cell")
		got := escapeFormula(cell)
		for _, trigger := range triggers {
			if strings.HasPrefix(got, trigger) {
				t.Fatalf("%q starts with %q", got, trigger)
			}
		}
		if !strings.HasSuffix(got, cell) || len(got) > len(cell)+1 {
			t.Fatalf("%q became %q", cell, got)
		}
		if again := escapeFormula(got); again != got {
			t.Fatalf("escaped twice: %q", again)
		}
	})
}
