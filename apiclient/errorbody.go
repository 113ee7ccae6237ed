package apiclient

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// errorFields reads the fields of an error body in JSON, whatever its declared
// content type. Auth0 sends statusCode, error, message and mostly errorCode;
// its token endpoint OAuth's error and error_description; others send error as
// an object. Both results are empty where the body is something else.
func errorFields(body []byte) (code, message string) {
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		return "", ""
	}
	text, _ := fields["error"].(string)
	nested, _ := fields["error"].(map[string]any)
	code = firstText(fields["errorCode"], nested["errorCode"], nested["code"])
	if code == "" && oauthCode.MatchString(text) {
		code = text
	}
	return code, firstText(fields["message"], fields["error_description"], nested["message"], text)
}

// oauthCode tells an error code, access_denied, from a status text, Forbidden.
var oauthCode = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)

func firstText(values ...any) string {
	for _, value := range values {
		if text, ok := value.(string); ok && text != "" {
			return text
		}
	}
	return ""
}

var markup = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>|<[^>]*>`)

// plainText is the text of a body that is not Auth0's, such as a proxy's page.
func plainText(body []byte) string {
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		body = markup.ReplaceAll(body, []byte(" "))
	}
	return string(body)
}

const (
	// maxExcerpt is the longest text kept of an answer, in bytes.
	maxExcerpt = 300
	// minSecret is the length from which on a text can be a secret, in bytes.
	// Hiding shorter ones would only spoil other words.
	minSecret = 8
)

// excerpt makes one short printable line of a text, without the secrets that a
// server may have sent back in it.
func excerpt(text string, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, hidden)
		}
	}
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxExcerpt {
		return text
	}
	const ellipsis = "…"
	end := maxExcerpt - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
