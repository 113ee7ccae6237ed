package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/testdata"
)

const demoLong = `Show the whole job against a simulated tenant with the limits of an Enterprise
plan: a dry run of a sample list, then the same list for real, and then the undo
for one organization. Nothing leaves this machine. The list, orgconn-demo.csv,
and the run directories stay in the current folder for you to look at.`

const demoList = "orgconn-demo.csv"

// demoLatency is the time in which the simulated tenant answers.
const demoLatency = 40 * time.Millisecond

func newDemo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "the whole job against an embedded simulated tenant; needs nothing",
		Long:  demoLong,
		Args:  cobra.NoArgs,
		RunE:  demo,
	}
}

func demo(cmd *cobra.Command, _ []string) error {
	plan, _ := plans.ByName("enterprise")
	tenant := newSimulated(simulator.Config{Plan: plan, Latency: demoLatency})
	if err := seedDemo(tenant.Tenant); err != nil {
		return err
	}
	if err := tenant.listen("127.0.0.1:0"); err != nil {
		return err
	}
	defer tenant.close()
	if err := writeDemoList(); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "A simulated tenant with the limits of an Enterprise plan is at %s.\n\n", tenant.domain)
	for _, flag := range []string{"--dry-run", "--yes"} {
		fmt.Fprintf(out, "$ orgconn disable %s %s\n", flag, demoList)
		if err := demonstrate(cmd.Context(), out, newDisable(tenant.environment), flag, demoList); err != nil {
			return err
		}
	}
	fmt.Fprint(out, "Some rows failed, as they were meant to: results.csv says why for each.\n\n")
	return demoRestore(cmd.Context(), out, tenant)
}

// writeDemoList writes the sample list into the current folder, where its name reads well
// and people find it.
func writeDemoList() error {
	text, err := os.ReadFile(demoList)
	if err == nil && !bytes.Equal(text, testdata.DemoPairs) {
		return refused(fmt.Errorf("%s exists and is not the demo's list", demoList), "remove it, or run the demo in another folder")
	}
	return refused(os.WriteFile(demoList, testdata.DemoPairs, 0o644), "run the demo in a folder where you can write")
}

// demonstrate runs a command. Some rows of the sample fail on purpose.
func demonstrate(ctx context.Context, out io.Writer, cmd *cobra.Command, args ...string) error {
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.ExecuteContext(ctx); err != nil && !onlyRowsFailed(err) {
		return err
	}
	fmt.Fprintln(out)
	return nil
}

// demoRestore undoes what the demo did to one organization. The tenant's port is in the
// name of the run directory, so only this demo's is found.
func demoRestore(ctx context.Context, out io.Writer, tenant *simulated) error {
	const org = "org_ol8DklZDOCj2ISaJ"
	name := strings.ReplaceAll(strings.TrimPrefix(tenant.domain, "http://"), ":", "_")
	runs, _ := filepath.Glob("orgconn-" + name + "-*-disable")
	if len(runs) == 0 {
		return stopped(errors.New("the demo's run directory is no longer there"), "")
	}
	fmt.Fprintf(out, "$ orgconn restore --yes --org %s %s\n", org, runs[0])
	return demonstrate(ctx, out, newRestore(tenant.environment), "--yes", "--org", org, runs[0])
}

// onlyRowsFailed reports whether a run went through the whole list. Some rows of the
// sample fail on purpose.
func onlyRowsFailed(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.code == journal.ExitFailedRows
}

// seedDemo gives the tenant every pair of the sample list, and then does what the
// column remark says.
func seedDemo(tenant *simulator.Tenant) error {
	rows, err := csv.NewReader(bytes.NewReader(testdata.DemoPairs)).ReadAll()
	if err != nil {
		return fmt.Errorf("read the sample list: %w", err)
	}
	var pairs []simulator.Pair
	for _, row := range rows[1:] {
		if org, connection := row[0], row[1]; strings.HasPrefix(connection, "con_") && !strings.ContainsAny(org, "%/") {
			pairs = append(pairs, simulator.Pair{OrganizationID: org, ConnectionID: connection})
		}
	}
	tenant.SeedPairs(pairs)
	for _, row := range rows[1:] {
		org, connection, name, remark := row[0], row[1], row[2], row[3]
		switch remark {
		case "was off already":
			tenant.Disable(org, connection)
		case "customer left":
			tenant.RemoveOrganization(org)
		case "the only way in":
			keepOnly(tenant, org, name, connection)
		}
	}
	return nil
}

// keepOnly removes all other connections from an organization.
func keepOnly(tenant *simulator.Tenant, org, name, connection string) {
	tenant.RemoveOrganization(org)
	tenant.AddOrganization(org, name)
	tenant.Enable(org, simulator.DefaultSettings(connection))
}
