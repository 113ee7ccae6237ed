package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.uber.org/zap"

	"github.com/orgconn/orgconn/apiclient"
)

// The names are those of Auth0's Terraform provider, and AUTH0_ACCESS_TOKEN that of
// its deploy tool.
const (
	envToken      = "AUTH0_API_TOKEN"
	envOtherToken = "AUTH0_ACCESS_TOKEN"
	envID         = "AUTH0_CLIENT_ID"
	envSecret     = "AUTH0_CLIENT_SECRET"
	envKey        = "AUTH0_CLIENT_ASSERTION_PRIVATE_KEY"
	envAlg        = "AUTH0_CLIENT_ASSERTION_SIGNING_ALG"
)

const (
	credentialsHint = "set " + envToken + ", or " + envID + " and " + envSecret + ", or " + envID + " and " + envKey
	keyHint         = envKey + " is the key in PEM with its line breaks (or \\n), or a path to it; " + envAlg + " must fit it"
)

// chooseWay returns the variables of the way to authenticate that is used, nil if
// none is complete, and those of other ways that are ignored. A token is used before
// a client, and a secret before a key.
func chooseWay(isSet func(string) bool) (used, ignored []string) {
	for _, way := range [][]string{{envToken}, {envOtherToken}, {envID, envSecret}, {envID, envKey}} {
		switch {
		case slices.ContainsFunc(way, func(name string) bool { return !isSet(name) }):
			continue
		case used == nil:
			used = way
			continue
		}
		for _, name := range way {
			if !slices.Contains(used, name) && !slices.Contains(ignored, name) {
				ignored = append(ignored, name)
			}
		}
	}
	return used, ignored
}

// readyToken returns the access token in the environment; empty if there is none.
func readyToken(getenv func(string) string) (token apiclient.Secret, variable string) {
	for _, name := range []string{envToken, envOtherToken} {
		if token := getenv(name); token != "" {
			return apiclient.Secret(token), name
		}
	}
	return "", ""
}

// credentialsFromEnvironment reads the credentials. If several ways to authenticate
// are set, it logs which one is used.
func credentialsFromEnvironment(ctx context.Context, getenv func(string) string, log *zap.Logger) (c apiclient.Credentials, err error) {
	if err := checkVariables(getenv, envToken, envOtherToken, envID, envSecret, envKey, envAlg); err != nil {
		return c, err
	}
	isSet := func(name string) bool { return getenv(name) != "" }
	used, ignored := chooseWay(isSet)
	if len(ignored) > 0 {
		log.Warn("several ways to authenticate are set", zap.Strings("used", used), zap.Strings("ignored", ignored))
	}
	switch {
	case used == nil:
		return c, incomplete(isSet)
	case len(used) == 1:
		c.Token = apiclient.Secret(getenv(used[0]))
		return c, nil
	}
	c.ClientID = getenv(envID)
	if slices.Contains(used, envSecret) {
		c.ClientSecret = apiclient.Secret(getenv(envSecret))
		return c, nil
	}
	if c.SigningAlg = getenv(envAlg); c.SigningAlg == "" {
		return c, refused(errors.New(envKey+" is set, but "+envAlg+" is not"), "set "+envAlg+" to the key's algorithm, such as RS256")
	}
	c.PrivateKey, err = privateKey(ctx, getenv(envKey))
	return c, refused(orInterrupted(ctx, err), keyHint)
}

// incomplete says what is missing of the credentials.
func incomplete(isSet func(string) bool) error {
	text := "there are no credentials in the environment"
	switch {
	case isSet(envID):
		text = envID + " is set, but neither a secret nor a private key"
	case isSet(envSecret):
		text = envSecret + " is set, but " + envID + " is not"
	case isSet(envKey):
		text = envKey + " is set, but " + envID + " is not"
	}
	return refused(errors.New(text), credentialsHint)
}

// privateKey returns the key in PEM. value is that, or the path of a file with it.
func privateKey(ctx context.Context, value string) (apiclient.Secret, error) {
	if isPEM(value) {
		return apiclient.Secret(strings.ReplaceAll(value, `\n`, "\n")), nil // .env files write \n for a line break
	}
	text, err := interruptibly(ctx, func() ([]byte, error) { return readKeyFile(value) })
	if err != nil {
		// err has the path, which may be a mangled key.
		return "", errors.New(envKey + " is neither PEM nor a file that can be read")
	}
	return apiclient.Secret(text), nil
}

// maxKey is how long a file with a private key may be, in bytes.
const maxKey = 64 << 10

func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxKey))
}

func isPEM(value string) bool { return strings.Contains(value, "-----BEGIN") }

// checkVariables refuses values that were damaged on their way into the environment.
// The error does not show the value.
func checkVariables(getenv func(string) string, names ...string) error {
	for _, name := range names {
		if fault := damage(name, getenv(name)); fault != "" {
			return refused(fmt.Errorf("%s has %s", name, fault), "set it to the bare value; a file for docker --env-file or systemd must not have quotes or CRLF that are kept")
		}
	}
	return nil
}

// damage says what is wrong with a variable's value; empty if nothing is.
func damage(name, value string) string {
	if name == envKey && isPEM(value) {
		value = strings.Join(strings.Fields(value), " ") // it is text of several lines
	}
	isToken := name == envToken || name == envOtherToken
	switch {
	case strings.ContainsAny(value, "\r\n"):
		return "a line break in it"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "a control character in it"
	case strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "an invisible character in it"
	case isQuoted(strings.TrimSpace(value)):
		return "quotes around it"
	case strings.TrimSpace(value) != value:
		return "spaces around it"
	case isToken && strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "a space in it, or another character that no token has"
	}
	return ""
}

// isQuoted reports whether a value begins and ends with quotes, straight or curly.
func isQuoted(value string) bool {
	const quotes = "\"'`“”„‘’«»"
	runes := []rune(value)
	return len(runes) >= 2 && strings.ContainsRune(quotes, runes[0]) && strings.ContainsRune(quotes, runes[len(runes)-1])
}

// checkProxy refuses a proxy variable that cannot be read, because net/http would
// skip it and call the tenant directly. It warns of one that is not used.
func checkProxy(getenv func(string) string, log *zap.Logger) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if value := getenv(name); value != "" && !isProxyAddress(value) {
			return refused(errors.New(name+" is not the address of a proxy"),
				"set it to http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with % in the password written as %25, or unset it")
		}
	}
	if getenv("HTTPS_PROXY") != "" || getenv("https_proxy") != "" {
		return nil
	}
	for _, name := range []string{"ALL_PROXY", "all_proxy"} {
		if getenv(name) != "" {
			log.Warn(name + " is not used; set HTTPS_PROXY to go through a proxy")
			break
		}
	}
	return nil
}

// isProxyAddress reports whether net/http can use a proxy variable. It may lack the
// scheme.
func isProxyAddress(value string) bool {
	u, err := url.Parse(value)
	if err != nil || u.Scheme == "" || u.Host == "" {
		u, err = url.Parse("http://" + value)
	}
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		return false
	}
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}
