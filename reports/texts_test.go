package reports

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTexts(t *testing.T) {
	texts := newTexts()
	words := rapid.OneOf(rapid.String(), rapid.StringMatching("[a-z]{1,2}"),
		rapid.Map(rapid.IntRange(0, 3*textBlockSize), func(n int) string { return strings.Repeat("x", n) }))
	places := map[string]textPlace{}
	rapid.Check(t, func(t *rapid.T) {
		for _, s := range rapid.SliceOf(words).Draw(t, "texts") {
			places[s] = texts.put(s)
		}
	})
	for s, place := range places {
		if got := texts.get(place); got != s {
			t.Fatalf("%q became %q", s, got)
		}
	}
	if again := texts.put("again"); texts.put("again") != again {
		t.Error("a text is kept twice")
	}
}
