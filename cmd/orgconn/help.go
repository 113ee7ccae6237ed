package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is the usual width of a terminal, in columns.
const helpWidth = 80

// helpGroup is the annotation with the title of a flag's group.
const helpGroup = "help-group"

// group puts the flags that have no group yet into the one with this title. So it is
// called after a group's flags were added, and before the next group's are.
func group(flags *pflag.FlagSet, title string) {
	flags.SortFlags = false
	flags.VisitAll(func(flag *pflag.Flag) {
		if !isMarked(flag, helpGroup) {
			_ = flags.SetAnnotation(flag.Name, helpGroup, []string{title})
		}
	})
}

// usage writes how a command is used. Its flags are in groups, because twenty flags
// in alphabetical order are hard to read.
func usage(cmd *cobra.Command) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s\n", cmd.UseLine())
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-11s %s\n", sub.Name(), sub.Short)
			}
		}
	}
	for _, set := range flagGroups(cmd.Flags()) {
		fmt.Fprintf(&b, "\n%s:\n%s", set.Name(), set.FlagUsagesWrapped(helpWidth))
	}
	_, err := io.WriteString(cmd.OutOrStderr(), b.String())
	return err
}

// flagGroups returns a command's flags by group, in the order in which they were
// added. Flags without a group, such as --help, go to the last one.
func flagGroups(flags *pflag.FlagSet) []*pflag.FlagSet {
	var groups []*pflag.FlagSet
	flags.VisitAll(func(flag *pflag.Flag) {
		title := "Flags"
		if n := len(groups); n > 0 {
			title = groups[n-1].Name()
		}
		if isMarked(flag, helpGroup) {
			title = flag.Annotations[helpGroup][0]
		}
		if n := len(groups); n == 0 || groups[n-1].Name() != title {
			groups = append(groups, pflag.NewFlagSet(title, pflag.ContinueOnError))
			groups[n].SortFlags = false
		}
		groups[len(groups)-1].AddFlag(flag)
	})
	return groups
}
