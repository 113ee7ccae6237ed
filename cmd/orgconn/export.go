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

	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
	"github.com/orgconn/orgconn/reports"
)

const exportLong = `Write the pairs that are enabled in the tenant as CSV: one line for each
connection of each organization, with the names of both and the three settings
of the link that every tenant shows.
Links that are switched off (is_enabled: false) are left out. Remove the pairs
that are to stay enabled, and the file is a list for orgconn disable.

It writes to standard output, or with --out to a file that appears complete or
not at all; --force replaces one that exists. It only reads: one call for each
organization, and one for every hundred organizations.`

const exportExample = `  orgconn export --out pairs.csv
  orgconn export --connection old-idp --out pairs.csv
  orgconn export --org acme --org org_AbCdEf1234567890`

// exportFilter says what is exported: only these, by id or by name. An empty list
// is all.
type exportFilter struct{ organizations, connections []string }

func newExport(getenv func(string) string) *cobra.Command {
	// It only reads, as a dry run does, and needs no confirmation.
	o := &options{getenv: getenv, settings: journal.Settings{DryRun: true, Workers: defaultWorkers}}
	var only exportFilter
	var force bool
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "write the tenant's enabled pairs as CSV, to start a job from",
		Long:    exportLong,
		Example: exportExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			c, err := newCommand(o, "export")
			if err != nil {
				return err
			}
			return c.export(cmd.Context(), cmd.OutOrStdout(), only, force)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.out, "out", "", "`FILE` to write (default standard output)")
	flags.BoolVar(&force, "force", false, "replace the file of --out if it exists")
	flags.StringArrayVar(&only.organizations, "org", nil, "only the organization `ID|NAME`; repeatable")
	flags.StringArrayVar(&only.connections, "connection", nil, "only the connection `ID|NAME`; repeatable")
	o.addPace(flags)
	o.addOutput(flags)
	return cmd
}

// export exports to the file that --out names, or to standard output. With force, it
// replaces a file that exists.
func (c *command) export(ctx context.Context, stdout io.Writer, only exportFilter, force bool) error {
	out := c.options.out
	if out == "" {
		return c.exportTo(ctx, stdout, only, "what was written is incomplete")
	}
	file, err := pendingFile(out, force)
	if err != nil {
		return err
	}
	defer file.Cleanup()
	if err := c.exportTo(ctx, file, only, out+" was not written"); err != nil {
		return err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return stopped(fmt.Errorf("write %s: %w", out, err), "")
	}
	return nil
}

// pendingFile returns a file that gets its name when it is complete.
func pendingFile(name string, force bool) (*reports.PendingFile, error) {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, refused(fmt.Errorf("--out %s: it exists and is not a file", name), "give another --out, or leave it out for standard output")
	}
	if err == nil && !force {
		return nil, refused(fmt.Errorf("--out %s: it exists", name), "give another --out, or --force to replace it")
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

func (f exportFilter) neededScopes() []string {
	scopes := []string{"read:organizations", "read:organization_connections"}
	for _, name := range f.connections {
		if !list.IsConnectionID(name) {
			return append(scopes, "read:connections")
		}
	}
	return scopes
}

// exportTo exports to a writer. If the export stops before its end, the error adds
// what unfinished says about the output.
func (c *command) exportTo(ctx context.Context, to io.Writer, only exportFilter, unfinished string) error {
	client, err := c.target.connect(ctx, c.options.getenv, c.options.settings, c.log)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := c.authorize(ctx, client, only.neededScopes()); err != nil {
		return err
	}
	export := batch.NewExport(batch.ExportConfig{
		API: client, Settings: c.options.settings, Log: c.log,
		Organizations: only.organizations, Connections: only.connections,
	})
	pairs, stop := c.writePairs(ctx, export, to)
	switch {
	case stop != nil && stop.Code == journal.ExitRefused:
		return stop
	case stop != nil:
		return &failure{code: stop.Code, err: fmt.Errorf("%w; %s", stop, unfinished), hint: stop.Hint}
	}
	for _, id := range export.Unseen() {
		c.log.Warn("no organization has this connection enabled", zap.String("connection", id))
	}
	c.log.Info("exported", zap.Int("pairs", pairs), zap.Int("organizations", export.Progress().Done))
	return nil
}

// writePairs runs the export and returns how many pairs it wrote, and why it
// stopped before its end; nil if it did not.
func (c *command) writePairs(ctx context.Context, export *batch.Export, to io.Writer) (pairs int, stop *batch.Stop) {
	out := reports.NewPairsWriter(to)
	forget := c.view.explainSignal(ctx)
	defer forget()
	c.view.watch(export.Progress, c.log)
	stop = export.Do(ctx, func(all []batch.ExportedPair) error {
		for _, p := range all {
			out.Add(p.OrgID, p.OrgName, p.ConnectionID, p.Link)
		}
		pairs += len(all)
		return out.Flush()
	})
	c.view.close()
	if stop != nil {
		return pairs, stop
	}
	if err := out.Flush(); err != nil { // the header, if there is no pair
		stop = &batch.Stop{Code: journal.ExitStopped, Reason: "write the export: " + err.Error()}
	}
	return pairs, stop
}
