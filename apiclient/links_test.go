package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ptr[T any](value T) *T { return &value }

func TestLinkRequestsAreAsDocumented(t *testing.T) {
	var got string
	client := clientFor(t, func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		got = fmt.Sprintf("%s %s %s %s", req.Method, req.RequestURI, req.Header.Get("Authorization"), body)
		switch req.Method {
		case http.MethodGet:
			io.WriteString(w, "[]")
		case http.MethodPost:
			w.WriteHeader(http.StatusCreated)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	})
	path := "/api/v2/organizations/" + org + "/enabled_connections"
	newer := "/api/v2/organizations/" + org + "/connections"
	named := Link{ConnectionID: connection, LinkSettings: LinkSettings{
		ShowAsButton: ptr(true), AccessLevel: ptr("limited"), OrganizationConnectionName: ptr("staff"),
	}}
	for _, test := range []struct {
		name string
		call func() error
		want string
	}{
		{"list", func() error {
			_, _, err := client.Links(t.Context(), OlderFamily, org, 3)
			return err
		}, "GET " + path + "?per_page=100&page=3&include_totals=true Bearer fixed-token "},
		{"disable", func() error {
			_, err := client.DisableConnection(t.Context(), org, connection)
			return err
		}, "DELETE " + path + "/" + connection + " Bearer fixed-token "},
		{"enable with all settings", func() error {
			_, err := client.EnableConnection(t.Context(), OlderFamily, org, Link{
				ConnectionID: connection, IsEnabled: ptr(true),
				LinkSettings: LinkSettings{AssignMembershipOnLogin: ptr(true), ShowAsButton: ptr(false), IsSignupEnabled: ptr(true)},
			})
			return err
		}, "POST " + path + ` Bearer fixed-token {"connection_id":"` + connection +
			`","assign_membership_on_login":true,"show_as_button":false,"is_signup_enabled":true}`},
		{"enable with none", func() error {
			_, err := client.EnableConnection(t.Context(), OlderFamily, org, Link{ConnectionID: connection})
			return err
		}, "POST " + path + ` Bearer fixed-token {"connection_id":"` + connection + `"}`},
		{"list of the newer family", func() error {
			_, _, err := client.Links(t.Context(), NewerFamily, org, 0)
			return err
		}, "GET " + newer + "?per_page=100&page=0&include_totals=true Bearer fixed-token "},
		{"enable without what the older family does not take", func() error {
			_, err := client.EnableConnection(t.Context(), OlderFamily, org, named)
			return err
		}, "POST " + path + ` Bearer fixed-token {"connection_id":"` + connection + `","show_as_button":true}`},
		{"enable in the newer family", func() error {
			_, err := client.EnableConnection(t.Context(), NewerFamily, org, named)
			return err
		}, "POST " + newer + ` Bearer fixed-token {"connection_id":"` + connection + `","is_enabled":true,"show_as_button":true,` +
			`"organization_access_level":"limited","organization_connection_name":"staff"}`},
		{"switch off", func() error {
			_, err := client.SwitchConnection(t.Context(), org, connection, false)
			return err
		}, "PATCH " + newer + "/" + connection + ` Bearer fixed-token {"is_enabled":false}`},
		{"switch on", func() error {
			_, err := client.SwitchConnection(t.Context(), org, connection, true)
			return err
		}, "PATCH " + newer + "/" + connection + ` Bearer fixed-token {"is_enabled":true}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.call(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A setting that All lacks would be lost: restore could not give it back.
func TestAllListsEverySetting(t *testing.T) {
	all := new(LinkSettings).All()
	if fields := reflect.TypeFor[LinkSettings]().NumField(); len(all) != fields {
		t.Errorf("All lists %d of %d settings", len(all), fields)
	}
	for i, setting := range all {
		var s LinkSettings
		want := fmt.Sprintf(`{"%s":true}`, setting.Name)
		switch field := s.All()[i].Field.(type) {
		case **bool:
			*field = ptr(true)
		case **string:
			*field = ptr("full")
			want = fmt.Sprintf(`{"%s":"full"}`, setting.Name)
		}
		body, err := json.Marshal(s)
		if err != nil || string(body) != want {
			t.Errorf("setting %s is sent as %s, %v", setting.Name, body, err)
		}
	}
}

func TestUnusableIDsAreNotSent(t *testing.T) {
	client := neverCalled(t)
	for _, id := range []string{"", ".", "..", "a/b", "a%2Fb", "a b", "a?b", "a#b", "a\nb", "ä", "a;b"} {
		_, listResp, listErr := client.Links(t.Context(), OlderFamily, id, 0)
		orgResp, orgErr := client.DisableConnection(t.Context(), id, connection)
		conResp, conErr := client.DisableConnection(t.Context(), org, id)
		offResp, offErr := client.SwitchConnection(t.Context(), org, id, false)
		addResp, addErr := client.EnableConnection(t.Context(), OlderFamily, org, Link{ConnectionID: id})
		for i, err := range []error{listErr, orgErr, conErr, offErr, addErr} {
			if apiErr := asError(t, err); apiErr.Class != Refused || apiErr.Sent {
				t.Errorf("id %q, call %d: got %+v", id, i, apiErr)
			}
		}
		for i, resp := range []*Response{listResp, orgResp, conResp, offResp, addResp} {
			if resp == nil || resp.Tried {
				t.Errorf("id %q, call %d: got response %+v", id, i, resp)
			}
		}
	}
}

func TestOnlyConfirmedWritesAreDone(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		done   bool
	}{
		{204, "", true},
		{201, "", true},
		{201, `{"connection_id":"con_x"}`, true},
		{200, "", true},
		{200, " \n", true},
		{200, "{}", true},
		{200, `{"connection_id":"` + connection + `"}`, true},
		{200, `{"id":"` + connection + `","name":"x"}`, true},
		{200, `{"connection_id":"con_other"}`, false},
		{200, `{"message":"queued"}`, false},
		{200, "null", false},
		{200, "[]", false},
		{200, "true", false},
		{200, `{"connection_id":"` + connection, false},
		{200, "<html>login to the network</html>", false},
		{202, "", false},
		{206, "{}", false},
	} {
		client := answering(t, test.status, "application/json", test.body)
		_, disableErr := client.DisableConnection(t.Context(), org, connection)
		_, enableErr := client.EnableConnection(t.Context(), OlderFamily, org, Link{ConnectionID: connection})
		_, switchErr := client.SwitchConnection(t.Context(), org, connection, false)
		for _, err := range []error{disableErr, enableErr, switchErr} {
			if test.done {
				if err != nil {
					t.Errorf("%d %q: %v", test.status, test.body, err)
				}
			} else if apiErr := asError(t, err); apiErr.Class != Transient || !apiErr.Sent {
				t.Errorf("%d %q: got %+v", test.status, test.body, apiErr)
			}
		}
	}
}

// A tenant that answers a PATCH with a link that still is on has not switched it off.
func TestSwitchThatChangedNothingIsNotDone(t *testing.T) {
	for body, done := range map[string]bool{
		`{"connection_id":"` + connection + `","is_enabled":false}`: true,
		`{"connection_id":"` + connection + `","is_enabled":true}`:  false,
	} {
		_, err := answering(t, 200, "application/json", body).SwitchConnection(t.Context(), org, connection, false)
		if (err == nil) != done {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

// Settings that Auth0 may add some day are not lost without a word.
// What is kept of a link has to fit the place where it is kept.
func TestLongLinkIsNoAnswer(t *testing.T) {
	for length, good := range map[int]bool{maxLink / 2: true, maxLink: false} {
		client := clientFor(t, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `[{"connection_id":"con_1","future":"%s"}]`, strings.Repeat("<", length))
		})
		_, _, err := client.Links(t.Context(), OlderFamily, org, 0)
		if (err == nil) != good || err != nil && !strings.HasSuffix(err.Error(), "a link of more than 102400 bytes") {
			t.Errorf("a field of %d bytes: %v", length, err)
		}
	}
}

func TestUnknownSettingsOfALinkAreKept(t *testing.T) {
	client := answering(t, 200, "application/json", `[{"connection_id":"con_1","show_as_button":true,"connection":{},`+
		`"organization_member_access_level":"full","nothing":null,"organization_connection_name":"x"}]`)
	page, _, err := client.Links(t.Context(), NewerFamily, org, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]json.RawMessage{"organization_member_access_level": json.RawMessage(`"full"`)}
	if diff := cmp.Diff(want, page.Links[0].Unknown); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The tenant's log shows calls by this id.
func TestCorrelationIDIsSent(t *testing.T) {
	var got []string
	client := clientFor(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Values("X-Correlation-ID")
		w.WriteHeader(http.StatusNoContent)
	})
	for _, test := range []struct {
		ctx  context.Context
		want []string
	}{{t.Context(), nil}, {WithCorrelationID(t.Context(), "run-7-abc"), []string{"run-7-abc"}}} {
		if _, err := client.DisableConnection(test.ctx, org, connection); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("sent %q, want %q; %v", got, test.want, err)
		}
	}
}

func TestOnlyAListIsReadAsLinks(t *testing.T) {
	item := `{"connection_id":"con_1","assign_membership_on_login":false,"is_signup_enabled":true,` +
		`"is_enabled":false,"organization_access_level":"none","connection":{"name":"n","strategy":"auth0"}}`
	full := []Link{{
		ConnectionID: "con_1", IsEnabled: ptr(false),
		LinkSettings: LinkSettings{AssignMembershipOnLogin: ptr(false), IsSignupEnabled: ptr(true), AccessLevel: ptr("none")},
	}}
	full[0].Connection.Name = "n"
	bare := []Link{{ConnectionID: "con_1"}}
	for _, test := range []struct {
		body string
		want []Link // nil: an error
	}{
		{"[]", []Link{}},
		{" [ ] ", []Link{}},
		{"[" + item + "]", full},
		{`{"enabled_connections":[` + item + `],"start":0,"limit":1,"total":1}`, full},
		{`{"connections":[` + item + `]}`, full},
		{`{"connections":[],"total":0}`, []Link{}},
		{`[{"connection_id":"con_1","show_as_button":null,"connection":null}]`, bare},
		{"", nil},
		{"null", nil},
		{"{}", nil},
		{"0", nil},
		{`"[]"`, nil},
		{"[", nil},
		{"[]]", nil},
		{"[null]", nil},
		{"[{}]", nil},
		{"[[]]", nil},
		{`[{"connection_id":""}]`, nil},
		{`[{"connection_id":1}]`, nil},
		{`[{"connection_id":"con_1","show_as_button":"yes"}]`, nil},
		{`[{"connection_id":"con_1"},{"id":"con_2"}]`, nil},
		{`{"connections":null}`, nil},
		{`{"connections":{}}`, nil},
		{`{"Connections":[]}`, nil},
		{`{"enabled_connections":[],"connections":[]}`, nil},
		{`{"enabled_connections":[],"start":0,"limit":0,"total":3}`, nil},
		{`{"enabled_connections":[` + item + `],"start":0,"limit":1,"total":2}`, nil}, // half a list
		{`{"enabled_connections":[` + item + `],"next":"Mg"}`, nil},                   // there is another page
		{`{"enabled_connections":[` + item + `],"start":0,"limit":1,"total":0}`, nil},
		{`{"enabled_connections":[` + item + `],"start":0,"limit":1,"total":"1"}`, nil},
		{`{"statusCode":404,"error":"Not Found"}`, nil},
		{"<!doctype html><title>Sign in</title>", nil},
	} {
		page, _, err := answering(t, 200, "application/json", test.body).Links(t.Context(), OlderFamily, org, 0)
		if page.More {
			t.Errorf("%q: more pages", test.body)
		}
		if diff := cmp.Diff(test.want, page.Links); diff != "" {
			t.Errorf("%q: -want +got:\n%s", test.body, diff)
		}
		if test.want != nil && err != nil {
			t.Errorf("%q: %v", test.body, err)
		}
		if test.want == nil && asError(t, err).Class != Transient {
			t.Errorf("%q: got %v", test.body, err)
		}
	}
}

func TestOnlyStatus200HasAList(t *testing.T) {
	for _, status := range []int{201, 202, 203, 204, 206} {
		client := answering(t, status, "application/json", "[]")
		found, _, err := client.Links(t.Context(), OlderFamily, org, 0)
		if apiErr := asError(t, err); apiErr.Class != Transient || found.Links != nil {
			t.Errorf("status %d: got %v, %v", status, found, err)
		}
	}
}

func TestFullPageHasMore(t *testing.T) {
	for _, n := range []int{99, 100} {
		items := strings.TrimSuffix(strings.Repeat(`{"connection_id":"con_1"},`, n), ",")
		client := answering(t, 200, "application/json", "["+items+"]")
		found, _, err := client.Links(t.Context(), OlderFamily, org, 0)
		if err != nil || len(found.Links) != n || found.More != (n == 100) {
			t.Errorf("%d items: got %d, more %t, %v", n, len(found.Links), found.More, err)
		}
	}
}

// An empty list means that an organization has no connection, so only an empty JSON
// list may be read as one.
func FuzzConnectionList(f *testing.F) {
	for _, seed := range []string{
		"[]", "null", "{}", `{"connections":[]}`, `{"enabled_connections":null}`, `[{"connection_id":"con_1"}]`, "[null]", "<html>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := parseLinks(body, 0)
		links := page.Links
		if err != nil {
			if links != nil {
				t.Error("links beside an error")
			}
			return
		}
		items, isList := listIn(body)
		if !isList || len(items) != len(links) {
			t.Errorf("%q was read as %d links", body, len(links))
		}
		for _, link := range links {
			if link.ConnectionID == "" {
				t.Errorf("%q was read as a link without id", body)
			}
		}
	})
}

// listIn finds the list independently of the code under test.
func listIn(body []byte) (items []any, isList bool) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	if decoder.Decode(&value) != nil {
		return nil, false
	}
	if object, isObject := value.(map[string]any); isObject {
		value = object["connections"]
		if value == nil {
			value = object["enabled_connections"]
		}
	}
	items, isList = value.([]any)
	return items, isList
}
