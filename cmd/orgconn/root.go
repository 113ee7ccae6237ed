package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/orgconn/orgconn/batch/journal"
)

const rootLong = `orgconn disables organization connections in an Auth0 tenant in bulk: a CSV of
organization and connection ids in, one call for each row at the pace that the
tenant's rate limit allows, a report of every row's outcome, and a way back.

See orgconn COMMAND --help; that of disable has credentials and exit codes too.`

const rootExample = `  orgconn demo                            see the whole job, needs no tenant
  orgconn disable --dry-run pairs.csv     read only: what would happen
  orgconn disable pairs.csv               do it, after a question
  orgconn restore RUNDIR                  undo it`

// run executes a command line and returns the exit code.
func run(args []string) int {
	signals, stop := notify()
	defer stop()
	if err := execute(signals, args); err != nil {
		return explain(os.Stderr, err)
	}
	return journal.ExitOK
}

func execute(ctx context.Context, args []string) (err error) {
	defer recovered(&err)
	root := newRoot()
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "orgconn COMMAND",
		Short:         "disable organization connections in an Auth0 tenant in bulk",
		Long:          rootLong,
		Example:       rootExample,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		// Its usage would be "orgconn COMMAND [flags]".
		DisableFlagsInUseLine: true,
		Args:                  noCommand,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Name() == cobra.ShellCompRequestCmd {
				return nil // a shell completes; fish does it with ORGCONN_ACTIVE_HELP set
			}
			return applyEnvironment(cmd, os.Environ())
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
			err = valueError(invalid.GetFlag(), invalid.GetValue(), err)
		}
		return refused(err, "see orgconn "+cmd.Name()+" --help")
	})
	root.SetUsageFunc(usage)
	root.SetVersionTemplate(versionText())
	root.AddCommand(newDisable(os.Getenv), newRestore(os.Getenv), newResume(os.Getenv), newReport(),
		newExport(os.Getenv), newSimulate(), newDemo(), newVersion())
	completeFlags(root)
	return root
}

func noCommand(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return refused(fmt.Errorf("unknown command %q", args[0]), "see orgconn --help")
	}
	return nil
}

// oneArg asks for exactly one argument, called name.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return refused(fmt.Errorf("%s takes one %s, got %d", cmd.Name(), name, len(args)), "see orgconn "+cmd.Name()+" --help")
		}
		return nil
	}
}
