// Command orgconn disables organization connections in an Auth0 tenant in
// bulk, as fast as the tenant's rate limit allows, and can undo it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/orgconn/orgconn/batch"
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

func main() { os.Exit(run(os.Args[1:])) }

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

// completeFlags completes the flags whose values are words of a short list.
func completeFlags(root *cobra.Command) {
	words := map[string][]string{
		"log-level": {"debug", "info", "warn", "error"}, "log-format": {"json", "console"}, "plan": planNames(),
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

// completeList completes a command's one argument, a CSV.
func completeList(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"csv"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeFolder completes a command's one argument, a run directory.
func completeFolder(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
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

// notify ends the context at the first SIGINT, SIGTERM or SIGHUP, so that a run can
// finish its calls in flight, and the process at the second. An own channel
// and not signal.NotifyContext: that one restores the default action, which a
// parent like nohup may have set to ignore.
func notify() (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it, and means it
		signal.Notify(signals, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGPIPE) // an output that nobody reads any more is an error like others
	go func() {
		for first := true; ; first = false {
			s, ok := <-signals
			switch {
			case !ok:
				return
			case first:
				cancel(stopBy(s))
			default:
				fmt.Fprintf(os.Stderr, "orgconn: %s again, left at once\n", stopBy(s).Reason)
				os.Exit(stopBy(s).Code)
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
	}
}

func stopBy(s os.Signal) *batch.Stop {
	if s != os.Interrupt {
		return &batch.Stop{Code: journal.ExitTerminated, Reason: "terminated"}
	}
	return &batch.Stop{Code: journal.ExitInterrupted, Reason: "interrupted"}
}
