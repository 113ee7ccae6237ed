package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/orgconn/orgconn/apiclient/simulator"
	"github.com/orgconn/orgconn/batch"
)

// simulatedClient is the application that a simulated tenant knows.
const simulatedClient = "simulatedClient"

// simulated is a simulated tenant behind a loopback port.
type simulated struct {
	*simulator.Tenant
	server *http.Server
	domain string
	secret string
}

// newSimulated makes a tenant with one application, of an own secret.
func newSimulated(cfg simulator.Config) *simulated {
	cfg.ClientID, cfg.ClientSecret = simulatedClient, rand.Text()
	return &simulated{Tenant: simulator.New(cfg), secret: cfg.ClientSecret}
}

// listen serves the tenant on address until close. It must be a loopback one:
// the tenant is a toy, and nobody else's business.
func (s *simulated) listen(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return refused(fmt.Errorf("serve the simulated tenant: %w", err), "give another --listen")
	}
	if at, ok := listener.Addr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return refused(errors.Join(fmt.Errorf("%s is no loopback address", address), listener.Close()), "listen on 127.0.0.1")
	}
	s.domain = "http://" + listener.Addr().String()
	s.server = &http.Server{Handler: s.Tenant, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
	return nil
}

// close ends the tenant, and removes the lock that runs on it have left: there
// will be no others.
func (s *simulated) close() {
	_ = s.server.Close()
	_ = os.Remove(batch.LockFile(strings.TrimPrefix(s.domain, "http://")))
}

// variables are the names of the environment variables that lead to a tenant.
func (s *simulated) variables() []string {
	return []string{"AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET"}
}

// environment is the value of one of these, empty for any other.
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
