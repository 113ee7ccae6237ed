package main

import (
	"errors"
	"os"
	"strings"

	"github.com/orgconn/orgconn/apiclient"
)

const credentialsHint = "set AUTH0_API_TOKEN, or AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET, or AUTH0_CLIENT_ID and AUTH0_CLIENT_ASSERTION_PRIVATE_KEY"

// credentialsFromEnvironment reads the credentials under the names that Auth0's
// Terraform provider uses. A token takes precedence over a client.
func credentialsFromEnvironment(getenv func(string) string) (apiclient.Credentials, error) {
	var c apiclient.Credentials
	for _, name := range []string{"AUTH0_API_TOKEN", "AUTH0_ACCESS_TOKEN"} {
		if token := getenv(name); token != "" {
			c.Token = apiclient.Secret(token)
			return c, nil
		}
	}
	c.ClientID = getenv("AUTH0_CLIENT_ID")
	c.ClientSecret = apiclient.Secret(getenv("AUTH0_CLIENT_SECRET"))
	key := getenv("AUTH0_CLIENT_ASSERTION_PRIVATE_KEY")
	switch {
	case c.ClientID == "":
		return c, refused(errors.New("there are no credentials in the environment"), credentialsHint)
	case c.ClientSecret != "":
		return c, nil
	case key == "":
		return c, refused(errors.New("AUTH0_CLIENT_ID is set, but neither a secret nor a private key"), credentialsHint)
	}
	pem, err := privateKey(key)
	if err != nil {
		return c, refused(err, "AUTH0_CLIENT_ASSERTION_PRIVATE_KEY is the key in PEM, or a path to it")
	}
	c.PrivateKey = apiclient.Secret(pem)
	c.SigningAlg = getenv("AUTH0_CLIENT_ASSERTION_SIGNING_ALG")
	return c, nil
}

// privateKey returns the key in PEM. value is that, or the path of a file with it.
func privateKey(value string) (string, error) {
	if strings.Contains(value, "-----BEGIN") {
		return strings.ReplaceAll(value, `\n`, "\n"), nil // .env files write \n for a line break
	}
	text, err := os.ReadFile(value)
	if err != nil {
		// err has the path, which may be a mangled key.
		return "", errors.New("AUTH0_CLIENT_ASSERTION_PRIVATE_KEY is neither PEM nor a file that can be read")
	}
	return string(text), nil
}
