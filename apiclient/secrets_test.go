package apiclient

import (
	"crypto/elliptic"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// formats prints a value in every way that logs and panics do.
func formats(value any) string {
	encoded, _ := json.Marshal(value)
	return fmt.Sprintf("%v %+v %#v %s %q %x %d ", value, value, value, value, value, value, value) + string(encoded)
}

func TestConfigHidesSecrets(t *testing.T) {
	key := pemOf(t, ecKey(t, elliptic.P256())).Reveal()
	for name, cred := range map[string]Credentials{
		"token":  {Token: "topsecret"},
		"secret": {ClientID: "id", ClientSecret: "topsecret"},
		"key":    {ClientID: "id", PrivateKey: Secret(key), SigningAlg: "ES256"},
	} {
		cfg := Config{BaseURL: mustParse(t, "https://tenant.example"), Timeout: time.Second, Credentials: cred}
		client, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []any{cfg, &cfg, cred, &cred, client, *client, []Secret{cred.Token, cred.ClientSecret, cred.PrivateKey}} {
			text := formats(value)
			for _, secret := range []string{"topsecret", fmt.Sprintf("%x", "topsecret"), "PRIVATE KEY", key[40:60]} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %T shows %q", name, value, secret)
				}
			}
		}
	}
}

func TestRefusedConfigHidesSecrets(t *testing.T) {
	key := strings.Replace(pemOf(t, ecKey(t, elliptic.P256())).Reveal(), "E", "F", 1)
	for _, cred := range []Credentials{
		{Token: "topsecret", ClientSecret: "topsecret"},
		{Token: "topsecret\n"},
		{ClientSecret: "topsecret"},
		{ClientID: "id", PrivateKey: "topsecret", SigningAlg: "RS256"},
		{ClientID: "id", PrivateKey: Secret(key), SigningAlg: "RS256"},
		{ClientID: "id", PrivateKey: "topsecret", SigningAlg: "X"},
	} {
		_, err := New(Config{BaseURL: mustParse(t, "https://tenant.example"), Timeout: time.Second, Credentials: cred})
		if err == nil {
			t.Fatalf("%+v was accepted", cred)
		}
		if text := formats(err); strings.Contains(text, "topsecret") || strings.Contains(text, key[40:60]) {
			t.Errorf("got %s", text)
		}
	}
	if _, err := ParseDomain("https://user:topsecret@tenant.example:port"); err == nil || strings.Contains(formats(err), "topsecret") {
		t.Errorf("got %v", err)
	}
	if _, err := ParseDomain("https://user:topsecret@tenant.example"); err == nil || strings.Contains(formats(err), "topsecret") {
		t.Errorf("got %v", err)
	}
}

// A server that sends back what it got must not make it into an error.
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
					return answer(status, "text/plain", fmt.Sprintf(frame, secrets)), nil
				})
				_, err := newClient(t, cfg).DisableConnection(t.Context(), org, connection)
				text := formats(asError(t, err))
				for _, secret := range sent {
					if secret == "" || strings.Contains(text, secret) {
						t.Errorf("%s, status %d, %s: got %s", name, status, frame, text)
					}
				}
			}
		}
	}
}
