package apiclient

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient/simulator"
)

func TestLogRequestsAreAsDocumented(t *testing.T) {
	var got, search string
	client := clientFor(t, func(w http.ResponseWriter, req *http.Request) {
		got, search = req.Method+" "+req.RequestURI, req.URL.Query().Get("q")
		io.WriteString(w, "[]")
	})
	want := `type:"s" AND organization_id:"` + org + `" AND connection_id:"` + connection + `"`
	last, _, err := client.LastLogin(t.Context(), org, connection)
	if err != nil || !last.IsZero() {
		t.Errorf("got %v, %v", last, err)
	}
	if search != want {
		t.Errorf("q is %s\nwant %s", search, want)
	}
	prefix := "GET /api/v2/logs?per_page=10&page=0&sort=date:-1&fields=date,type,organization_id,connection_id&include_fields=true&q=type%3A%22s%22+AND+"
	if !strings.HasPrefix(got, prefix) {
		t.Errorf("got  %s\nwant %s...", got, prefix)
	}
}

func TestLogSearchTakesIDsOnly(t *testing.T) {
	client := neverCalled(t)
	for _, ids := range [][2]string{{`org_1" OR type:"s`, connection}, {org, "con_*"}, {"", connection}, {org, ""}} {
		_, resp, err := client.LastLogin(t.Context(), ids[0], ids[1])
		if apiErr := asError(t, err); apiErr.Class != Refused || apiErr.Sent || resp == nil {
			t.Errorf("%q: got %+v", ids, apiErr)
		}
	}
}

// loginAt is a login of the pair that is asked for.
func loginAt(date string) string {
	return fmt.Sprintf(`{"date":"%s","type":"s","organization_id":"%s","connection_id":"%s"}`, date, org, connection)
}

// A server that ignores a part of the request must never make a pair look unused.
func TestOnlyLoginsOfThePairAreBelieved(t *testing.T) {
	one, two, three := loginAt("2026-11-01T10:00:00.000Z"), loginAt("2026-11-02T10:00:00.5Z"), loginAt("2026-11-03T09:00:00+09:00")
	other := func(was, is string) string { return strings.Replace(two, was, is, 1) }
	full := strings.Repeat(one+",", loginPage-1)
	for _, test := range []struct{ name, body, want string }{
		{"none", "[]", "none"},
		{"in an object", `{"logs":[],"start":0,"limit":10,"length":0,"total":0}`, "none"},
		{"newest first", "[" + two + "," + one + "]", "2026-11-02T10:00:00.5Z"},
		{"oldest first", `{"logs":[` + one + "," + two + "]}", ""},
		{"a part of the total", `{"logs":[` + one + `],"total":2}`, ""},
		{"none of a total", `{"logs":[],"total":5}`, ""},
		{"none, with another page", `{"logs":[],"next":"abc"}`, ""},
		{"another zone", "[" + three + "," + one + "," + one + "]", "2026-11-03T00:00:00Z"},
		{"with more fields", "[" + other("{", `{"ip":"192.0.2.1","details":{},`) + "]", "2026-11-02T10:00:00.5Z"},
		{"a full page, newest first", "[" + two + "," + strings.TrimSuffix(full, ",") + "]", "2026-11-02T10:00:00.5Z"},
		{"a full page, oldest first", "[" + full + two + "]", ""},
		{"more than asked for, oldest first", "[" + full + full + two + "]", ""},
		{"another organization", "[" + two + "," + other(org, "org_other") + "]", ""},
		{"no organization", "[" + other("organization_id", "organization_name") + "]", ""},
		{"another connection", "[" + other(connection, "con_other") + "]", ""},
		{"id in another case", "[" + other(connection, strings.ToUpper(connection)) + "]", ""},
		{"another type", "[" + two + "," + other(`"s"`, `"f"`) + "]", ""},
		{"type that begins like it", "[" + other(`"s"`, `"sapi"`) + "]", ""},
		{"no date", "[" + other("date", "day") + "]", ""},
		{"null date", "[" + other(`"2026-11-02T10:00:00.5Z"`, "null") + "]", ""},
		{"no readable date", "[" + other("T", " ") + "]", ""},
		{"date as a number", "[" + other(`"2026-11-02T10:00:00.5Z"`, "1762077600") + "]", ""},
		{"null entry", "[null]", ""},
		{"null", "null", ""},
		{"empty", "", ""},
		{"no list", "{}", ""},
		{"list of something else", `{"users":[]}`, ""},
		{"web page", "<!doctype html><title>Sign in</title>", ""},
	} {
		last, _, err := answering(t, 200, "application/json", test.body).LastLogin(t.Context(), org, connection)
		switch {
		case test.want == "" && (!last.IsZero() || asError(t, err).Class != Transient):
			t.Errorf("%s: got %v, %v, want an error", test.name, last, err)
		case test.want == "none" && (!last.IsZero() || err != nil):
			t.Errorf("%s: got %v, %v, want none", test.name, last, err)
		case test.want != "" && test.want != "none" && (err != nil || last.UTC().Format(time.RFC3339Nano) != test.want):
			t.Errorf("%s: got %v, %v, want %s", test.name, last, err, test.want)
		}
	}
}

func TestRefusedLogSearchIsAnError(t *testing.T) {
	for status, want := range map[int]Class{204: Transient, 206: Transient, 400: Refused, 401: Unauthorized, 404: NotFound, 429: RateLimited, 503: Transient} {
		_, _, err := answering(t, status, "application/json", "").LastLogin(t.Context(), org, connection)
		if apiErr := asError(t, err); apiErr.Class != want {
			t.Errorf("%d: got %+v", status, apiErr)
		}
	}
	if _, _, err := answering(t, 206, "application/json", "[]").LastLogin(t.Context(), org, connection); err == nil {
		t.Error("a part of the log passed for the whole")
	}
	body := `{"statusCode":403,"error":"Forbidden","message":"No","errorCode":"insufficient_scope"}`
	_, _, err := answering(t, 403, "application/json", body).LastLogin(t.Context(), org, connection)
	if apiErr := asError(t, err); apiErr.Class != InsufficientScope || apiErr.Scope != "read:logs" {
		t.Errorf("got %+v", apiErr)
	}
}

func TestLastLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := simulator.New(simulator.Config{})
		now := time.Now()
		at := now.Add(-2 * time.Hour)
		tenant.Login(org, connection, at.Add(-24*time.Hour))
		tenant.Login(org, connection, at)
		tenant.Login(org, "con_other", now)
		tenant.Login("org_other", connection, now)
		client := newClient(t, Config{Credentials: Credentials{Token: Secret(tenant.IssueToken())}, Transport: tenant.Transport()})
		last, _, err := client.LastLogin(t.Context(), org, connection)
		if err != nil || !last.Equal(at) {
			t.Errorf("got %v, %v, want %v", last, err, at)
		}
	})
}
