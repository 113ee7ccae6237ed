package apiclient

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestHeadersAreRead(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	date := noon.Format(http.TimeFormat)
	limits := map[string]string{"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767355200"}
	full := &RateLimit{Limit: 5, Remaining: 0, Reset: 1767355200}
	for _, test := range []struct {
		name    string
		headers []map[string]string
		want    Response
	}{
		{"none", nil, Response{}},
		{"limits", []map[string]string{limits}, Response{RateLimit: full}},
		{"lower case, spaces", []map[string]string{{"x-ratelimit-limit": " 5", "x-ratelimit-remaining": "-1", "x-ratelimit-reset": "0"}},
			Response{RateLimit: &RateLimit{Limit: 5, Remaining: -1}}},
		{"one is no number", []map[string]string{limits, {"X-RateLimit-Limit": "5;w=60"}}, Response{}},
		{"one is too large", []map[string]string{limits, {"X-RateLimit-Reset": "99999999999999999999"}}, Response{}},
		{"two only", []map[string]string{{"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0"}}, Response{}},
		{"seconds", []map[string]string{{"Retry-After": "30"}}, Response{RetryAfter: 30 * time.Second}},
		{"a year", []map[string]string{{"Retry-After": "31536000"}}, Response{RetryAfter: 24 * time.Hour}},
		{"negative", []map[string]string{{"Retry-After": "-3"}}, Response{}},
		{"not a time", []map[string]string{{"Retry-After": "soon"}}, Response{}},
		{"date by the server's clock", []map[string]string{{"Date": date, "Retry-After": noon.Add(time.Minute).Format(http.TimeFormat)}},
			Response{Date: noon, RetryAfter: time.Minute}},
		{"date in the past", []map[string]string{{"Date": date, "Retry-After": noon.Add(-time.Minute).Format(http.TimeFormat)}}, Response{Date: noon}},
		{"ids", []map[string]string{{"cf-ray": "ray", "ot-baggage-auth0-request-id": "ot", "x-auth0-requestid": "x"}}, Response{RequestID: "ray"}},
		{"second id", []map[string]string{{"ot-baggage-auth0-request-id": "ot", "x-auth0-requestid": "x"}}, Response{RequestID: "ot"}},
		{"last id", []map[string]string{{"x-auth0-requestid": "x"}}, Response{RequestID: "x"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, status := range []int{204, 404, 429} {
				client := newClient(t, Config{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					response := answer(status, "", "")
					for _, headers := range test.headers {
						for name, value := range headers {
							response.Header.Set(name, value)
						}
					}
					return response, nil
				})})
				before := time.Now()
				got, _ := client.DisableConnection(t.Context(), org, connection)
				want := test.want
				want.Status, want.Tried = status, true
				if diff := cmp.Diff(&want, got, cmpopts.IgnoreFields(Response{}, "Duration")); diff != "" {
					t.Errorf("status %d: -want +got:\n%s", status, diff)
				}
				if got.Duration <= 0 || got.Duration > time.Since(before) {
					t.Errorf("duration %s", got.Duration)
				}
			}
		})
	}
}

func TestBodySizeIsLimited(t *testing.T) {
	long := strings.Repeat(" ", maxBytes+1)
	for name, test := range map[string]struct {
		status int
		body   string
		class  Class
	}{
		"list":          {200, "[]" + long, Transient},
		"error":         {400, `{"message":"x"}` + long[:maxErrorBytes], Refused},
		"rate limited":  {429, long, RateLimited},
		"list in bound": {200, "[]" + long[:maxBytes-2], 0},
	} {
		t.Run(name, func(t *testing.T) {
			client := clientFor(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			})
			_, resp, err := client.Links(t.Context(), OlderFamily, org, 0)
			if resp.Status != test.status {
				t.Errorf("got status %d", resp.Status)
			}
			if test.class == 0 {
				if err != nil {
					t.Error(err)
				}
			} else if apiErr := asError(t, err); apiErr.Class != test.class {
				t.Errorf("got class %d, want %d", apiErr.Class, test.class)
			}
		})
	}
}

// A page of organizations with much metadata is long, and read alone.
func TestLongPageOfOrganizations(t *testing.T) {
	for length, ok := range map[int]bool{maxDirectoryBytes: true, maxDirectoryBytes + 1: false} {
		client := answering(t, 200, "application/json", "[]"+strings.Repeat(" ", length-2))
		if _, _, _, err := client.Organizations(t.Context(), ""); (err == nil) != ok {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

// 201 means done and 429 means rate limited, even if the body is broken.
func TestClearStatusNeedsNoBody(t *testing.T) {
	status := "201 Created"
	client := clientFor(t, func(w http.ResponseWriter, _ *http.Request) {
		hangUp(t, w, "HTTP/1.1 "+status+"\r\nContent-Length: 100\r\n\r\n{")
	})
	link := Link{ConnectionID: connection}
	if _, err := client.EnableConnection(t.Context(), OlderFamily, org, link); err != nil {
		t.Error(err)
	}
	status = "429 Too Many Requests"
	_, err := client.EnableConnection(t.Context(), OlderFamily, org, link)
	if apiErr := asError(t, err); apiErr.Class != RateLimited {
		t.Errorf("got %+v", apiErr)
	}
}

func FuzzRateLimitHeaders(f *testing.F) {
	f.Add("5", "4", "1767355200", "1", "Fri, 02 Jan 2026 12:00:00 GMT", "ray")
	f.Add("", "-1", "x", "Fri, 02 Jan 2026 12:00:00 GMT", "", "\x1b")
	f.Add("9223372036854775808", "1e3", "0x1", "99999999999", "Fri, 02 Jan 9999 12:00:00 GMT", "")
	f.Fuzz(func(t *testing.T, limit, remaining, reset, retryAfter, date, id string) {
		response := answer(200, "", "")
		for name, value := range map[string]string{
			"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset,
			"Retry-After": retryAfter, "Date": date, "Cf-Ray": id,
		} {
			response.Header.Set(name, value)
		}
		var got Response
		got.readHeaders(response, new(redactor))
		if got.RetryAfter < 0 || got.RetryAfter > 24*time.Hour {
			t.Errorf("retry after %s", got.RetryAfter)
		}
		if got.RateLimit != nil && (limit == "" || remaining == "" || reset == "") {
			t.Errorf("got %+v of %q, %q, %q", got.RateLimit, limit, remaining, reset)
		}
		if len(got.RequestID) > maxExcerpt {
			t.Errorf("request id of %d bytes", len(got.RequestID))
		}
	})
}
