package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version returns the version of the module. A build from a checkout has none; then
// it is the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	if commit := buildSettings(info)["vcs.revision"]; commit != "" {
		return commit[:min(12, len(commit))]
	}
	return "devel"
}

func buildSettings(info *debug.BuildInfo) map[string]string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	return settings
}

// versionText describes this build. A build from a module has no commit, only one
// from a checkout.
func versionText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "orgconn %s\n", version())
	if info, ok := debug.ReadBuildInfo(); ok {
		settings := buildSettings(info)
		if commit := settings["vcs.revision"]; commit != "" {
			if settings["vcs.modified"] == "true" {
				commit += ", modified"
			}
			fmt.Fprintf(&b, "commit  %s\ndate    %s\n", commit, settings["vcs.time"])
		}
	}
	fmt.Fprintf(&b, "go      %s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return b.String()
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print version, commit and Go version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := fmt.Fprint(cmd.OutOrStdout(), versionText()); err != nil {
				return stopped(fmt.Errorf("print the version: %w", err), "")
			}
			return nil
		},
	}
}
