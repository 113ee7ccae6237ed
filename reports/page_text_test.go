package reports

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orgconn/orgconn/batch/journal"
)

func TestFlagsOfManyOrganizations(t *testing.T) {
	s := journal.Settings{MissingOK: true, Limit: 5}
	for i := range maxNamedFlags + 3 {
		s.Organizations = append(s.Organizations, fmt.Sprint("org_", i))
	}
	got := flags(s)
	for _, want := range []string{"--missing-ok --org org_0 ", " --org org_19 (and 3 more organizations) --limit 5 "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
}

func TestDashboardLinks(t *testing.T) {
	for tenant, want := range map[string]string{
		"acme.eu.auth0.com":              "https://manage.auth0.com/dashboard/eu/acme/organizations/" + orgA + "/overview",
		"acme.auth0.com":                 "https://manage.auth0.com/dashboard/us/acme/organizations/" + orgA + "/overview",
		"my-corp-2.jp.auth0.com":         "https://manage.auth0.com/dashboard/jp/my-corp-2/organizations/" + orgA + "/overview",
		"login.acme.com":                 "",
		"127.0.0.1:8080":                 "",
		"auth0.com":                      "",
		"acme.eu.auth0.com:443":          "",
		"acme.eu.auth0.com.evil.example": "",
		"evilauth0.com":                  "",
	} {
		if got := organizationLink(dashboard(tenant), orgA); got != want {
			t.Errorf("%s: %q, want %q", tenant, got, want)
		}
	}
	if got := organizationLink(dashboard("acme.auth0.com"), "org_../../x"); got != "" {
		t.Errorf("an id that is none: %q", got)
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain ünï 日本": "plain ünï 日本",
		"a\nb\tc":      "a␊b␉c",
		"x\u202ey":     "x⟨U+202E⟩y",
		"\x7f\u200b":   "⟨U+007F⟩⟨U+200B⟩",
	} {
		if got := visible(text); got != want {
			t.Errorf("visible(%q) = %q, want %q", text, got, want)
		}
	}
}
