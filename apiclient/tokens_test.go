package apiclient

import (
	"context"
	"crypto/elliptic"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

// fakeTenant answers token requests with the tokens 1, 2, 3 …, and calls with api.
type fakeTenant struct {
	tokens atomic.Int64
	token  func(n int64, req *http.Request) *http.Response // nil: a good answer
	api    func(bearer string) *http.Response
}

func (s *fakeTenant) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path != "/oauth/token" {
		return s.api(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")), nil
	}
	n := s.tokens.Add(1)
	if s.token != nil {
		return s.token(n, req), nil
	}
	return answer(200, "application/json", fmt.Sprintf(`{"access_token":"%d","expires_in":3600,"token_type":"Bearer"}`, n)), nil
}

var clientSecret = Credentials{ClientID: "id", ClientSecret: "s3cret"}

// onlyToken returns an API that accepts one token only.
func onlyToken(good string) func(string) *http.Response {
	return func(bearer string) *http.Response {
		if bearer == good {
			return answer(204, "", "")
		}
		return answer(401, "application/json", `{"message":"Expired token"}`)
	}
}

// disableWithNewToken is what a caller does whose token is refused.
func disableWithNewToken(t *testing.T, client *Client) error {
	_, err := client.DisableConnection(context.Background(), org, connection)
	if err != nil && asError(t, err).RenewToken(false) {
		_, err = client.DisableConnection(context.Background(), org, connection)
	}
	return err
}

func TestRefusedTokenIsReplaced(t *testing.T) {
	badToken := `{"errorCode":"Bearer","message":"Bad HTTP authentication header format"}`
	for _, test := range []struct {
		name   string
		refuse *http.Response
	}{
		{"401", answer(401, "", "")},
		{"403", answer(403, "", "expired")},
		{"400 Bearer", answer(400, "application/json", badToken)},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := 0
			server := &fakeTenant{api: func(bearer string) *http.Response {
				calls++
				if bearer == "2" {
					return answer(204, "", "")
				}
				return test.refuse
			}}
			client := newClient(t, Config{Credentials: clientSecret, Transport: server})
			if err := disableWithNewToken(t, client); err != nil || calls != 2 {
				t.Errorf("%v, %d calls", err, calls)
			}
			if _, err := client.DisableConnection(t.Context(), org, connection); err != nil || server.tokens.Load() != 2 {
				t.Errorf("next call: %v, after %d token requests", err, server.tokens.Load())
			}
		})
	}
}

// Nobody but the caller repeats a call, and a token that was given cannot be replaced.
func TestRefusedTokenIsUnauthorized(t *testing.T) {
	refuse := func(string) *http.Response { return answer(401, "", `{"message":"Invalid token"}`) }
	for _, test := range []struct {
		name      string
		cred      Credentials
		renewable bool
	}{
		{"client secret", clientSecret, true},
		{"fixed token", Credentials{Token: "t"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &fakeTenant{api: refuse}
			client := newClient(t, Config{Credentials: test.cred, Transport: server})
			resp, err := client.DisableConnection(t.Context(), org, connection)
			apiErr := asError(t, err)
			if apiErr.Class != Unauthorized || apiErr.Status != 401 || apiErr.Message != "Invalid token" || !resp.Tried {
				t.Errorf("got %+v, %+v", apiErr, resp)
			}
			if before := server.tokens.Load(); apiErr.RenewToken(false) != test.renewable || server.tokens.Load() != before {
				t.Errorf("renewable %t, want %t; %d token requests", !test.renewable, test.renewable, server.tokens.Load())
			}
		})
	}
}

// A token that is refused to a repetition as well is a reason to give up, unless another
// call has found it refused before.
func TestTokenRefusedToARepetition(t *testing.T) {
	refuse := func(string) *http.Response { return answer(401, "", "") }
	client := newClient(t, Config{Credentials: clientSecret, Transport: &fakeTenant{api: refuse}})
	call := func() *Error {
		_, err := client.DisableConnection(t.Context(), org, connection)
		return asError(t, err)
	}
	if !call().RenewToken(false) {
		t.Fatal("the first call is not worth repeating")
	}
	repetition, other := call(), call()
	if repetition.RenewToken(true) {
		t.Error("a repetition is worth another one")
	}
	if !other.RenewToken(false) || !repetition.RenewToken(true) {
		t.Error("a repetition is not worth another one, though its token was refused to another call")
	}
}

