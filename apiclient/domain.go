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

// ParseDomain reads a tenant's domain: a host, optionally with a port and
// https:// before it, or http:// for a loopback address. Anything more, a path
// say, is an error. The result has scheme and host in lower case only.
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
		// The parser's error repeats its input, and with it a password.
		return nil, errors.New("domain is not a host name, with an optional port")
	}
	return checkBase(*u)
}

// Tenant names the tenant that a configuration is for: host, and port where
// there is one, of the audience, in lower case. It looks at nothing but
// Audience and BaseURL and calls nobody. An audience that is not a URL with a
// host is an error.
func Tenant(cfg Config) (string, error) {
	audience := audience(cfg)
	u, err := url.Parse(audience)
	if err != nil || u.Host == "" || u.User != nil {
		return "", errors.New("audience is not a URL such as https://HOST/api/v2/")
	}
	return normalHost(u), nil
}

func audience(cfg Config) string {
	if cfg.Audience == "" && cfg.BaseURL != nil {
		return "https://" + cfg.BaseURL.Host + "/api/v2/"
	}
	return cfg.Audience
}

// normalHost leaves out the port that the scheme implies.
func normalHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return host
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)

// checkBase returns u reduced to scheme and host, or says what is wrong with it.
func checkBase(u url.URL) (*url.URL, error) {
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
			return nil, fmt.Errorf("domain %q has an impossible port", u.Host)
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
	return &url.URL{Scheme: u.Scheme, Host: normalHost(&u)}, nil
}
