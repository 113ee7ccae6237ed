package apiclient

import (
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// If a server sends back the secrets that it received, no error may show them.
func TestErrorsHideSecrets(t *testing.T) {
	cred := Credentials{ClientID: "id", ClientSecret: "topsecret"}
	key := Credentials{ClientID: "id", PrivateKey: pemOf(t, ecKey(t, elliptic.P256())), SigningAlg: "ES256"}
	for _, frame := range []string{`%s`, `{"message":"%s"}`, `{"error":{"message":"%s"}}`, `{"error":"x","error_description":"%s"}`, `<p>%s`, `{"access_token":"%s`} {
		for _, status := range []int{200, 302, 400, 401, 429, 500} {
			for name, cfg := range map[string]Config{
				"token": {Credentials: Credentials{Token: "topsecret"}}, "secret": {Credentials: cred}, "key": {Credentials: key},
			} {
				var sent []string
				cfg.Transport = roundTrip(func(req *http.Request) (*http.Response, error) {
					secrets := req.Header.Get("Authorization")
					if req.URL.Path == "/oauth/token" {
						body, _ := io.ReadAll(req.Body)
						form, _ := url.ParseQuery(string(body))
						secrets = form.Get("client_secret") + form.Get("client_assertion")
					}
					sent = append(sent, strings.TrimPrefix(secrets, "Bearer "))
					back := answer(status, "text/plain", fmt.Sprintf(frame, secrets))
					back.Header.Set("Cf-Ray", secrets)
					return back, nil
				})
				resp, err := newClient(t, cfg).DisableConnection(t.Context(), org, connection)
				text := formats(asError(t, err)) + formats(resp)
				for _, secret := range sent {
					if secret == "" || strings.Contains(text, secret) {
						t.Errorf("%s, status %d, %s: got %s", name, status, frame, text)
					}
				}
			}
		}
	}
}

// A secret is redacted in every form in which it may come back, also amid other text.
func TestEncodedSecretsAreRedacted(t *testing.T) {
	encodings := map[string]func(string) string{
		"as it is": func(s string) string { return s },
		"query":    url.QueryEscape,
		"path":     url.PathEscape,
		"JSON":     func(s string) string { b, _ := json.Marshal(s); return string(b) },
		"Go":       strconv.Quote,
		"base64":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"PHP":      func(s string) string { return strings.ReplaceAll(strconv.Quote(s), "/", `\/`) },
		"escaped":  escapeAll,
		"for URLs": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	}
	for range 50 {
		secret := rand.Text()[:20] + `/+"<%ÿ\/` + rand.Text()[:2]
		redact := new(redactor)
		redact.add(secret)
		for name, encode := range encodings {
			for _, before := range []string{"", "x", "xy", "xyz"} {
				text := redact.line("got " + encode(before+secret+"tail"))
				if !strings.Contains(text, redacted) {
					t.Errorf("%s after %q: %s", name, before, text)
				}
			}
		}
	}
	redact := new(redactor)
	redact.add("was", "")
	if got := redact.line("it was sent"); got != "it was sent" {
		t.Errorf("a short secret damaged the text: %q", got)
	}
}

// escapeAll is a text as JSON may have it.
func escapeAll(text string) (escaped string) {
	for _, r := range text {
		escaped += fmt.Sprintf(`\u%04x`, r)
	}
	return escaped
}

// A text that has no secret keeps its meaning.
func TestJSONKeepsItsMeaning(t *testing.T) {
	const text = `"\u0041\/\\u0041\"\u0022\u005C\u005c\n\ud83d\uDE00\ud83d\u0000\u202eé"`
	redact := new(redactor)
	redact.add("topsecret")
	var want, got string
	if json.Unmarshal([]byte(text), &want) != nil || json.Unmarshal(redact.body([]byte(text)), &got) != nil || got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A proxy's password may be short. No error shows it. But an id may have it by chance,
// and would be taken for another one if it was redacted.
func TestShortPassword(t *testing.T) {
	client := clientFor(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			io.WriteString(w, `[{"connection_id":"con_000000000007402"}]`)
			return
		}
		hangUp(t, w, "HTTP/1.1 200 OK\r\nX 7402\r\n\r\n")
	})
	client.redact.add("7402")
	_, err := client.DisableConnection(t.Context(), org, connection)
	if text := formats(asError(t, err)); strings.Contains(text, "7402") || !strings.Contains(text, redacted) {
		t.Errorf("got %s", text)
	}
	list, _, err := client.Links(t.Context(), OlderFamily, org, 0)
	if err != nil || list.Links[0].ConnectionID != "con_000000000007402" {
		t.Errorf("got %v, %v", list, err)
	}
}

// Tokens and assertions are redacted as long as one may be in flight, and memory does
// not grow with them.
func TestLatestTokensAreRedacted(t *testing.T) {
	redact := new(redactor)
	redact.add("the client's secret")
	for i := range 100 {
		redact.addIssued(fmt.Sprintf("token number %d.", i))
	}
	for text, want := range map[string]string{
		"the client's secret": redacted, "token number 99.": redacted, "token number 70.": redacted, "token number 7.": "token number 7.",
	} {
		if got := redact.line(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// net/http quotes an answer that is no HTTP. What it quotes may be the request.
func TestQuotedAnswerHidesToken(t *testing.T) {
	client := clientFor(t, func(w http.ResponseWriter, req *http.Request) {
		hangUp(t, w, "you sent "+req.Header.Get("Authorization")+"\r\n\r\n")
	})
	_, err := client.DisableConnection(t.Context(), org, connection)
	if text := formats(asError(t, err)); strings.Contains(text, "fixed-token") || !strings.Contains(text, "malformed HTTP") {
		t.Errorf("got %s", text)
	}
}

// What a list of the tenant says goes into results and logs, so it has no secrets
// either.
func TestListHidesToken(t *testing.T) {
	for _, encode := range []func(string) string{strings.TrimSpace, escapeAll} {
		client := clientFor(t, func(w http.ResponseWriter, req *http.Request) {
			fmt.Fprintf(w, `[{"connection_id":"con_1","connection":{"name":"%s"}}]`, encode(req.Header.Get("Authorization")))
		})
		links, _, err := client.Links(t.Context(), OlderFamily, org, 0)
		if err != nil || strings.Contains(formats(links), "fixed-token") {
			t.Errorf("got %v, %v", links, err)
		}
	}
}
