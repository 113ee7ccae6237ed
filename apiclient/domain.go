package apiclient

import (
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
// the audience in lower case, with its port if there is one. It uses only Audience
// and BaseURL and sends nothing. An audience that is not a URL with a host is an
// error.
func Tenant(cfg Config) (string, error) {
	u, err := url.Parse(cfg.audience())
	if err != nil || u.Host == "" || u.User != nil {
		return "", errors.New("audience is not a URL such as https://HOST/api/v2/")
	}
	return normalizeHost(u), nil
}

// audience returns the API's identifier that tokens are requested for.
func (cfg Config) audience() string {
	if cfg.Audience == "" && cfg.BaseURL != nil {
		return "https://" + cfg.BaseURL.Host + "/api/v2/"
	}
	return cfg.Audience
}

// normalizeHost returns the host in lower case, without the default port of https.
func normalizeHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return host
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)

// checkBaseURL returns scheme and host of u, or an error if u has anything else or
// is not https.
func checkBaseURL(u url.URL) (*url.URL, error) {
	if u.User != nil {
		return nil, errors.New("domain has a user name in it")
	}
	if u.Path != "" || u.Opaque != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, fmt.Errorf("domain %q has more than host and port", u.Host)
	}
	host := strings.ToLower(u.Hostname())
	ip, err := netip.ParseAddr(host)
	if err != nil && !hostName.MatchString(host) {
		return nil, fmt.Errorf("domain %q is not a host name", u.Host)
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("domain %q has an invalid port", u.Host)
		}
	}
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && (host == "localhost" || ip.IsLoopback()):
	case u.Scheme == "http":
		return nil, fmt.Errorf("domain %q: http is for loopback addresses only", u.Host)
	default:
		return nil, fmt.Errorf("domain %q: scheme %q is not https", u.Host, u.Scheme)
	}
	return &url.URL{Scheme: u.Scheme, Host: normalizeHost(&u)}, nil
}
