package apiclient

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ReadyTokenError says why the tenant will refuse a ready token.
type ReadyTokenError struct {
	Reason string // "expired at ...": continues a sentence that begins with the token
	Hint   string // what to do about it
}

func (e *ReadyTokenError) Error() string { return "the token " + e.Reason }

const newTokenHint = "get a new one in the Auth0 Dashboard, under APIs, Auth0 Management API, API Explorer"

// CheckToken returns a *ReadyTokenError if a configuration's ready token says that it
// has expired or is for another host or API than those of the configuration. It sends
// nothing. A token that does not say so, or cannot be read, is accepted.
func CheckToken(cfg Config, now time.Time) error {
	claims := claimsOf(cfg.Credentials.Token.Reveal())
	expires, _ := claims.GetExpirationTime()
	issuer, _ := claims.GetIssuer()
	audiences, _ := claims.GetAudience()
	by := hostOf(issuer)
	switch {
	case expires != nil && !now.Before(expires.Time):
		return &ReadyTokenError{"expired at " + expires.UTC().Format(time.RFC3339), newTokenHint}
	case by != "" && by != cfg.BaseURL.Host: // the issuer follows the host that was asked for the token
		return &ReadyTokenError{
			fmt.Sprintf("was issued by %s, and the domain called is %s, which will refuse it", by, cfg.BaseURL.Host),
			"set AUTH0_DOMAIN to " + by + ", or use a token that was issued by " + cfg.BaseURL.Host,
		}
	case len(audiences) > 0 && !cfg.isFor(audiences):
		return &ReadyTokenError{
			fmt.Sprintf("is not for the API of %s", hostOf(cfg.audience())),
			"use a token for the audience " + cfg.audience() + "; with a custom domain, the audience has the tenant's own domain",
		}
	}
	return nil
}

// isFor reports whether the audience of a token may be the configuration's API. A
// custom domain does not tell the tenant's own one, which is in the audience.
func (cfg Config) isFor(audiences []string) bool {
	if slices.Contains(audiences, cfg.audience()) {
		return true
	}
	tenant := TokenTenant(cfg.Credentials.Token)
	isCustom := cfg.Audience == "" && !strings.HasSuffix(cfg.BaseURL.Hostname(), ".auth0.com")
	return tenant != "" && (isCustom || tenant == hostOf(cfg.audience()))
}

// hostOf returns the host of a URL as normalizeHost does; "" if there is none.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.User != nil {
		return ""
	}
	host, _ := normalizeHost(u)
	return host
}