func TestMissingScopeDoesNotRenewToken(t *testing.T) {
	server := &fakeTenant{api: func(string) *http.Response { return answer(403, "", `{"errorCode":"insufficient_scope"}`) }}
	client := newClient(t, Config{Credentials: clientSecret, Transport: server})
	_, err := client.DisableConnection(t.Context(), org, connection)
	if apiErr := asError(t, err); apiErr.Class != InsufficientScope || apiErr.RenewToken(false) {
		t.Errorf("got %+v, %d token requests", apiErr, server.tokens.Load())
	}
}

// All callers are refused before the first of them requests a new token.
func TestManyRefusedCallersShareOneRenewal(t *testing.T) {
	const callers = 64
	var refused, done sync.WaitGroup
	refused.Add(callers)
	good := onlyToken("2")
	server := &fakeTenant{api: func(bearer string) *http.Response {
		if bearer == "1" {
			refused.Done()
			refused.Wait()
		}
		return good(bearer)
	}}
	client := newClient(t, Config{Credentials: clientSecret, Transport: server})
	if _, _, err := client.Scopes(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range callers {
		done.Go(func() {
			if err := disableWithNewToken(t, client); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if n := server.tokens.Load(); n != 2 {
		t.Errorf("got %d token requests after the first, want 1", n-1)
	}
}

// The slow caller learns that its token is refused when there is already a new one.
func TestTokenRenewedByAnotherIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		good := onlyToken("2")
		server := &fakeTenant{api: func(bearer string) *http.Response {
			if calls.Add(1) == 1 {
				time.Sleep(2 * time.Second)
			}
			return good(bearer)
		}}
		client := newClient(t, Config{Credentials: clientSecret, Transport: server})
		var callers sync.WaitGroup
		for range 2 {
			callers.Go(func() {
				if err := disableWithNewToken(t, client); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		callers.Wait()
		if n := server.tokens.Load(); n != 2 {
			t.Errorf("got %d token requests, want 2", n)
		}
	})
}

// A caller may look for a token just before another caller's request ends.
func TestLateFetchReusesTheNewToken(t *testing.T) {
	server := &fakeTenant{}
	client := newClient(t, Config{Credentials: clientSecret, Transport: server})
	for range 2 {
		if _, err := client.tokens.fetch(); err != nil {
			t.Fatal(err)
		}
	}
	if n := server.tokens.Load(); n != 1 {
		t.Errorf("got %d token requests, want 1", n)
	}
}

func TestTokenIsRenewedBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeTenant{api: func(string) *http.Response { return answer(204, "", "") }}
		client := newClient(t, Config{Credentials: clientSecret, Transport: server})
		for _, step := range []struct {
			wait time.Duration
			want int64
		}{{0, 1}, {59 * time.Minute, 1}, {55 * time.Second, 2}, {time.Minute, 2}} {
			time.Sleep(step.wait)
			if _, err := client.DisableConnection(t.Context(), org, connection); err != nil {
				t.Fatal(err)
			}
			if got := server.tokens.Load(); got != step.want {
				t.Errorf("%s later: %d token requests, want %d", step.wait, got, step.want)
			}
		}
	})
}

func TestCancelledCallerDoesNotCancelTokenRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeTenant{
			api: func(string) *http.Response { return answer(204, "", "") },
			token: func(int64, *http.Request) *http.Response {
				time.Sleep(2 * time.Second)
				return answer(200, "", `{"access_token":"1"}`)
			},
		}
		client := newClient(t, Config{Credentials: clientSecret, Transport: server})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var others sync.WaitGroup
		others.Go(func() {
			if _, err := client.DisableConnection(t.Context(), org, connection); err != nil {
				t.Error(err)
			}
		})
		resp, err := client.DisableConnection(ctx, org, connection)
		apiErr := asError(t, err)
		if apiErr.Class != Transient || apiErr.Sent || !errors.Is(err, context.DeadlineExceeded) || resp.Tried {
			t.Errorf("got %+v, tried %t", apiErr, resp.Tried)
		}
		others.Wait()
		if n := server.tokens.Load(); n != 1 {
			t.Errorf("got %d token requests, want 1", n)
		}
	})
}

