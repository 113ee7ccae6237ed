package reports

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
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
