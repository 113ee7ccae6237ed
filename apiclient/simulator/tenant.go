// Package simulator is an Auth0 tenant for tests, rehearsals and
// demonstrations: the part of the Management API that deals with the
// connections of organizations, the tenant's log, the token endpoint, and the
// rate limits.
//
// It is an [http.Handler], to be served on a loopback port, and has an
// [http.RoundTripper] for tests without sockets. It takes all time from the
// time package and starts no goroutine, so it works inside testing/synctest.
// All randomness comes from one seeded source.
//
// Responses follow Auth0's docs and responses recorded from real tenants. If
// neither tells what Auth0 does, there is an option in [Config] or a comment.
package simulator

import (
	"cmp"
	"crypto/rsa"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
)

// Config describes a tenant. The zero Config is a tenant without limits,
// latency or randomness that accepts every client.
type Config struct {
	Plan      plans.Plan // limits, see [plans.All]; by default none, and no rate-limit headers
	Refill    Refill     // how the buckets refill; Drip by default
	HeadersOf HeadersOf  // which bucket the headers describe; the tightest by default

	// Latency is added to each response, half of it before the request is
	// processed and half after. LatencyOf, if set, is called instead, for each
	// request; it must draw from the given source only and not call the Tenant.
	Latency   time.Duration
	LatencyOf func(*rand.Rand) time.Duration
	Seed      uint64 // of all randomness

	// ClientID and ClientSecret are the only ones accepted. An empty ClientID
	// accepts every client. PublicKey, an RSA key, turns on private_key_jwt.
	ClientID     string
	ClientSecret string
	PublicKey    *rsa.PublicKey

	Scopes        []string      // granted to tokens; nil: what the work on organization connections needs
	TokenLifetime time.Duration // in whole seconds; 24 hours by default
	OmitScope     bool          // token responses have no scope, as some compatible servers do

	// EmptyForUnknown responds to a list of an organization that does not exist
	// with an empty one, and to a DELETE there with 204, instead of 404. It is
	// not documented which of them Auth0 does.
	EmptyForUnknown bool
	// DeleteMissingStatus is for a DELETE of a pair that is not enabled: 204
	// by default, as recorded, or 404, as compatible servers do.
	DeleteMissingStatus int
	// DuplicateStatus is for a POST of a pair that is enabled already, in the
	// enabled_connections family: 409 by default, 400 or 201.
	DuplicateStatus int

	// OmitOff leaves links that are off out of the older family's lists. By default
	// these show them, and nothing tells that they are off: no source shows which of
	// them Auth0 does.
	OmitOff bool
	// OlderOnly is a tenant without the newer family of endpoints: they respond with
	// 404. What Auth0 does there is not documented.
	OlderOnly bool

	LogDelay     time.Duration // from an event until the tenant's log shows it
	LogRetention time.Duration // how long the log keeps an entry; 0: for ever

	RecordCalls bool // keep every call in memory, for Calls and Count
}

// Tenant is a simulated tenant. Its methods may be called from several
// goroutines at the same time.
type Tenant struct {
	config Config
	routes map[string]route

	mu            sync.Mutex // guards what follows
	random        *rand.Rand
	limits        limits
	organizations directory[*organization]
	connections   directory[*connection]
	tokens        map[string]*token
	assertions    map[string]bool // jti of every client assertion used
	faults        []*injectedFault
	faultsCleared chan struct{} // closed by ClearFaults
	requests      uint64
	calls         []Call
	logs          map[string][]logEntry // by organization; those of writes have none
	logged        int                   // entries so far
	lockouts      []string              // see Lockouts
}

// New returns a tenant without organizations and connections.
func New(config Config) *Tenant {
	config.TokenLifetime = cmp.Or(config.TokenLifetime, 24*time.Hour)
	if config.Scopes == nil {
		config.Scopes = []string{
			"read:organization_connections", "create:organization_connections",
			"update:organization_connections", "delete:organization_connections",
			"read:organizations", "read:connections", "read:logs",
		}
	}
	t := &Tenant{
		config:        config,
		routes:        routes(),
		random:        rand.New(rand.NewPCG(config.Seed, 0)),
		limits:        limits{refill: config.Refill, headersOf: config.HeadersOf},
		organizations: newDirectory[*organization](),
		connections:   newDirectory[*connection](),
		tokens:        map[string]*token{},
		assertions:    map[string]bool{},
		faultsCleared: make(chan struct{}),
		logs:          map[string][]logEntry{},
	}
	if config.OlderOnly {
		maps.DeleteFunc(t.routes, func(_ string, r route) bool { return r.family == newerFamily })
	}
	t.limits.setPlan(config.Plan, time.Now())
	return t
}

type organization struct {
	id, name string
	links    []EnabledConnection
}

type connection struct {
	id, name, strategy string
}

// databaseStrategy is the strategy of Auth0's user databases.
const databaseStrategy = "auth0"

