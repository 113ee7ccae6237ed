package main

import "testing"

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"one two three\nfour\n", 80, "one two three\nfour\n"},
		{"one two three\nfour\n", 7, "one two\nthree\nfour\n"},
		{"one two three\n", 8, "one two\nthree\n"},
		{"longer than it is wide\n", 4, "longer\nthan\nit\nis\nwide\n"},
	} {
		if got := wrap(c.text, c.width); got != c.want {
			t.Errorf("%q in %d columns: got %q, want %q", c.text, c.width, got, c.want)
		}
	}
}
