package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is the version of this build: the module's, or the commit's where it
// was built from a checkout.
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

// versionText is what there is to know about this build, as the build itself
// stamped it. A build from a module and not a checkout has no commit.
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
			_, err := fmt.Fprint(cmd.OutOrStdout(), versionText())
			return err
		},
	}
}
