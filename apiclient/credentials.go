package apiclient

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Secret is a string that formatting, logging and encoding show as a placeholder.
// It is not protected in an unexported field of a struct, because fmt prints such
// a field without calling its methods.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Format prints a placeholder for every verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// String returns a placeholder.
func (s Secret) String() string { return redacted }

// MarshalText returns a placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Credentials hold exactly one way to get a token: a ready Token, or ClientID
// with ClientSecret, or ClientID with PrivateKey and SigningAlg.
type Credentials struct {
	// Token is a ready access token. It cannot be renewed.
	Token Secret
	// ClientID is the id of a machine-to-machine application.
	ClientID string
	// ClientSecret is that application's secret.
	ClientSecret Secret
	// PrivateKey is a PEM-encoded key that is registered for the application
	// (private key JWT).
	PrivateKey Secret
	// SigningAlg is the algorithm of PrivateKey: RS256, RS384, RS512, PS256, PS384,
	// PS512, ES256, ES384 or ES512. Auth0 documents RS256, RS384 and PS256.
	SigningAlg string
}

// check returns an error unless there is exactly one way to get a token. The error
// does not show the credentials.
func (c Credentials) check() error {
	ways := 0
	for _, secret := range []Secret{c.Token, c.ClientSecret, c.PrivateKey} {
		if secret != "" {
			ways++
		}
	}
	switch {
	case ways == 0:
		return errors.New("credentials are missing: give a token, a client secret or a private key")
	case ways > 1:
		return errors.New("credentials are ambiguous: give only one of token, client secret and private key")
	case c.Token == "" && c.ClientID == "":
		return errors.New("credentials lack the client id")
	case c.Token != "" && !isHeaderSafe(c.Token.Reveal()):
		return errors.New("the token has characters that are not allowed, such as a space or a line break")
	}
	return nil
}

// isHeaderSafe reports whether a token is printable ASCII without spaces.
func isHeaderSafe(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// signer makes the signed assertions that replace a client secret (RFC 7523).
type signer struct {
	method   jwt.SigningMethod
	key      crypto.PrivateKey
	clientID string
	audience string
}

// newSigner reads the key and signs once, to check that it fits the algorithm.
func newSigner(c Credentials, audience string) (*signer, error) {
	s := &signer{clientID: c.ClientID, audience: audience}
	pem := []byte(c.PrivateKey.Reveal())
	var err error
	switch c.SigningAlg {
	case "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		s.key, err = jwt.ParseRSAPrivateKeyFromPEM(pem)
	case "ES256", "ES384", "ES512":
		s.key, err = jwt.ParseECPrivateKeyFromPEM(pem)
	default:
		return nil, errors.New("the signing algorithm is not one of RS, PS or ES with 256, 384 or 512")
	}
	if err == nil {
		s.method = jwt.GetSigningMethod(c.SigningAlg)
		_, err = s.assertion()
	}
	if err != nil {
		return nil, fmt.Errorf("private key cannot sign with %s: %w", c.SigningAlg, err)
	}
	return s, nil
}

// assertionLife is how long an assertion is valid. Auth0's documentation advises a
// minute, and allows maxAssertionLife.
const (
	assertionLife    = time.Minute
	maxAssertionLife = 5 * time.Minute
)

// assertion returns a JWT for one token request, with an id that is used once. The JWT has
// no time of issue (iat), so that a local clock that is slightly fast does no harm.
func (s *signer) assertion() (string, error) {
	return jwt.NewWithClaims(s.method, jwt.MapClaims{
		"iss": s.clientID,
		"sub": s.clientID,
		"aud": s.audience,
		"exp": time.Now().Add(assertionLife).Unix(),
		"jti": rand.Text(),
	}).SignedString(s.key)
}
