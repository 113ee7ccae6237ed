// Command orgconn disables, enables and restores organization connections in an Auth0
// tenant in bulk, as fast as the tenant's rate limit allows.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
)

const rootLong = `orgconn disables organization connections in an Auth0 tenant in bulk. It reads a
CSV of organization and connection ids, makes one call for each row at the pace
that the tenant's rate limit allows, reports the outcome of every row, and can
undo what it did.

See orgconn COMMAND --help. The help of disable also has the credentials and the
exit codes.`

const rootExample = `  orgconn demo                            see the whole job, needs no tenant
  orgconn disable --dry-run pairs.csv     read only: what would happen
  orgconn disable pairs.csv               do it, after a question
  orgconn restore RUNDIR                  undo it`

func main() {
	endFaultsBySignal()
	log.SetOutput(io.Discard) // net/http logs there what a server sent, and headers with the token
	err := execute(notify(), os.Args[1:])
	os.Exit(explain(newOutput(os.Stderr, lastTimeout), err))
}

// endFaultsBySignal makes a fault that the Go runtime finds end the process by a
// signal. Else it ends with exit code 2, which means that nothing was changed. The signal
// leaves no core file, because the memory has secrets in it.
func endFaultsBySignal() {
	noCoreFile()
	debug.SetTraceback("crash")
}

// execute parses a command line and runs its command.
func execute(ctx context.Context, args []string) (err error) {
	defer recovered(&err)
	root := newRoot()
	refuseUnknownHelp(root)
	accepted := false // cobra has nothing against the command line
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		accepted = true
		if cmd.Name() == cobra.ShellCompRequestCmd {
			return nil // a shell completes; fish sets ORGCONN_ACTIVE_HELP for it
		}
		return applyEnvironment(cmd, os.Environ())
	}
	root.SetArgs(args)
	root.SetOut(newPatientOutput(ctx, os.Stdout))
	cmd, err := root.ExecuteContextC(ctx)
	if !accepted {
		err = refused(err, "see "+cmd.CommandPath()+" --help")
	}
	if quiet, _ := cmd.Flags().GetBool("quiet"); quiet {
		return inOneLine(err)
	}
	return err
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
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if args := cmd.Flags().Args(); cmd == root && len(args) > 0 {
			return noCommand(cmd, args)
		}
		if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() == "" {
			return refused(err, suggestFlag(cmd, unknown.GetSpecifiedName()))
		}
		if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
			return valueError(invalid.GetFlag(), invalid.GetValue(), err)
		}
		return err
	})
	root.SetUsageFunc(usage)
	root.SetVersionTemplate(versionText())
	root.AddCommand(newDisable(os.Getenv), newEnable(os.Getenv), newRestore(os.Getenv), newResume(os.Getenv), newReport(),
		newRuns(), newExport(os.Getenv), newSimulate(), newDemo(), newVersion())
	completeFlags(root)
	return root
}

// refuseUnknownHelp makes help refuse a mistyped command. Cobra answers it with the help
// of the program.
func refuseUnknownHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	show := help.Run
	help.Run = nil
	help.RunE = func(_ *cobra.Command, args []string) error {
		cmd, rest, err := root.Find(args)
		if err == nil && cmd == root {
			err = noCommand(root, rest)
		}
		if err == nil {
			show(help, args)
		}
		return err
	}
}

// completeFlags completes the flags that accept one of a few words.
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

// completeList completes the only argument of a command, a CSV file.
func completeList(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"csv"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeFolder completes the only argument of a command, a run directory.
func completeFolder(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}

func noCommand(root *cobra.Command, args []string) error {
	if len(args) > 0 {
		return refused(fmt.Errorf("unknown command %q", args[0]), suggestCommand(root, args[0]))
	}
	return nil
}

// oneArg accepts exactly one argument, which messages call name.
func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("%s needs one %s, got %d", cmd.Name(), name, len(args))
		}
		return nil
	}
}

// someArgs accepts one argument, which messages call name, or more.
func someArgs(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%s needs at least one %s", cmd.Name(), name)
		}
		return nil
	}
}

// notify returns a context that the first SIGINT, SIGTERM, SIGQUIT or SIGHUP ends, so
// that a run can finish its calls in flight. The second signal ends the process. With
// signal.NotifyContext the second one would have its default action, which a parent
// such as nohup may have set to ignore.
func notify() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	if !signal.Ignored(syscall.SIGHUP) { // under nohup it stays ignored
		signal.Notify(signals, syscall.SIGHUP)
	}
	signal.Ignore(syscall.SIGPIPE) // a closed output is an error like any other
	go func() {
		cancel(stopBy(<-signals))
		second := stopBy(<-signals)
		before := ""
		if term.IsTerminal(int(os.Stderr.Fd())) {
			before = "\n" // after the terminal's ^C
		}
		fmt.Fprintf(newOutput(os.Stderr, logTimeout/2), "%sorgconn: %s again, left at once; orgconn resume RUNDIR continues a run\n", before, second.Reason)
		os.Exit(second.Code)
	}()
	return ctx
}

// stopBy is how a signal stops a run.
func stopBy(s os.Signal) *batch.Stop {
	switch s {
	case os.Interrupt:
		return &batch.Stop{Code: journal.ExitInterrupted, Reason: "interrupted"}
	case syscall.SIGQUIT:
		return &batch.Stop{Code: journal.ExitQuit, Reason: "quit"}
	}
	return &batch.Stop{Code: journal.ExitTerminated, Reason: "terminated"}
}
