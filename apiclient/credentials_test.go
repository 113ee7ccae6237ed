package apiclient

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func pemOf(t testing.TB, key crypto.PrivateKey) Secret {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyMustFitSigningAlgorithm(t *testing.T) {
	const rs, p256, p384, p521 = "rs", "p256", "p384", "p521"
	keys := map[string]Secret{
		rs:   pemOf(t, rsaKey(t)),
		p256: pemOf(t, ecKey(t, elliptic.P256())),
		p384: pemOf(t, ecKey(t, elliptic.P384())),
		p521: pemOf(t, ecKey(t, elliptic.P521())),
	}
	fits := map[string]string{
		"RS256": rs, "RS384": rs, "RS512": rs, "PS256": rs, "PS384": rs, "PS512": rs,
		"ES256": p256, "ES384": p384, "ES512": p521,
		"": "", "none": "", "HS256": "", "EdDSA": "", "rs256": "",
	}
	for alg, want := range fits {
		for name, key := range keys {
			_, err := New(Config{
				BaseURL:     mustParse(t, "https://tenant.example"),
				Timeout:     time.Second,
				Credentials: Credentials{ClientID: "id", PrivateKey: key, SigningAlg: alg},
			})
			if (err == nil) != (name == want) {
				t.Errorf("%q with key %s: %v", alg, name, err)
			}
		}
	}
}

// An assertion is signed, expires soon and names the tenant as its only audience.
func TestEveryTokenRequestHasItsOwnAssertion(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	seen := map[string]bool{}
	server := &fakeTenant{api: onlyToken("2")}
	server.token = func(n int64, req *http.Request) *http.Response {
		if err := req.ParseForm(); err != nil {
			t.Error(err)
		}
		form := req.PostForm
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
			form.Get("client_id") != "id" || form.Has("client_secret") {
			t.Errorf("got form %v", form)
		}
		claims := jwt.RegisteredClaims{}
		_, err := jwt.ParseWithClaims(form.Get("client_assertion"), &claims,
			func(*jwt.Token) (any, error) { return key.Public(), nil },
			jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience("https://tenant.example/"),
			jwt.WithIssuer("id"), jwt.WithSubject("id"), jwt.WithExpirationRequired())
		if err != nil {
			t.Error(err)
		}
		if ahead := time.Until(claims.ExpiresAt.Time); ahead > time.Minute || ahead < 50*time.Second {
			t.Errorf("expires in %s", ahead)
		}
		if seen[claims.ID] || claims.ID == "" || len(claims.ID) > 64 {
			t.Errorf("id %q", claims.ID)
		}
		seen[claims.ID] = true
		return answer(200, "application/json", `{"access_token":"`+string('0'+rune(n))+`"}`)
	}
	client := newClient(t, Config{
		Transport:   server,
		Credentials: Credentials{ClientID: "id", PrivateKey: pemOf(t, key), SigningAlg: "ES256"},
	})
	if err := disableWithNewToken(t, client); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 2 {
		t.Errorf("got %d assertions, want 2", len(seen))
	}
}

// formats prints a value in every way that a log or a panic might.
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
