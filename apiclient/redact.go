package apiclient

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

const (
	// redacted replaces a secret in any output.
	redacted = "[secret]"
	// minSecret is the length of the shortest text that is redacted, in bytes.
	// Redacting shorter ones would only damage other words.
	minSecret = 4
	// minInBody is that length for the body of an answer, where an id may have a
	// shorter one by chance.
	minInBody = 8
	// maxIssued is how many of the latest tokens and assertions are redacted. None
	// older is in flight, even if a token lives a few seconds only.
	maxIssued = 32
	// maxExcerpt is the longest text kept of an answer, in bytes.
	maxExcerpt = 300
)

// redactor removes the client's secrets from every text that leaves it. A server or
// a proxy may send back what it received, as it is or encoded, and net/http quotes
// an answer that it cannot read. Its zero value has no secrets. It is safe for
// concurrent use.
type redactor struct {
	mu      sync.Mutex // of those who change secrets
	secrets atomic.Pointer[secrets]
}

// secrets are the forms in which secrets may come back. They do not change. The
// redactor has a pointer to them, because fmt would print a field of its own.
type secrets struct {
	fixed  []string
	issued [][]string // of each token and assertion, the latest last
	all    []string   // the longest first
}

// add redacts secrets for good.
func (r *redactor) add(texts ...string) {
	r.change(func(s *secrets) {
		for _, text := range texts {
			s.fixed = append(s.fixed, secretForms(text)...)
		}
	})
}

// addIssued redacts a token or an assertion, until maxIssued others have come.
func (r *redactor) addIssued(text string) {
	r.change(func(s *secrets) {
		s.issued = append(s.issued, secretForms(text))
		s.issued = s.issued[max(0, len(s.issued)-maxIssued):]
	})
}

func (r *redactor) change(edit func(*secrets)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := new(secrets)
	if current := r.secrets.Load(); current != nil {
		next.fixed, next.issued = current.fixed, current.issued
	}
	edit(next)
	next.all = slices.Concat(slices.Concat(next.issued...), next.fixed)
	slices.SortFunc(next.all, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	next.all = slices.Compact(next.all)
	r.secrets.Store(next)
}

// without returns a text without secrets, as far as their forms have so many bytes. Text
// of JSON keeps its meaning.
func (r *redactor) without(text string, bytes int) string {
	if secrets := r.secrets.Load(); secrets != nil {
		text = secrets.redact(text, bytes) // one with a backslash would change below
		if strings.Contains(text, `\`) {
			text = secrets.redact(jsonEscape.ReplaceAllStringFunc(text, unescaped), bytes)
		}
	}
	return text
}

// redact replaces the forms of secrets that have so many bytes.
func (s *secrets) redact(text string, bytes int) string {
	for _, form := range s.all {
		if len(form) >= bytes {
			text = strings.ReplaceAll(text, form, redacted)
		}
	}
	return text
}

// body returns the body of an answer without secrets.
func (r *redactor) body(body []byte) []byte { return []byte(r.without(string(body), minInBody)) }

// line returns a text without secrets as one short printable line.
func (r *redactor) line(text string) string { return excerpt(r.without(text, minSecret)) }

// jsonEscape matches each escape of a JSON string.
var jsonEscape = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

// unescaped returns what an escape stands for, if it may stand in JSON without it. A
// server may escape any character, so a secret has countless forms in JSON.
func unescaped(escape string) string {
	code, err := strconv.ParseUint(strings.TrimPrefix(escape, `\u`), 16, 16)
	switch r := rune(code); {
	case escape == `\/`:
		return "/"
	case err != nil || !unicode.IsPrint(r):
		return escape
	case r == '"' || r == '\\':
		return `\` + string(r)
	default:
		return string(r)
	}
}

// secretForms returns the forms in which a secret may come back: as it is, escaped
// for a URL, JSON, Go or HTML, and in base64, also amid other text.
func secretForms(secret string) []string {
	quoted, _ := json.Marshal(secret) // a string can always be encoded
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret),
		string(quoted[1 : len(quoted)-1]), strings.Trim(strconv.Quote(secret), `"`),
	}
	// Base64 encodes groups of three bytes, so how a text is encoded depends on how
	// many bytes come before it. The characters at the ends that encode other bytes
	// too are left out.
	for before, shared := range []int{0, 2, 3} {
		text := append(make([]byte, before), secret...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			encoded := encoding.EncodeToString(text)
			if len(text)%3 != 0 {
				encoded = encoded[:len(encoded)-1]
			}
			forms = append(forms, encoded[min(shared, len(encoded)):])
		}
	}
	return slices.DeleteFunc(forms, func(form string) bool { return len(form) < minSecret })
}

// excerpt returns text as one short printable line.
func excerpt(text string) string {
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
