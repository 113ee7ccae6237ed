package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
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
plan: a dry run of a sample list, then the same list for real. Nothing leaves
this machine. The run directories stay in the current folder for you to look at.`

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
	folder, err := os.MkdirTemp("", "orgconn-demo-")
	if err != nil {
		return refused(err, "")
	}
	defer os.RemoveAll(folder)
	list := filepath.Join(folder, "pairs.csv")
	if err := os.WriteFile(list, testdata.DemoPairs, 0o644); err != nil {
		return refused(err, "")
	}
	fmt.Printf("A simulated tenant with the limits of an Enterprise plan is at %s.\n\n", tenant.domain)
	for _, flags := range [][]string{{"--dry-run"}, {"--yes"}} {
		fmt.Printf("$ orgconn disable %s pairs.csv\n", strings.Join(flags, " "))
		disable := newDisable(tenant.environment)
		disable.SetArgs(append(flags, list))
		disable.SilenceErrors, disable.SilenceUsage = true, true
		if err := disable.ExecuteContext(cmd.Context()); err != nil && !onlyRowsFailed(err) {
			return err
		}
		fmt.Println()
	}
	fmt.Println("Some rows failed, as they were meant to: results.csv says why for each.")
	return nil
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
