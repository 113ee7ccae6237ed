package main

import "testing"

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain, with ünïcode and\nlines": "plain, with ünïcode and\nlines",
		"\x1b[2Jcleared":                 "\uFFFD[2Jcleared",
		"right\u202eto left":             "right\uFFFDto left",
		"mark\u200e bell\a":              "mark\uFFFD bell\uFFFD",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
