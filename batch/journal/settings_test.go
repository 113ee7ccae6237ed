package journal

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient"
)

func TestFlagsAreAsTyped(t *testing.T) {
	all := Settings{
		DryRun: true, NoCheck: true, KeepLink: true, AllowLockout: true, AllowDefaults: true, MissingOK: true, LastLogins: true, UnusedFor: Age(720 * time.Hour), Connection: "new-idp", AnyID: true, API: apiclient.NewerFamily, MinRows: 3,
		Organizations: []string{"org_1", "org_2"}, Limit: 100, MaxChanges: 7, MaxFailures: Share(12.5),
		Headroom: 0.25, MaxRPS: 0.5, Workers: 128, Timeout: Duration(30 * time.Second), MaxDuration: Duration(4 * time.Hour),
	}
	want := []string{"--dry-run", "--no-check", "--keep-link", "--allow-lockout", "--allow-defaults", "--missing-ok",
		"--last-logins", "--unused-for 30d", "--connection new-idp", "--any-id", "--api connections", "--min-rows 3",
		"--org org_1", "--org org_2", "--limit 100", "--max-changes 7", "--max-failures 12.5%",
		"--headroom 25%", "--max-rps 0.5", "--workers 128", "--timeout 30s", "--max-duration 4h0m0s"}
	if got := all.Flags(); !slices.Equal(got, want) {
		t.Errorf("flags %q, want %q", got, want)
	}
	if fields := reflect.ValueOf(all); !allSet(fields) {
		t.Error("a setting is not tested here")
	}
	want = []string{"--max-failures 0", "--headroom 0%", "--workers 0", "--timeout 0s"}
	if got := (Settings{}).Flags(); !slices.Equal(got, want) {
		t.Errorf("flags of no settings: %q, want %q", got, want)
	}
}

// A share is written as it is meant, not as floating point has it.
func TestShares(t *testing.T) {
	for text, want := range map[string]string{
		"25%": "25%", "0.25": "25%", "0.29": "29%", "29%": "29%", "0.5%": "0.5%", "0": "0%", "0%": "0%", ".1": "10%", "1.0": "100%",
	} {
		percent, err := ParseShare(text)
		if got := FormatShare(percent / 100 * 100); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"10": `"10" is not a share: write 10% or 0.1`, "1": `"1" is not a share: write 1% or 0.01`,
		"7": `"7" is not a share: write 7% or 0.07`,
		"":  `"" is not a share such as 25% or 0.25`, "101": `"101" is not a share such as 25% or 0.25`, "1.01": `"1.01" is not a share such as 25% or 0.25`,
	} {
		if _, err := ParseShare(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// An age is a number of days, or a time.
func TestAge(t *testing.T) {
	for text, want := range map[string]string{"30d": "30d", "0d": "0d", "48h": "2d", "12h": "12h0m0s", "0s": "0d", "106751d": "106751d"} {
		var age Age
		if err := age.UnmarshalText([]byte(text)); err != nil || age.String() != want {
			t.Errorf("%s: %s, %v, want %s", text, age, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "-1h", "1.5d", "106752d", "30", "30 d", "1d12h"} {
		if err := new(Age).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func allSet(fields reflect.Value) bool {
	for i := range fields.NumField() {
		if fields.Field(i).IsZero() {
			return false
		}
	}
	return true
}

func TestMaxFailuresStopsAtItsLimit(t *testing.T) {
	cases := []struct {
		text            string
		failed, decided int
		want            bool
	}{
		{"0", 1000, 1000, false},
		{"0%", 1000, 1000, false},
		{"3", 2, 1000, false},
		{"3", 3, 3, true},
		{"50%", 99, 99, false}, // too few rows are decided
		{"50%", 50, 100, false},
		{"50%", 51, 100, true},
		{"0.5%", 1, 100, true},
		{"0.5", 50, 100, false},
		{"0.5", 51, 100, true},
		{"1", 1, 1, true}, // a row
		{"1.0", 100, 100, false},
		{"0.0", 1000, 1000, false},
	}
	for _, c := range cases {
		var bound Threshold
		if err := bound.UnmarshalText([]byte(c.text)); err != nil {
			t.Fatal(err)
		}
		if got := bound.Passed(c.failed, c.decided); got != c.want {
			t.Errorf("%s: %d failed of %d: %t", c.text, c.failed, c.decided, got)
		}
	}
	for _, bad := range []string{"", "-1", "5.5", "%", "101%", "-1%", "NaN%", "many", "1.5", "-0.5", "0.5%%", "NaN", "0,5", "5e-1"} {
		if err := new(Threshold).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
