package apiclient

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDirectoryRequestsAreAsDocumented(t *testing.T) {
	var got string
	client := clientFor(t, func(w http.ResponseWriter, req *http.Request) {
		got = req.Method + " " + strings.TrimPrefix(req.RequestURI, "/api/v2/")
		if strings.HasPrefix(req.URL.Path, "/api/v2/organizations/") {
			io.WriteString(w, `{"id":"`+org+`","name":"acme"}`)
			return
		}
		io.WriteString(w, "[]")
	})
	fields := "fields=id,name,strategy&include_fields=true"
	for want, call := range map[string]func() error{
		"GET organizations?take=100": func() error {
			_, _, _, err := client.Organizations(t.Context(), "")
			return err
		},
		"GET organizations?take=100&from=x": func() error {
			_, _, _, err := client.Organizations(t.Context(), "take=100&from=x")
			return err
		},
		"GET organizations?per_page=1&page=0&include_totals=true": func() error {
			_, _, err := client.OrganizationCount(t.Context())
			return err
		},
		"GET connections?" + fields + "&per_page=1&page=0&include_totals=true": func() error {
			_, _, err := client.ConnectionCount(t.Context())
			return err
		},
		"GET organizations/" + org: func() error {
			_, _, err := client.Organization(t.Context(), org)
			return err
		},
		"GET organizations/name/a%2F..%20%3F%25": func() error {
			_, _, err := client.OrganizationByName(t.Context(), "a/.. ?%")
			return err
		},
		"GET connections?" + fields + "&take=100": func() error {
			_, _, _, err := client.Connections(t.Context(), "", "")
			return err
		},
		"GET connections?" + fields + "&name=a%26b+c&per_page=100&page=0": func() error {
			_, _, _, err := client.Connections(t.Context(), "a&b c", "")
			return err
		},
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestUnusableNamesAreNotSent(t *testing.T) {
	client := neverCalled(t)
	for _, name := range []string{"", ".", ".."} {
		_, _, err := client.OrganizationByName(t.Context(), name)
		if apiErr := asError(t, err); apiErr.Class != Refused || apiErr.Sent {
			t.Errorf("name %q: got %+v", name, apiErr)
		}
	}
	_, _, err := client.Organization(t.Context(), "../clients")
	if apiErr := asError(t, err); apiErr.Class != Refused || apiErr.Sent {
		t.Errorf("id: got %+v", apiErr)
	}
}

// A cache in between may send what another call was answered with.
func TestAnotherOrganizationIsNoAnswer(t *testing.T) {
	client := clientFor(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"org_0000000000000007","name":"other"}`)
	})
	if _, _, err := client.Organization(t.Context(), "org_0000000000000001"); err == nil {
		t.Error("another organization than the one that was asked for is taken")
	}
	if _, _, err := client.Organization(t.Context(), "org_0000000000000007"); err != nil {
		t.Error(err)
	}
}

// numbered returns organizations in the order in which a server lists them.
func numbered(from, to int) []Named {
	items := []Named{}
	for i := from; i < to; i++ {
		items = append(items, Named{fmt.Sprint("org_", i), fmt.Sprint("name", i)})
	}
	return items
}

// A tenant may page in another way than the one that is requested.
func TestEveryPageIsRead(t *testing.T) {
	send := func(w io.Writer, answer any) { _ = json.NewEncoder(w).Encode(answer) }
	number := func(q url.Values, name string, preset int) int {
		if n, err := strconv.Atoi(q.Get(name)); err == nil {
			return n
		}
		return preset
	}
	for name, test := range map[string]struct {
		answer func(w io.Writer, all []Named, q url.Values)
		calls  int // for 250 organizations
	}{
		"checkpoints": {func(w io.Writer, all []Named, q url.Values) {
			at := number(q, "from", 0)
			end := min(at+number(q, "take", 50), len(all))
			answer := map[string]any{"organizations": all[at:end]}
			if end < len(all) {
				answer["next"] = strconv.Itoa(end)
			}
			send(w, answer)
		}, 3},
		"checkpoints that end with null": {func(w io.Writer, all []Named, q url.Values) {
			at := number(q, "from", 0)
			end := min(at+100, len(all))
			answer := map[string]any{"organizations": all[at:end], "next": nil}
			if end < len(all) {
				answer["next"] = strconv.Itoa(end)
			}
			send(w, answer)
		}, 3},
		"offsets in an array": {func(w io.Writer, all []Named, q url.Values) {
			size := number(q, "per_page", 50)
			at := min(size*number(q, "page", 0), len(all))
			send(w, all[at:min(at+size, len(all))])
		}, 6},
		"offsets with totals, of another size than asked for": {func(w io.Writer, all []Named, q url.Values) {
			at := min(30*number(q, "page", 0), len(all))
			page := all[at:min(at+30, len(all))]
			send(w, map[string]any{"organizations": page, "start": at, "limit": len(page), "total": len(all)})
		}, 9},
		"no paging": {func(w io.Writer, all []Named, q url.Values) { send(w, all) }, 1},
	} {
		all := numbered(0, 250)
		calls := 0
		client := clientFor(t, func(w http.ResponseWriter, req *http.Request) {
			calls++
			test.answer(w, all, req.URL.Query())
		})
		var got []Named
		for cursor := ""; calls < 20; {
			items, next, _, err := client.Organizations(t.Context(), cursor)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got = append(got, items...); next == "" {
				break
			}
			cursor = next
		}
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
		if calls != test.calls {
			t.Errorf("%s: %d calls, want %d", name, calls, test.calls)
		}
	}
}

func TestOnlyAListIsReadAsConnections(t *testing.T) {
	one := []Named{{"con_1", "google"}}
	item := `{"id":"con_1","name":"google","strategy":"google-oauth2","options":{"client_secret":"x"}}`
	for _, test := range []struct {
		body string
		want []Named // nil: an error
	}{
		{"[]", []Named{}},
		{"[" + item + "]", one},
		{`{"connections":[` + item + `],"next":null}`, one},
		{`{"connections":[` + item + `],"total":1}`, one},
		{`{"connections":[` + item + `],"next":""}`, one},
		{"", nil},
		{"null", nil},
		{"{}", nil},
		{"[null]", nil},
		{"[{}]", nil},
		{`[{"name":"google"}]`, nil},
		{`[{"id":1}]`, nil},
		{`{"connections":null}`, nil},
		{`{"organizations":[]}`, nil},
		{`{"connections":[],"next":7}`, nil},
		{`{"statusCode":404,"error":"Not Found"}`, nil},
		{"<!doctype html><title>Sign in</title>", nil},
	} {
		got, _, _, err := answering(t, 200, "application/json", test.body).Connections(t.Context(), "google", "")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q: -want +got:\n%s", test.body, diff)
		}
		if test.want == nil && asError(t, err).Class != Transient {
			t.Errorf("%q: got %v", test.body, err)
		}
	}
}

func TestOnlyAnOrganizationIsReadAsOne(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		class  Class // 0: found
	}{
		{200, `{"id":"org_1","name":"acme","metadata":{}}`, 0},
		{404, `{"statusCode":404,"error":"Not Found","message":"No organization found by that id or name"}`, NotFound},
		{400, `{"statusCode":400,"error":"Bad Request","errorCode":"invalid_uri"}`, Refused},
		{200, `[{"id":"org_1","name":"acme"}]`, Transient},
		{200, `{"name":"acme"}`, Transient},
		{200, "null", Transient},
		{200, "", Transient},
		{204, "", Transient},
	} {
		client := answering(t, test.status, "application/json", test.body)
		got, _, err := client.OrganizationByName(t.Context(), "acme")
		if test.class == 0 {
			if err != nil || got != (Named{"org_1", "acme"}) {
				t.Errorf("%q: got %v, %v", test.body, got, err)
			}
		} else if apiErr := asError(t, err); apiErr.Class != test.class {
			t.Errorf("%d %q: got %+v", test.status, test.body, apiErr)
		}
	}
}

func TestUnknownCountIsZero(t *testing.T) {
	for body, want := range map[string]int{
		`{"organizations":[],"start":0,"limit":0,"total":1234}`: 1234,
		`{"organizations":[],"total":-1}`:                       0,
		`{"organizations":[],"total":"many"}`:                   0,
		"[]":                                                    0,
		"":                                                      0,
	} {
		got, _, err := answering(t, 200, "application/json", body).OrganizationCount(t.Context())
		if err != nil || got != want {
			t.Errorf("%q: got %d, %v", body, got, err)
		}
	}
}
