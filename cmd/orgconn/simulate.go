package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

const simulateLong = `Serve a simulated Auth0 tenant on loopback until interrupted, to rehearse with.
It prints the environment variables that lead orgconn to it; paste them into
another terminal. What is done to it is lost when it ends.`

const simulateExample = `  orgconn simulate --from pairs.csv --plan private-500
  orgconn simulate --from pairs.csv --fault reset-after=5% --fault 503=1%`

// simulateOptions are the flags of simulate.
type simulateOptions struct {
	listen  string
	plan    string
	from    string
	latency time.Duration
	faults  []string
}

func newSimulate() *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:     "simulate",
		Short:   "serve a simulated tenant on loopback until interrupted",
		Long:    simulateLong,
		Example: simulateExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `address` to listen on; port 0 is any that is free")
	flags.StringVar(&o.plan, "plan", "enterprise", "limits of a `PLAN`: "+strings.Join(planNames(), ", "))
	flags.StringVar(&o.from, "from", "", "list `PAIRS.csv`: the tenant has every pair of it enabled, and one connection more in each organization")
	flags.DurationVar(&o.latency, "latency", demoLatency, "time to an answer")
	flags.StringArrayVar(&o.faults, "fault", nil, "let requests fail: `KIND=P%`, repeatable; kinds: "+strings.Join(faultNames(), ", ")+", or a status like 503")
	return cmd
}

func (o *simulateOptions) run(ctx context.Context) error {
	plan, ok := plans.ByName(o.plan)
	if !ok {
		return refused(fmt.Errorf("there is no plan %q", o.plan), "plans: "+strings.Join(planNames(), ", "))
	}
	tenant := newSimulated(simulator.Config{Plan: plan, Latency: o.latency})
	for _, spec := range o.faults {
		fault, err := parseFault(spec)
		if err != nil {
			return refused(err, "faults: "+strings.Join(faultNames(), ", ")+", or a status like 503, each with =P% or without")
		}
		tenant.Inject(fault)
	}
	if o.from != "" {
		if err := seedFrom(tenant.Tenant, o.from); err != nil {
			return err
		}
	}
	if err := tenant.listen(o.listen); err != nil {
		return err
	}
	defer tenant.close()
	for _, name := range tenant.variables() {
		fmt.Printf("export %s=%s\n", name, tenant.environment(name))
	}
	fmt.Fprintf(os.Stderr, "simulated tenant with the limits of plan %s; interrupt to end it\n", o.plan)
	<-ctx.Done()
	return nil
}

func planNames() []string {
	var names []string
	for _, plan := range plans.All() {
		names = append(names, plan.Name)
	}
	return names
}

// seedFrom lets the tenant have what a list says.
func seedFrom(tenant *simulator.Tenant, path string) error {
	l, err := list.Open(path, path, list.Options{Command: journal.CommandDisable})
	if err != nil {
		return err
	}
	defer l.Close()
	var pairs []simulator.Pair
	for rec, err := range l.Records() {
		switch {
		case err != nil:
			return err
		case rec.Outcome == "":
			pairs = append(pairs, simulator.Pair{
				OrganizationID: rec.OrgID, OrganizationName: rec.OrgName,
				ConnectionID: rec.ConnectionID, ConnectionName: rec.ConnectionName,
			})
		}
	}
	tenant.SeedPairs(pairs)
	return nil
}
