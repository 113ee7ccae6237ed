package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const environmentPrefix = "ORGCONN_"

// typedOnly marks a flag that must be typed: an environment that somebody set
// long ago may not decide such a thing.
const typedOnly = "typed-only"

// mustBeTyped marks flags as typedOnly.
func mustBeTyped(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = flags.SetAnnotation(name, typedOnly, []string{"true"})
	}
}

// runOnly marks a flag of a command whose values come from the run directory:
// the environment does not replace what a run began with.
const runOnly = "run-only"

// ofTheRun marks all flags of the set so far as runOnly.
func ofTheRun(flags *pflag.FlagSet) {
	flags.VisitAll(func(flag *pflag.Flag) { _ = flags.SetAnnotation(flag.Name, runOnly, []string{"true"}) })
}

func isMarked(flag *pflag.Flag, mark string) bool {
	_, marked := flag.Annotations[mark]
	return marked
}

// applyEnvironment sets the flags of cmd that were not typed from ORGCONN_
// variables. A variable that no command knows is most likely a typing error in
// somebody's crontab, so it is refused.
func applyEnvironment(cmd *cobra.Command, environ []string) error {
	known := allFlags(cmd.Root())
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(entry, "=")
		key, ours := strings.CutPrefix(name, environmentPrefix)
		if !ours {
			continue
		}
		flagName := strings.ToLower(strings.ReplaceAll(key, "_", "-"))
		flag, isKnown := known[flagName]
		switch {
		case !isKnown || key != strings.ToUpper(key):
			return refused(fmt.Errorf("environment variable %s names no flag of any command", name), "remove it, or see orgconn disable --help for the flags")
		case isMarked(flag, typedOnly):
			return refused(fmt.Errorf("--%s must be typed: %s is not accepted", flagName, name), "remove the variable")
		}
		if own := cmd.Flags().Lookup(flagName); own != nil && !own.Changed && !isMarked(own, runOnly) {
			if err := cmd.Flags().Set(flagName, value); err != nil {
				return refused(fmt.Errorf("environment variable %s: %w", name, valueError(own, value, err)), "see orgconn "+cmd.Name()+" --help")
			}
		}
	}
	return nil
}

// valueError says what a flag takes, where the library's err speaks of parsing.
func valueError(flag *pflag.Flag, value string, err error) error {
	takes := map[string]string{
		"bool": "true or false", "int": "a whole number", "float64": "a number", "duration": "a time such as 30s or 4h",
	}[flag.Value.Type()]
	if takes == "" {
		return err
	}
	return fmt.Errorf("--%s takes %s, not %q", flag.Name, takes, value)
}

// allFlags are the flags of all commands, by name. Where one command wants a
// flag typed, all do.
func allFlags(root *cobra.Command) map[string]*pflag.Flag {
	flags := map[string]*pflag.Flag{}
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if former := flags[flag.Name]; former == nil || !isMarked(former, typedOnly) {
				flags[flag.Name] = flag
			}
		})
	}
	delete(flags, "help")
	return flags
}
