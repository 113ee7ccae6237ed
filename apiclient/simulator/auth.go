package simulator

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// token is what the tenant knows of an access token that it issued.
type token struct {
	scopes  []string
	expires time.Time
	revoked bool
}

// authenticate checks the call's token and its scopes. Refusals have no
// rate-limit headers.
func (t *Tenant) authenticate(c *call, h http.Header) (rep reply, refused bool) {
	header := c.Header.Get("Authorization")
	if header == "" {
		h.Set("WWW-Authenticate", "Bearer")
		return unauthorized("Missing authentication"), true
	}
	text, bearer := strings.CutPrefix(header, "Bearer ")
	if !bearer || strings.Count(text, ".") != 2 {
		// An authentication fault that is not a 401, as recorded.
		return problem(http.StatusBadRequest, "Bearer", "Bad HTTP authentication header format"), true
	}
	known := t.tokens[text]
	switch {
	case known == nil:
		return unauthorized("Invalid signature received for JSON Web Token validation"), true
	case known.revoked:
		return unauthorized("Invalid token"), true
	case !time.Now().Before(known.expires):
		return expired(), true
	}
	for _, scope := range c.route.scopes {
		if slices.Contains(known.scopes, scope) {
			return reply{}, false
		}
	}
	return problem(http.StatusForbidden, "insufficient_scope",
		"Insufficient scope, expected any of: "+strings.Join(c.route.scopes, ",")), true
}

func expired() reply { return unauthorized("Expired token received for JSON Web Token validation") }

// RevokeTokens has every token issued so far refused with a 401.
func (t *Tenant) RevokeTokens() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, known := range t.tokens {
		known.revoked = true
	}
}
