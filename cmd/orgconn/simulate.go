package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

const simulateLong = `Serve a simulated Auth0 tenant on loopback until interrupted, to rehearse with.
It prints the environment variables that lead orgconn to it; paste them into
another terminal. When it ends, its state is lost.`

const simulateExample = `  orgconn simulate --from pairs.csv --plan private-500`

// simulateOptions are the flags of simulate.
type simulateOptions struct {
	listen  string // address
	plan    string
	from    string // path of a list; may be empty
	latency time.Duration
}

func newSimulate() *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:     "simulate",
		Short:   "serve a simulated tenant on loopback until interrupted",
		Long:    simulateLong,
		Example: simulateExample,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.simulate(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `address` to listen on; port 0 is any that is free")
	flags.StringVar(&o.plan, "plan", "enterprise", "limits of a `PLAN`: "+strings.Join(planNames(), ", "))
	flags.StringVar(&o.from, "from", "", "list `PAIRS.csv`: the tenant has every pair of it enabled, and one connection more in each organization")
	flags.DurationVar(&o.latency, "latency", demoLatency, "time to an answer")
	return cmd
}

// simulate serves the tenant until ctx ends.
func (o *simulateOptions) simulate(ctx context.Context) error {
	plan, ok := plans.ByName(o.plan)
	if !ok {
		return refused(fmt.Errorf("there is no plan %q", o.plan), "plans: "+strings.Join(planNames(), ", "))
	}
	tenant := newSimulated(simulator.Config{Plan: plan, Latency: o.latency})
	if o.from != "" {
		if err := seedFrom(tenant.Tenant, o.from); err != nil {
			return refused(err, "")
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

// seedFrom enables every pair of a list in the tenant.
func seedFrom(tenant *simulator.Tenant, path string) error {
	l, err := list.Open(path, path, list.Options{Command: journal.CommandDisable, AnyID: true})
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

// simulatedClient is the client id of the application that a simulated tenant has.
const simulatedClient = "simulatedClient"

// simulated is a simulated tenant behind a loopback port.
type simulated struct {
	*simulator.Tenant
	server *http.Server
	domain string // its URL
	secret string // of its application
}

// newSimulated makes a tenant with one application, whose secret is random.
func newSimulated(cfg simulator.Config) *simulated {
	cfg.ClientID, cfg.ClientSecret = simulatedClient, rand.Text()
	return &simulated{Tenant: simulator.New(cfg), secret: cfg.ClientSecret}
}

// listen serves the tenant on a loopback address until close. It refuses any other
// address, because the tenant is not made for other machines to reach.
func (s *simulated) listen(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return refused(fmt.Errorf("serve the simulated tenant: %w", err), "give another --listen")
	}
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return refused(errors.Join(fmt.Errorf("%s is not a loopback address", address), listener.Close()), "listen on 127.0.0.1")
	}
	s.domain = "http://" + listener.Addr().String()
	s.server = &http.Server{Handler: s.Tenant, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
	return nil
}

// close ends the tenant and removes the lock file of its runs, which nobody will
// need again.
func (s *simulated) close() {
	_ = s.server.Close()
	_ = os.Remove(batch.LockFile(strings.TrimPrefix(s.domain, "http://")))
}

// variables returns the names of the environment variables that lead orgconn to the
// tenant.
func (s *simulated) variables() []string {
	return []string{"AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET"}
}

// environment returns the value of one of these variables, and "" for any other.
func (s *simulated) environment(name string) string {
	switch name {
	case "AUTH0_DOMAIN":
		return s.domain
	case "AUTH0_CLIENT_ID":
		return simulatedClient
	case "AUTH0_CLIENT_SECRET":
		return s.secret
	}
	return ""
}
