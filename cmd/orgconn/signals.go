package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
)

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
