package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch"
	"github.com/orgconn/orgconn/batch/journal"
	"github.com/orgconn/orgconn/batch/list"
)

const simulateLong = `Serve a simulated Auth0 tenant on loopback until interrupted, to rehearse with.
It prints the environment variables that lead orgconn to it; paste them into
another terminal. When it ends, its state is lost.

A list that is an export gives just its links, with its settings. With any other
list, settings are invented, and each organization but every tenth gets one
connection more, so that the lockout guard blocks just a few rows; --spare
decides that. A list may also have a column is_enabled: a link for which it says
no is switched off.

Through about a third of the links somebody has logged in within the last week.
The links and the ages of the logins are the same each time.`

const simulateExample = `  orgconn simulate --from pairs.csv --plan private-500`

// simulateOptions are the flags of simulate.
type simulateOptions struct {
	listen  string // address
	plan    string
	from    string // path of a list; may be empty
	spare   string // yes, no, or auto
	key     bool
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
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.simulate(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback `ADDRESS` to listen on; port 0 is any that is free")
	flags.StringVar(&o.plan, "plan", "enterprise", "limits of a `PLAN`: "+strings.Join(planNames(), ", "))
	flags.StringVar(&o.from, "from", "", "list `PAIRS.csv`: the tenant has every pair of it enabled")
	flags.StringVar(&o.spare, "spare", "auto", "`S` is yes (one connection more in each organization), no, or auto (not in each tenth, nor if the list has settings)")
	flags.BoolVar(&o.key, "private-key-jwt", false, "the application signs with a private key instead of a secret")
	flags.DurationVar(&o.latency, "latency", demoLatency, "`TIME` to an answer")
	group(flags, "Flags")
	return cmd
}

// simulate serves the tenant until ctx ends.
func (o *simulateOptions) simulate(ctx context.Context, out io.Writer) error {
	plan, ok := plans.ByName(o.plan)
	if !ok {
		return refused(fmt.Errorf("there is no plan %q", o.plan), "plans: "+strings.Join(planNames(), ", "))
	}
	if !slices.Contains([]string{"yes", "no", "auto"}, o.spare) {
		return refused(fmt.Errorf("--spare must be yes, no or auto, not %q", o.spare), "")
	}
	tenant, err := o.tenant(simulator.Config{Plan: plan, Latency: o.latency})
	if err != nil {
		return err
	}
	if err := tenant.listen(o.listen); err != nil {
		return err
	}
	defer tenant.close()
	for _, name := range tenant.variables() {
		value := tenant.environment(name)
		if strings.Contains(value, "\n") { // the key, which has no quotes
			value = "'" + value + "'"
		}
		fmt.Fprintf(out, "export %s=%s\n", name, value)
	}
	if tenant.key != "" {
		fmt.Fprintln(out, "unset AUTH0_CLIENT_SECRET") // it would be used before the key
	}
	fmt.Fprintf(newOutput(os.Stderr, logTimeout), "simulated tenant with the limits of plan %s; interrupt to end it\n", o.plan)
	<-ctx.Done()
	return nil
}

// tenant makes the tenant, with an application as --private-key-jwt says, and with the
// pairs of the list.
func (o *simulateOptions) tenant(cfg simulator.Config) (tenant *simulated, err error) {
	if o.key {
		tenant, err = newSimulatedWithKey(cfg)
	} else {
		tenant = newSimulated(cfg)
	}
	if err != nil || o.from == "" {
		return tenant, err
	}
	if err := seedFrom(tenant.Tenant, o.from, o.spare); err != nil {
		return nil, refused(err, "")
	}
	tenant.SeedLogins(1./3, 7*24*time.Hour)
	return tenant, nil
}

func planNames() []string {
	var names []string
	for _, plan := range plans.All() {
		names = append(names, plan.Name)
	}
	return names
}

// seedFrom enables every pair of a list in the tenant, with its settings if the list has
// some.
func seedFrom(tenant *simulator.Tenant, path, spare string) error {
	l, err := list.Open(path, path, list.Options{Command: journal.CommandDisable, AnyID: true})
	if err != nil {
		return err
	}
	defer l.Close()
	columns := settingColumns(l.Carried())
	var pairs []simulator.Pair
	for rec, err := range l.Records() {
		switch {
		case err != nil:
			return err
		case rec.Outcome == "":
			pair := simulator.Pair{
				OrganizationID: rec.OrgID, OrganizationName: rec.OrgName,
				ConnectionID: rec.ConnectionID, ConnectionName: rec.ConnectionName,
			}
			if len(columns) > 0 {
				addLink(&pair, columns, rec.Carried)
			}
			pairs = append(pairs, pair)
		}
	}
	switch {
	case spare == "yes":
		tenant.SeedPairs(pairs)
	case spare == "auto" && len(columns) == 0:
		tenant.SeedPairs(pairs)
		lockSomeOut(tenant)
	default:
		tenant.Seed(pairs)
	}
	return nil
}

// lockSomeOut takes the spare connection from each tenth organization, so that there is
// something for the lockout guard to block.
func lockSomeOut(tenant *simulator.Tenant) {
	for i, org := range tenant.Organizations() {
		if i%10 == 9 {
			tenant.Disable(org, simulator.SpareConnection)
		}
	}
}

// settingColumns finds the columns of settings and is_enabled, by name, among the
// carried-through ones of a list.
func settingColumns(carried []string) map[string]int {
	columns := map[string]int{}
	names := []string{"is_enabled"}
	for _, setting := range new(apiclient.LinkSettings).All() {
		names = append(names, setting.Name)
	}
	for _, name := range names {
		isColumn := func(c string) bool { return strings.EqualFold(strings.TrimPrefix(c, "input_"), name) }
		if i := slices.IndexFunc(carried, isColumn); i >= 0 { // with input_ if results.csv has one of its name
			columns[name] = i
		}
	}
	return columns
}

// addLink adds the settings of a row. Only databases have is_signup_enabled.
func addLink(pair *simulator.Pair, columns map[string]int, cells []string) {
	cell := func(name string) string {
		if i, ok := columns[name]; ok {
			return cells[i]
		}
		return ""
	}
	pair.Database = cell("is_signup_enabled") != ""
	pair.Link = &simulator.EnabledConnection{
		AssignMembershipOnLogin: isYes(cell("assign_membership_on_login")),
		IsSignupEnabled:         isYes(cell("is_signup_enabled")),
		ShowAsButton:            isYes(cmp.Or(cell("show_as_button"), "yes")),
		AccessLevel:             cell("organization_access_level"),
		Alias:                   cell("organization_connection_name"),
		Off:                     !isYes(cmp.Or(cell("is_enabled"), "yes")),
	}
}

func isYes(cell string) bool {
	return strings.EqualFold(cell, "yes") || strings.EqualFold(cell, "true")
}

// simulatedClient is the client id of the application that a simulated tenant has.
const simulatedClient = "simulatedClient"

// simulated is a simulated tenant behind a loopback port.
type simulated struct {
	*simulator.Tenant
	server *http.Server
	domain string // its URL
	secret string // of its application
	key    string // of its application, as PEM; "" if it has a secret
}

// newSimulated makes a tenant with one application, whose secret is random.
func newSimulated(cfg simulator.Config) *simulated {
	cfg.ClientID, cfg.ClientSecret = simulatedClient, rand.Text()
	return &simulated{Tenant: simulator.New(cfg), secret: cfg.ClientSecret}
}

// newSimulatedWithKey makes a tenant whose application signs with a private key.
func newSimulatedWithKey(cfg simulator.Config) (*simulated, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	cfg.PublicKey = &key.PublicKey
	s := newSimulated(cfg)
	s.key = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	return s, nil
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
	names := []string{"AUTH0_DOMAIN", "AUTH0_CLIENT_ID"}
	if s.key != "" {
		return append(names, "AUTH0_CLIENT_ASSERTION_PRIVATE_KEY", "AUTH0_CLIENT_ASSERTION_SIGNING_ALG")
	}
	return append(names, "AUTH0_CLIENT_SECRET")
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
	case "AUTH0_CLIENT_ASSERTION_PRIVATE_KEY":
		return s.key
	case "AUTH0_CLIENT_ASSERTION_SIGNING_ALG":
		return "RS256"
	}
	return ""
}
