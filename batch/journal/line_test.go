package journal

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
)

// sumOf computes the checksum from the description of the format.
func sumOf(body []byte) string {
	object := "{" + strings.TrimSuffix(string(body), "\n")
	return fmt.Sprintf("%08x", crc32.Checksum([]byte(object), crc32.MakeTable(crc32.Castagnoli)))
}

// Every later version must be able to read the journals of this one.
func TestLineFormatStays(t *testing.T) {
	body, err := encode(outcomeOf(7))
	if err != nil {
		t.Fatal(err)
	}
	const plain = `"at":"2027-01-15T08:00:00Z","outcome":{"line":7,"outcome":"disabled"}}`
	for synced, rest := range map[int64]string{0: plain, 4711: `"synced":4711,` + plain} {
		want := `{"crc":"` + sumOf([]byte(rest)) + `",` + rest + "\n"
		if got := string(appendLine(nil, body, synced)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got := crc32.Checksum([]byte("123456789"), crc32.MakeTable(crc32.Castagnoli)); got != 0xe3069283 {
		t.Errorf("CRC-32C check value: %08x", got)
	}
}
