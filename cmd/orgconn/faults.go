package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/orgconn/orgconn/apiclient/simulator"
)

// apiPath keeps faults away from the token endpoint: without a token there is
// no run to rehearse.
const apiPath = "/api/v2/"

// namedFaults are the faults that simulate knows by name.
func namedFaults() map[string]simulator.Fault {
	return map[string]simulator.Fault{
		"reset-before":    {Kind: simulator.Reset, Stage: simulator.AtHandler},
		"reset-after":     {Kind: simulator.Reset, Stage: simulator.AfterEffect},
		"hang-before":     {Kind: simulator.Hang, Stage: simulator.AtHandler},
		"hang-after":      {Kind: simulator.Hang, Stage: simulator.AfterEffect},
		"html":            {Kind: simulator.Page},
		"truncated":       {Kind: simulator.Truncate},
		"revoked-token":   {Kind: simulator.Revoke},
		"expired-token":   {Kind: simulator.Expire},
		"no-headers":      {Kind: simulator.Headers, Edit: simulator.DropRateLimit},
		"remaining-zero":  {Kind: simulator.Headers, Edit: simulator.RemainingZero},
		"remaining-limit": {Kind: simulator.Headers, Edit: simulator.RemainingLimit},
	}
}

func faultNames() []string {
	return slices.Sorted(maps.Keys(namedFaults()))
}

// parseFault reads a fault as it is typed: a name or a status, and how often.
func parseFault(spec string) (simulator.Fault, error) {
	name, share, hasShare := strings.Cut(spec, "=")
	fault, known := namedFaults()[name]
	if status, err := strconv.Atoi(name); err == nil && status >= 200 && status <= 599 {
		fault, known = simulator.Fault{Kind: simulator.Status, Code: status}, true
	}
	if !known {
		return fault, fmt.Errorf("there is no fault %q", name)
	}
	fault.Path = apiPath
	if hasShare {
		number, isPercent := strings.CutSuffix(share, "%")
		p, err := strconv.ParseFloat(number, 64)
		if err != nil || !(p > 0 && p <= 100) || !isPercent {
			return fault, fmt.Errorf("fault %s: %q is not a share from 0%% to 100%%", name, share)
		}
		fault.Probability = p / 100
	}
	return fault, nil
}
