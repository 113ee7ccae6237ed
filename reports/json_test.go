package reports

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// JSON on a terminal does not control it, and says the same.
func TestJSONIsPrintable(t *testing.T) {
	const text = "a\x1b\x7f\u0080\u009f\u202a\u202e\u2066\u2069\u200b\U000e0001é日😀\xff<&"
	var out bytes.Buffer
	if err := WriteJSON(&out, []string{text}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\x7f\u0080\u009f\u202a\u202e\u2066\u2069\u200b\U000e0001") || !strings.Contains(out.String(), "é日😀") {
		t.Errorf("got %q", out.String())
	}
	var got []string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || got[0] != strings.ToValidUTF8(text, "\uFFFD") {
		t.Errorf("got %q, %v", got, err)
	}
}
