package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// helpOf returns what orgconn prints for args.
func helpOf(t *testing.T, args ...string) string {
	t.Helper()
	root := newRoot()
	var text bytes.Buffer
	root.SetOut(&text)
	root.SetArgs(args)
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// Each command's help fits a screen of 60 lines by 80 columns. A command that works
// on a list has an example.
func TestHelpFitsAScreen(t *testing.T) {
	for _, cmd := range append(newRoot().Commands(), newRoot()) {
		args := []string{cmd.Name(), "--help"}
		if !cmd.HasParent() {
			args = args[1:]
		}
		text := helpOf(t, args...)
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if len(lines) > 60 {
			t.Errorf("%v: %d lines", args, len(lines))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > helpWidth {
				t.Errorf("%v: too wide: %s", args, line)
			}
		}
		if cmd.Flags().Lookup("yes") != nil && !strings.Contains(text, "Examples:\n  orgconn "+cmd.Name()) {
			t.Errorf("%v: no example", args)
		}
	}
}

// The help of resume promises no default, since it keeps the run's values.
func TestResumeHelpHasTheRunsDefaults(t *testing.T) {
	text := helpOf(t, "resume", "--help")
	for _, value := range []string{"25%", "128", "30s", "50%"} {
		if strings.Contains(text, "default "+value) {
			t.Errorf("resume --help says (default %s)", value)
		}
	}
	if !strings.Contains(text, "(default the run's)") {
		t.Errorf("resume --help does not say what the default is:\n%s", text)
	}
}

// The help of a command that runs a list shows the flags in three groups.
func TestFlagGroups(t *testing.T) {
	for _, cmd := range newRoot().Commands() {
		if cmd.Flags().Lookup("workers") == nil {
			continue
		}
		var titles []string
		for _, set := range flagGroups(cmd.Flags()) {
			titles = append(titles, set.Name())
		}
		if want := []string{"What the run does", "Bounds", "This invocation"}; !slices.Equal(titles, want) {
			t.Errorf("%s: %q", cmd.Name(), titles)
		}
	}
}
