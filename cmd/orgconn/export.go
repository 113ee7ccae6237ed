package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/reports"
)

const exportLong = `Write the pairs that are enabled in the tenant as CSV: one line for each
connection of each organization, with the names of both and the link's settings.
Take out of it what is to stay, and it is a list for orgconn disable. Links that
are switched off (is_enabled: false) are left out.

It writes to standard output, or with --out to a file that appears whole or not
at all. It sends nothing but reads: one call for each organization, and one for
every hundred of them.`

const exportExample = `  orgconn export --out pairs.csv
  orgconn export --connection old-idp --out pairs.csv
  orgconn export --org acme --org org_AbCdEf1234567890`

// export is one execution of the command.
type export struct {
	*command
	client                     *apiclient.Client
	organizations, connections []string
}

func newExport(getenv func(string) string) *cobra.Command {
	// It only reads, as a dry run does, and asks nobody.
	o := &options{getenv: getenv, settings: journal.Settings{DryRun: true, Workers: defaultWorkers}}
	var e export
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "write the tenant's enabled pairs as CSV, to start a job from",
		Long:    exportLong,
		Example: exportExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err = o.check(cmd.Flags()); err != nil {
				return err
			}
			if e.command, err = newCommand(o, "export"); err != nil {
				return err
			}
			return e.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.out, "out", "", "`FILE` to write (default standard output)")
	flags.StringArrayVar(&e.organizations, "org", nil, "only this organization, by `ID or NAME`; repeatable")
	flags.StringArrayVar(&e.connections, "connection", nil, "only this connection, by `ID or NAME`; repeatable")
	o.addPace(flags)
	o.addOutput(flags)
	return cmd
}

func (e *export) run(ctx context.Context) (err error) {
	if e.client, err = e.target.connect(e.options.getenv, e.options.settings); err != nil {
		return err
	}
	defer e.client.Close()
	out := e.options.out
	if out == "" {
		if err := e.authorize(ctx, e.client, e.neededScopes()); err != nil {
			return err
		}
		return e.write(ctx, os.Stdout, "what was written is incomplete")
	}
	file, err := pendingFile(out)
	if err != nil {
		return err
	}
	defer file.Cleanup()
	if err := e.authorize(ctx, e.client, e.neededScopes()); err != nil {
		return err
	}
	if err := e.write(ctx, file, out+" was not written"); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return &failure{code: journal.ExitStopped, err: fmt.Errorf("write %s: %w", out, err)}
	}
	return nil
}

// pendingFile is a file that gets its name when it is whole.
func pendingFile(name string) (*reports.PendingFile, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, refused(fmt.Errorf("--out %s: it exists and is no file", name), "give another --out, or leave it out for standard output")
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, refused(fmt.Errorf("--out: %w", err), "give another --out")
	}
	file, err := reports.NewPendingFile(name)
	if err != nil {
		return nil, refused(fmt.Errorf("--out: %w", err), "the folder of --out must exist and be writable")
	}
	return file, nil
}

func (e *export) neededScopes() []string {
	scopes := []string{"read:organizations", "read:organization_connections"}
	for _, name := range e.connections {
		if !list.IsConnectionID(name) {
			return append(scopes, "read:connections")
		}
	}
	return scopes
}

// write writes the export. Unfinished says what became of the output where that
// stopped before its end.
func (e *export) write(ctx context.Context, to io.Writer, unfinished string) error {
	run := batch.NewExport(batch.ExportConfig{
		API: e.client, Settings: e.options.settings, Log: e.log,
		Organizations: e.organizations, Connections: e.connections,
	})
	out := reports.NewPairsWriter(to)
	pairs := 0
	e.view.watch(ctx, run.Progress, e.log)
	stop := run.Do(ctx, func(all []batch.ExportedPair) error {
		for _, p := range all {
			out.Add(p.OrgID, p.OrgName, p.ConnectionID, p.Link)
		}
		pairs += len(all)
		return out.Flush()
	})
	e.view.close()
	switch {
	case stop != nil && stop.Code == journal.ExitRefused:
		return stop
	case stop != nil:
		return &failure{code: stop.Code, err: fmt.Errorf("%w; %s", stop, unfinished), hint: stop.Hint}
	}
	if err := out.Flush(); err != nil {
		return &failure{code: journal.ExitStopped, err: fmt.Errorf("write the export: %w", err)}
	}
	for _, id := range run.Unseen() {
		e.log.Warn("no organization has this connection enabled", zap.String("connection", id))
	}
	e.log.Info("exported", zap.Int("pairs", pairs), zap.Int("organizations", run.Progress().Done))
	return nil
}