func TestTokenErrorsAreClassified(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   Error
	}{
		{"bad secret", 401, `{"error":"access_denied","error_description":"Unauthorized"}`,
			Error{Class: Unauthorized, Status: 401, Code: "access_denied", Message: "Unauthorized", Cause: WrongClient}},
		{"no grant", 403, `{"error":"access_denied","error_description":"Client is not authorized to access \"x\"."}`,
			Error{Class: Unauthorized, Status: 403, Code: "access_denied", Message: `Client is not authorized to access "x".`, Cause: WrongAudience}},
		{"unknown audience", 403, `{"error":"access_denied","error_description":"Service not enabled within domain: x"}`,
			Error{Class: Unauthorized, Status: 403, Code: "access_denied", Message: "Service not enabled within domain: x", Cause: WrongAudience}},
		{"no machine-to-machine application", 403, `{"error":"unauthorized_client","error_description":"Grant type not allowed"}`,
			Error{Class: Unauthorized, Status: 403, Code: "unauthorized_client", Message: "Grant type not allowed", Cause: WrongClient}},
		{"throttled", 429, `{"error":"access_denied","error_description":"Global rate limit exceeded"}`,
			Error{Class: Transient, Status: 429, Code: "access_denied", Message: "Global rate limit exceeded"}},
		{"error is an object", 400, `{"error":{"message":"no"}}`, Error{Class: Unauthorized, Status: 400, Message: "no", Cause: WrongClient}},
		{"page", 400, "<html>access_token</html>", Error{Class: Unauthorized, Status: 400, Page: true, Cause: NoTenant}},
		{"firewall", 403, "<html>no</html>", Error{Class: Unauthorized, Status: 403, Page: true}},
		{"no such path", 404, `{"error":"Not Found"}`, Error{Class: Unauthorized, Status: 404, Message: "Not Found", Cause: NoTenant}},
		{"proxy", 407, "", Error{Class: ProxyRefused, Status: 407, Cause: ProxyPassword}},
		{"408", 408, "", Error{Class: Transient, Status: 408}},
		{"503", 503, "<html>", Error{Class: Transient, Status: 503, Page: true}},
		{"redirect", 302, "", Error{Class: Unauthorized, Status: 302, Cause: NoTenant}},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := newClient(t, Config{Credentials: clientSecret, Transport: &fakeTenant{
				token: func(int64, *http.Request) *http.Response {
					refusal := answer(test.status, "text/plain", test.body)
					refusal.Header.Set("Retry-After", "7")
					refusal.Header.Set("Location", "https://elsewhere.example/")
					return refusal
				},
			}})
			resp, err := client.DisableConnection(t.Context(), org, connection)
			got := *asError(t, err)
			got.step, got.RetryAfter = "", 0
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(Error{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if resp.Status != 0 || resp.Tried || resp.RetryAfter != 7*time.Second {
				t.Errorf("got response %+v", resp)
			}
		})
	}
}

// An assertion that is refused while this machine's clock is off says so: behind, it
// has expired when it arrives; far ahead, it would live too long.
func TestWrongClockIsTold(t *testing.T) {
	key := Credentials{ClientID: "id", PrivateKey: pemOf(t, ecKey(t, elliptic.P256())), SigningAlg: "ES256"}
	for _, test := range []struct {
		cred   Credentials
		behind time.Duration
		want   Cause
	}{
		{key, 150 * time.Second, WrongClock},
		{key, -5 * time.Minute, WrongClock},
		{key, 5 * time.Second, WrongClient},
		{key, -time.Minute, WrongClient},
		{clientSecret, 150 * time.Second, WrongClient},
	} {
		client := newClient(t, Config{Credentials: test.cred, Transport: &fakeTenant{
			token: func(int64, *http.Request) *http.Response {
				refusal := answer(401, "", `{"error":"invalid_client","error_description":"jwt expired"}`)
				refusal.Header.Set("Date", time.Now().Add(test.behind).UTC().Format(http.TimeFormat))
				return refusal
			},
		}})
		_, err := client.DisableConnection(t.Context(), org, connection)
		apiErr := asError(t, err)
		if apiErr.Cause != test.want {
			t.Errorf("%s behind: cause %d", test.behind, apiErr.Cause)
		}
		if off := (apiErr.ClockBehind - test.behind).Abs(); test.want == WrongClock && off > 2*time.Second {
			t.Errorf("%s behind: told as %s", test.behind, apiErr.ClockBehind)
		}
	}
}

// A page in place of a token, as a host that is no tenant sends it, is told as such.
func TestPageInPlaceOfToken(t *testing.T) {
	client := newClient(t, Config{Credentials: clientSecret, Transport: &fakeTenant{
		token: func(int64, *http.Request) *http.Response {
			return answer(200, "text/html; charset=utf-8", "<html>Welcome")
		},
	}})
	_, err := client.DisableConnection(t.Context(), org, connection)
	if apiErr := asError(t, err); apiErr.Class != Transient || apiErr.Cause != NoTenant || !strings.Contains(err.Error(), "a web page") {
		t.Errorf("got %+v", apiErr)
	}
}

