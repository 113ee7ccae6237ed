package apiclient

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// ParseDomain parses a tenant's domain: a host with an optional port, with or
// without https:// in front. A loopback address may have http:// instead. Anything
// more, such as a path, is an error. The result has only scheme and host, in lower
// case.
func ParseDomain(domain string) (*url.URL, error) {
	domain = strings.TrimSuffix(strings.TrimSpace(domain), "/")
	if domain == "" {
		return nil, errors.New("domain is empty")
	}
	if !strings.Contains(domain, "://") {
		domain = "https://" + domain
	}
	u, err := url.Parse(domain)
	if err != nil {
		// The parser's error would repeat a password in the input.
		return nil, errors.New("domain is not a host name, with an optional port")
	}
	return checkBaseURL(*u)
}

// Tenant returns the name of the tenant that a configuration is for: the host of
// the audience in lower case, with its port if there is one. If the credentials are a
// ready token, that is the audience that the token is for, if it can be read. It uses
// only the token, Audience and BaseURL, and sends nothing. An Audience that is not a
// URL with a host is an error.
func Tenant(cfg Config) (string, error) {
	u, err := url.Parse(cfg.audience())
	if err != nil || u.User != nil {
		return "", errAudience
	}
	host, err := normalizeHost(u)
	if err != nil {
		return "", errAudience
	}
	return cmp.Or(TokenTenant(cfg.Credentials.Token), host), nil
}

// errAudience does not show the audience, which may have a password in it.
var errAudience = errors.New("audience is not a URL such as https://HOST/api/v2/")

// TokenTenant returns the name of the tenant whose Management API a token is for, as
// [Tenant] does; empty if the token does not say it. Its signature is not verified.
func TokenTenant(token Secret) string {
	audiences, _ := claimsOf(token.Reveal()).GetAudience() // one or several
	for _, audience := range audiences {
		u, err := url.Parse(audience)
		if err != nil || u.User != nil || u.Path != "/api/v2/" {
			continue
		}
		if host, err := normalizeHost(u); err == nil {
			return host
		}
	}
	return ""
}

// TokenClient returns the id of the application that a token was issued to; empty if the
// token does not say it. Its signature is not verified.
func TokenClient(token Secret) string {
	client, _ := claimsOf(token.Reveal())["azp"].(string)
	return client
}

// audience returns the API's identifier that tokens are requested for.
func (cfg Config) audience() string {
	if cfg.Audience == "" && cfg.BaseURL != nil {
		return "https://" + cfg.BaseURL.Host + "/api/v2/"
	}
	return cfg.Audience
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)

// normalizeHost returns the host and port of u. There is one spelling for each host:
// lower case, the shortest form of an address, ports as numbers, and without the
// default port of https. A host or a port that cannot be is an error.
func normalizeHost(u *url.URL) (string, error) {
	host := strings.ToLower(u.Hostname())
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && ip.Unmap().Is4():
		host = ip.Unmap().String()
	case err == nil:
		host = "[" + ip.String() + "]"
	case !hostName.MatchString(host):
		return "", fmt.Errorf("domain %q is not a host name", u.Host)
	}
	if u.Port() == "" && !strings.HasSuffix(u.Host, ":") {
		return host, nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case err != nil || port == 0:
		return "", fmt.Errorf("domain %q has an invalid port", u.Host)
	case port == 443 && u.Scheme == "https":
		return host, nil
	}
	return host + ":" + strconv.FormatUint(port, 10), nil
}

// checkBaseURL returns scheme and host of u, or an error if u has anything else or
// is not https.
func checkBaseURL(u url.URL) (*url.URL, error) {
	if u.User != nil {
		return nil, errors.New("domain has a user name in it")
	}
	if u.Path != "" || u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, fmt.Errorf("domain %q has more than host and port", u.Host)
	}
	host, err := normalizeHost(&u)
	if err != nil {
		return nil, err
	}
	base := &url.URL{Scheme: u.Scheme, Host: host}
	ip, _ := netip.ParseAddr(base.Hostname())
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && (base.Hostname() == "localhost" || ip.IsLoopback()):
	case u.Scheme == "http":
		return nil, fmt.Errorf("domain %q: http is for loopback addresses only", u.Host)
	default:
		return nil, fmt.Errorf("domain %q: scheme %q is not https", u.Host, u.Scheme)
	}
	return base, nil
}
