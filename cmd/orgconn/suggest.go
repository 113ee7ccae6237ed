package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// nearest returns those of the names that are most like a mistyped one: the ones with
// the fewest letters to change, at most two, or those that begin with it.
func nearest(typed string, names []string) []string {
	var all cobra.Command // cobra knows how to compare the names of commands
	for _, name := range names {
		all.AddCommand(&cobra.Command{Use: name, Run: func(*cobra.Command, []string) {}})
	}
	for all.SuggestionsMinimumDistance = 1; all.SuggestionsMinimumDistance <= 2; all.SuggestionsMinimumDistance++ {
		if found := all.SuggestionsFor(typed); len(found) > 0 {
			return found
		}
	}
	return nil
}

// suggestCommand is the hint for a command that does not exist.
func suggestCommand(root *cobra.Command, typed string) string {
	var names []string
	for _, cmd := range root.Commands() {
		if cmd.IsAvailableCommand() {
			names = append(names, cmd.Name())
		}
	}
	return suggestion("orgconn ", nearest(typed, names), root)
}

// suggestFlag is the hint for a flag that a command does not have.
func suggestFlag(cmd *cobra.Command, typed string) string {
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return suggestion("--", nearest(typed, names), cmd)
}

func suggestion(before string, names []string, cmd *cobra.Command) string {
	help := "see " + cmd.CommandPath() + " --help"
	if len(names) == 0 {
		return help
	}
	return "did you mean " + before + strings.Join(names, " or "+before) + "? Else " + help
}