// A token that lives a few seconds serves more than one call.
func TestShortLivedTokenIsUsedAgain(t *testing.T) {
	for life, most := range map[int]int64{1: 10, 5: 5, 12: 2, 0: 1, -3: 10} {
		synctest.Test(t, func(t *testing.T) {
			server := &fakeTenant{api: func(string) *http.Response { return answer(204, "", "") }}
			server.token = func(n int64, _ *http.Request) *http.Response {
				return answer(200, "", fmt.Sprintf(`{"access_token":"%d","expires_in":%d}`, n, life))
			}
			client := newClient(t, Config{Credentials: clientSecret, Transport: server})
			for range 100 { // ten seconds
				if _, err := client.DisableConnection(t.Context(), org, connection); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond)
			}
			if n := server.tokens.Load(); n > most {
				t.Errorf("a token that lives %d s: %d token requests in 10 s", life, n)
			}
		})
	}
}

func TestUnusableTokenAnswerIsTransient(t *testing.T) {
	for _, body := range []string{"", "null", "{}", "<html>", `{"access_token":""}`, `{"access_token":"a\nb"}`, `{"access_token":"leak","expires_in":"leak"}`} {
		client := newClient(t, Config{Credentials: clientSecret, Transport: &fakeTenant{
			token: func(int64, *http.Request) *http.Response { return answer(200, "", body) },
		}})
		_, err := client.DisableConnection(t.Context(), org, connection)
		if apiErr := asError(t, err); apiErr.Class != Transient || apiErr.Sent || strings.Contains(err.Error(), "leak") {
			t.Errorf("%q: got %+v", body, apiErr)
		}
	}
}

func TestTokenRequestTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, Config{Credentials: clientSecret, Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})})
		start := time.Now()
		_, err := client.DisableConnection(t.Context(), org, connection)
		if apiErr := asError(t, err); apiErr.Class != Transient || apiErr.Sent || time.Since(start) != 5*time.Second {
			t.Errorf("after %s: %+v", time.Since(start), apiErr)
		}
	})
}

func TestClientSecretGoesToTokenEndpoint(t *testing.T) {
	client := newClient(t, Config{
		Credentials: clientSecret,
		Audience:    "https://canonical.example/api/v2/",
		Transport: &fakeTenant{token: func(_ int64, req *http.Request) *http.Response {
			body, _ := io.ReadAll(req.Body)
			const want = "audience=https%3A%2F%2Fcanonical.example%2Fapi%2Fv2%2F&client_id=id&client_secret=s3cret&grant_type=client_credentials"
			if req.Method != http.MethodPost || req.URL.String() != "https://tenant.example/oauth/token" || string(body) != want {
				t.Errorf("got %s %s %s", req.Method, req.URL, body)
			}
			return answer(200, "", `{"access_token":"1"}`)
		}},
	})
	if _, _, err := client.Scopes(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestScopesComeFromAnswerOrToken(t *testing.T) {
	claim := func(claims jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("k"))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	for _, test := range []struct {
		name, token, scope string
		want               []string
	}{
		{"in the answer", claim(jwt.MapClaims{"scope": "x:y"}), "a:b c:d", []string{"a:b", "c:d"}},
		{"in the token", claim(jwt.MapClaims{"scope": "a:b c:d", "aud": []string{"x"}}), "", []string{"a:b", "c:d"}},
		{"not in the token", claim(jwt.MapClaims{"sub": "x"}), "", nil},
		{"claim of another shape", claim(jwt.MapClaims{"scope": 1}), "", nil},
		{"opaque token", "opaque", "", nil},
		{"nearly a token", "a.b.c", "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			renewable := newClient(t, Config{Credentials: clientSecret, Transport: &fakeTenant{
				token: func(int64, *http.Request) *http.Response {
					scope := ""
					if test.scope != "" {
						scope = `,"scope":"` + test.scope + `"`
					}
					return answer(200, "text/plain", `{"access_token":"`+test.token+`"`+scope+`}`)
				},
			}})
			clients := []*Client{renewable}
			if test.scope == "" {
				clients = append(clients, newClient(t, Config{Credentials: Credentials{Token: Secret(test.token)}}))
			}
			for _, client := range clients {
				got, known, err := client.Scopes(t.Context())
				if err != nil || known != (test.want != nil) || (known && !cmp.Equal(test.want, got)) {
					t.Errorf("got %q, known %t, %v", got, known, err)
				}
			}
		})
	}
}
