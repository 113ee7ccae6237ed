package apiclient

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestErrorAnswersAreClassified(t *testing.T) {
	const neededScope = "delete:organization_connections"
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   Error
	}{
		{"documented", 404, `{"statusCode":404,"error":"Not Found","message":"No connection found by that id"}`,
			Error{Class: NotFound, Message: "No connection found by that id"}},
		{"with a code", 400, `{"statusCode":400,"error":"Bad Request","message":"Path validation error: x","errorCode":"invalid_uri"}`,
			Error{Class: Refused, Code: "invalid_uri", Message: "Path validation error: x"}},
		{"conflict", 409, `{"error":"Conflict","errorCode":"exists"}`, Error{Class: Conflict, Code: "exists", Message: "Conflict"}},
		{"plain text", 400, "nope", Error{Class: Refused, Message: "nope"}},
		{"empty", 422, "", Error{Class: Refused}},
		{"page", 502, "<html><head><style>p {}</style><title>Bad\ngateway</title></head><body>Error <b>502</b></body></html>",
			Error{Class: Transient, Message: "Bad gateway Error 502", Page: true}},
		{"page that is not found", 404, "<html>404</html>", Error{Class: NotFound, Message: "404", Page: true}},
		{"error is an object", 400, `{"error":{"code":"bad_thing","message":"it is bad"}}`,
			Error{Class: Refused, Code: "bad_thing", Message: "it is bad"}},
		{"object with a number", 400, `{"error":{"code":400,"message":"it is bad"}}`, Error{Class: Refused, Message: "it is bad"}},
		{"another object", 400, `{"detail":"x"}`, Error{Class: Refused, Message: `{"detail":"x"}`}},
		{"truncated", 400, `{"message":"x`, Error{Class: Refused, Message: `{"message":"x`}},
		{"null", 400, "null", Error{Class: Refused, Message: "null"}},
		{"control characters", 400, "a\x1b[31m\u202eb\r\n\x00c\xff", Error{Class: Refused, Message: "a [31m b c"}},
		{"rate limit", 429, `{"statusCode":429,"error":"Too Many Requests","message":"Global limit has been reached","errorCode":"too_many_requests"}`,
			Error{Class: RateLimited, Code: "too_many_requests", Message: "Global limit has been reached"}},
		{"rate limit, old", 429, `{"statusCode":429,"error":"Too Many Requests"}`, Error{Class: RateLimited, Message: "Too Many Requests"}},
		{"unauthorized", 401, `{"statusCode":401,"error":"Unauthorized","message":"Invalid token","attributes":{"error":"Invalid token"}}`,
			Error{Class: Unauthorized, Message: "Invalid token"}},
		{"broken token", 400, `{"statusCode":400,"error":"Bad Request","message":"Bad HTTP authentication header format","errorCode":"Bearer"}`,
			Error{Class: Unauthorized, Code: "Bearer", Message: "Bad HTTP authentication header format"}},
		{"forbidden", 403, `{"error":"Forbidden","message":"Insufficient scope"}`, Error{Class: Forbidden, Message: "Insufficient scope"}},
		{"scope", 403, `{"error":"Forbidden","message":"Insufficient scope, expected any of: a:b_c, delete:organization_connections","errorCode":"insufficient_scope"}`,
			Error{Class: InsufficientScope, Code: "insufficient_scope", Scope: "a:b_c, " + neededScope,
				Message: "Insufficient scope, expected any of: a:b_c, delete:organization_connections"}},
		{"scope, other text", 403, `{"message":"No!","errorCode":"insufficient_scope"}`,
			Error{Class: InsufficientScope, Code: "insufficient_scope", Scope: neededScope, Message: "No!"}},
		{"scope, as OAuth has it", 403, `{"error":"insufficient_scope","error_description":"No!"}`,
			Error{Class: InsufficientScope, Code: "insufficient_scope", Scope: neededScope, Message: "No!"}},
		{"proxy", 407, "", Error{Class: ProxyRefused, Cause: ProxyPassword}},
		{"408", 408, "", Error{Class: Transient}},
		{"500", 500, "x", Error{Class: Transient, Message: "x"}},
		{"524", 524, "", Error{Class: Transient}},
		{"other", 418, "", Error{Class: Refused}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, contentType := range []string{"application/json", "text/plain", "text/html", ""} {
				client := answering(t, test.status, contentType, test.body)
				resp, err := client.DisableConnection(t.Context(), org, connection)
				want := test.want
				want.Status, want.Sent = test.status, true
				if diff := cmp.Diff(&want, asError(t, err), cmpopts.IgnoreUnexported(Error{})); diff != "" {
					t.Errorf("%s: -want +got:\n%s", contentType, diff)
				}
				if resp.Status != test.status || !resp.Tried {
					t.Errorf("%s: got response %+v", contentType, resp)
				}
			}
		})
	}
}

func TestErrorTextNamesStepScopeAndMessage(t *testing.T) {
	client := answering(t, 403, "", `{"message":"say \"please\"","errorCode":"insufficient_scope"}`)
	_, _, err := client.Links(t.Context(), OlderFamily, org, 0)
	const want = `list enabled connections: status 403 Forbidden: missing scope read:organization_connections: ` +
		`code "insufficient_scope": "say \"please\""`
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

// hangUp writes raw bytes to the connection and closes it.
func hangUp(t testing.TB, w http.ResponseWriter, raw string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	io.WriteString(conn, raw)
	conn.Close()
}

func TestBrokenAnswerIsTransient(t *testing.T) {
	for name, raw := range map[string]string{
		"nothing":         "",
		"not HTTP":        "hello\r\n\r\n",
		"half a header":   "HTTP/1.1 204 No Con",
		"half a body":     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[",
		"half a chunk":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
		"not gzip":        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",
		"half a 404 body": "HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			client := clientFor(t, func(w http.ResponseWriter, _ *http.Request) { hangUp(t, w, raw) })
			found, resp, err := client.Links(t.Context(), OlderFamily, org, 0)
			apiErr := asError(t, err)
			if apiErr.Class != Transient || !apiErr.Sent || found.Links != nil || apiErr.Status != resp.Status {
				t.Errorf("got %+v, status %d", apiErr, resp.Status)
			}
		})
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{
		`{"message":"x","errorCode":"y"}`, `{"error":{"message":"x"}}`, "<html>", "<script>", "\x1b[0m\n", strings.Repeat("ä", 200), "",
	} {
		f.Add(400, []byte(seed))
		f.Add(403, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if isSuccess(status) {
			return
		}
		apiErr := request{scope: "a:b"}.classify(status, body, new(redactor))
		if apiErr == nil || apiErr.Class < Refused || apiErr.Class > ProxyRefused {
			t.Fatalf("got %+v", apiErr)
		}
		for _, text := range []string{apiErr.Message, apiErr.Code} {
			if len(text) > maxExcerpt || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("got text %q", text)
			}
		}
		if (apiErr.Class == InsufficientScope) != (apiErr.Scope != "") {
			t.Errorf("class %d with scope %q", apiErr.Class, apiErr.Scope)
		}
		if strings.ContainsFunc(apiErr.Error(), unicode.IsControl) {
			t.Errorf("error text %q", apiErr.Error())
		}
	})
}
