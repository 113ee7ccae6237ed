package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Each command's help fits a screen of 50 lines by 80 columns, and has an
// example where there is something to choose.
func TestHelpFitsAScreen(t *testing.T) {
	for _, cmd := range append(newRoot().Commands(), newRoot()) {
		args := []string{cmd.Name(), "--help"}
		if !cmd.HasParent() {
			args = args[1:]
		}
		root := newRoot()
		var text bytes.Buffer
		root.SetOut(&text)
		root.SetArgs(args)
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(text.String()), "\n")
		if len(lines) > 50 {
			t.Errorf("%v: %d lines", args, len(lines))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > helpWidth {
				t.Errorf("%v: too wide: %s", args, line)
			}
		}
		if cmd.Flags().Lookup("yes") != nil && !strings.Contains(text.String(), "Examples:\n  orgconn "+cmd.Name()) {
			t.Errorf("%v: no example", args)
		}
	}
}

// The flags are in groups, each of which comes once.
func TestFlagGroups(t *testing.T) {
	for _, cmd := range newRoot().Commands() {
		if cmd.Flags().Lookup("yes") == nil {
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
