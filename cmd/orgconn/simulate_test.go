package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient"
	"github.com/orgconn/orgconn/apiclient/simulator"
)

// simulatedFrom is the tenant that simulate serves for a list.
func simulatedFrom(t *testing.T, list string) *simulated {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pairs.csv")
	if err := os.WriteFile(path, []byte(list), 0o644); err != nil {
		t.Fatal(err)
	}
	o := simulateOptions{from: path, spare: "auto"}
	tenant, err := o.tenant(simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

// A rehearsal has links that are in use and links that are not.
func TestSimulatedTenantHasLogins(t *testing.T) {
	list := "org_id,connection_id\n"
	for i := range 90 {
		list += fmt.Sprintf("org_%016d,con_%016d\n", i, i%7)
	}
	tenant := simulatedFrom(t, list)
	client, err := apiclient.New(apiclient.Config{
		BaseURL: &url.URL{Scheme: "https", Host: "tenant.example"}, Timeout: time.Minute, Transport: tenant.Transport(),
		Credentials: apiclient.Credentials{Token: apiclient.Secret(tenant.IssueToken())},
	})
	if err != nil {
		t.Fatal(err)
	}
	used, recent := 0, 0
	for i := range 90 {
		last, _, err := client.LastLogin(t.Context(), fmt.Sprintf("org_%016d", i), fmt.Sprintf("con_%016d", i%7))
		switch {
		case err != nil:
			t.Fatal(err)
		case last.IsZero():
			continue
		case time.Since(last) > 7*24*time.Hour+time.Minute:
			t.Errorf("a login of %v", last)
		case time.Since(last) < 3*24*time.Hour:
			recent++
		}
		used++
	}
	if used < 20 || used > 40 || recent < 5 || recent == used {
		t.Errorf("%d of 90 links have logins, %d of them in the last three days", used, recent)
	}
}

func TestSimulatedLinksThatAreOff(t *testing.T) {
	tenant := simulatedFrom(t, "org_id,connection_id,Is_Enabled,show_as_button\n"+
		"org_1,con_1,no,yes\norg_1,con_2,yes,no\norg_1,con_3,,yes\norg_1,con_4,FALSE,no\n")
	var got []string
	for _, link := range tenant.Enabled("org_1") {
		got = append(got, fmt.Sprint(link.ConnectionID, " ", link.Off, " ", link.ShowAsButton))
	}
	want := []string{"con_1 true true", "con_2 false false", "con_3 false true", "con_4 true false"}
	if !slices.Equal(got, want) {
		t.Errorf("id, off, shown:\n got %s\nwant %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}
