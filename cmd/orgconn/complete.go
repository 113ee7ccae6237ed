package main

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/batch/rundir"
)

// completeList completes a command's one argument, a CSV.
func completeList(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"csv"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeRunDir completes a command's one argument, a run directory.
func completeRunDir(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if runs := runDirs(typed); len(runs) > 0 {
		return runs, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs // they may be further down
}

// completeRunOrList completes what restore takes.
func completeRunOrList(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if runs, directive := completeRunDir(cmd, args, typed); len(runs) > 0 {
		return runs, directive
	}
	return completeList(cmd, args, typed)
}

// runDirs are the run directories whose path begins with what was typed.
func runDirs(typed string) []string {
	folder, start := filepath.Split(typed)
	entries, _ := os.ReadDir(cmp.Or(folder, ".")) // what cannot be read completes nothing
	var runs []string
	for _, entry := range entries {
		run := folder + entry.Name()
		hidden := strings.HasPrefix(entry.Name(), ".")
		if _, err := os.Stat(filepath.Join(run, rundir.JournalFile)); err == nil && !hidden && strings.HasPrefix(entry.Name(), start) {
			runs = append(runs, run)
		}
	}
	return runs
}

// completeFlags completes the flags of all commands whose values are words of
// a short list, or files of a kind.
func completeFlags(root *cobra.Command) {
	words := map[string][]string{
		"log-level": {"debug", "info", "warn", "error"}, "log-format": {"json", "console"},
		"plan": planNames(), "fault": faultNames(),
	}
	for _, cmd := range root.Commands() {
		for name, values := range words {
			if cmd.Flags().Lookup(name) != nil {
				_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
			}
		}
		_ = cmd.MarkFlagFilename("from", "csv")
	}
}