// EnabledConnection is the link of an organization to a connection.
type EnabledConnection struct {
	ConnectionID            string
	AssignMembershipOnLogin bool
	IsSignupEnabled         bool // shown for database connections only
	ShowAsButton            bool

	Off         bool   // is_enabled is false: the link exists, but nobody can log in through it
	AccessLevel string // organization_access_level: none (also if empty), readonly, limited, full
	Alias       string // organization_connection_name
}

// DefaultSettings returns a link with Auth0's default settings.
func DefaultSettings(connectionID string) EnabledConnection {
	return EnabledConnection{ConnectionID: connectionID, ShowAsButton: true}
}

// AddOrganization adds an organization without connections, and replaces one
// with the same id.
func (t *Tenant) AddOrganization(id, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.organizations.remove(id)
	t.organizations.add(id, name, &organization{id: id, name: name})
}

// AddConnection adds a connection to the tenant, and replaces one with the same
// id; links to it stay. Strategy auth0 is a database connection.
func (t *Tenant) AddConnection(id, name, strategy string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.connections.remove(id)
	t.connections.add(id, name, &connection{id, name, strategy})
}

// RemoveOrganization deletes an organization with its links.
func (t *Tenant) RemoveOrganization(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.organizations.remove(id)
}

// RemoveConnection deletes a connection from the tenant and from every
// organization.
func (t *Tenant) RemoveConnection(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.connections.remove(id)
	for _, o := range t.organizations.list {
		o.unlink(id)
	}
}

// Enable links a connection to an organization, or changes the settings of the
// link. An organization or connection that does not exist is added, named
// after its id, the connection as a database.
func (t *Tenant) Enable(organizationID string, link EnabledConnection) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.enable(organizationID, link)
}

func (t *Tenant) enable(organizationID string, link EnabledConnection) {
	o := t.ensureOrganization(organizationID, "")
	t.ensureConnection(link.ConnectionID, "", databaseStrategy)
	if old := o.link(link.ConnectionID); old != nil {
		*old = link
		return
	}
	o.links = append(o.links, link)
}

// ensureOrganization returns the organization with this id. If there is none,
// it adds one with the name or, if that is empty, named after its id.
func (t *Tenant) ensureOrganization(id, name string) *organization {
	o, ok := t.organizations.byID[id]
	if !ok {
		o = &organization{id: id, name: cmp.Or(name, strings.ToLower(strings.ReplaceAll(id, "_", "-")))}
		t.organizations.add(o.id, o.name, o)
	}
	return o
}

// ensureConnection is ensureOrganization for a connection.
func (t *Tenant) ensureConnection(id, name, strategy string) *connection {
	c, ok := t.connections.byID[id]
	if !ok {
		c = &connection{id, cmp.Or(name, strings.ReplaceAll(id, "_", "-")), strategy}
		t.connections.add(c.id, c.name, c)
	}
	return c
}

// Disable removes a link, if there is one.
func (t *Tenant) Disable(organizationID, connectionID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o, ok := t.organizations.byID[organizationID]; ok {
		o.unlink(connectionID)
	}
}

// Enabled returns a copy of an organization's links, including those that are
// off, in the order in which they were made.
func (t *Tenant) Enabled(organizationID string) []EnabledConnection {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o, ok := t.organizations.byID[organizationID]; ok {
		return slices.Clone(o.links)
	}
	return nil
}

// Organizations returns the ids of all organizations, in the order in which
// they were added.
func (t *Tenant) Organizations() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	ids := make([]string, len(t.organizations.list))
	for i, o := range t.organizations.list {
		ids[i] = o.id
	}
	return ids
}

// link returns the link to a connection, to be changed in place, or nil.
func (o *organization) link(connectionID string) *EnabledConnection {
	for i := range o.links {
		if o.links[i].ConnectionID == connectionID {
			return &o.links[i]
		}
	}
	return nil
}

// unlink removes the link to a connection and reports whether there was one.
func (o *organization) unlink(connectionID string) bool {
	before := len(o.links)
	o.links = slices.DeleteFunc(o.links, func(l EnabledConnection) bool { return l.ConnectionID == connectionID })
	return len(o.links) < before
}

// directory holds entries in the order in which they were added, and finds them
// by id and by name.
type directory[T comparable] struct {
	list   []T
	byID   map[string]T
	byName map[string]T
}

func newDirectory[T comparable]() directory[T] {
	return directory[T]{byID: map[string]T{}, byName: map[string]T{}}
}

func (d *directory[T]) add(id, name string, entry T) {
	d.list = append(d.list, entry)
	d.byID[id] = entry
	d.byName[name] = entry
}

// remove removes an entry, if there is one with this id.
func (d *directory[T]) remove(id string) {
	entry, ok := d.byID[id]
	if !ok {
		return
	}
	i := slices.Index(d.list, entry)
	d.list = slices.Delete(d.list, i, i+1)
	delete(d.byID, id)
	maps.DeleteFunc(d.byName, func(_ string, named T) bool { return named == entry })
}
