package journal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/segmentio/encoding/json"
)

// maxLine is the length of the longest line, newline included, in bytes. It
// bounds what a reader has to hold.
const maxLine = 1 << 20

// A line is {"crc":"xxxxxxxx", and the record's JSON object without its opening
// brace. The checksum is the CRC-32C of that object, brace included: take the
// crc member out of a line, and what is left is what was summed.
const (
	crcOpen   = `{"crc":"`
	crcClose  = `",`
	bodyStart = len(crcOpen) + 8 + len(crcClose)
)

// envelope is what a line holds: the record, and in the first of a batch the
// number of bytes that were synced before the batch was written.
type envelope struct {
	Synced int64 `json:"synced"`
	Record
}

// encode returns a record's own JSON object.
func encode(rec Record) ([]byte, error) {
	body, err := json.Marshal(rec)
	if err != nil {
		return nil, fmt.Errorf("encode journal record: %w", err)
	}
	if len(body) > maxLine-128 { // leaves room for crc, synced and newline
		return nil, fmt.Errorf("journal record of %d bytes is too long: at most 1 MiB", len(body))
	}
	return body, nil
}

// appendLine appends the line of a record that encode returned. A synced of 0
// leaves the mark out.
func appendLine(dst, body []byte, synced int64) []byte {
	start := len(dst)
	dst = append(dst, crcOpen+"00000000"+crcClose...)
	if synced > 0 {
		dst = append(dst, `"synced":`...)
		dst = strconv.AppendInt(dst, synced, 10)
		dst = append(dst, ',')
	}
	dst = append(dst, body[1:]...)
	line := dst[start:]
	sum := checksum(line)
	copy(line[len(crcOpen):], sum[:])
	return append(dst, '\n')
}

// decode checks a line, newline included, and returns what it holds.
func decode(line []byte) (e envelope, err error) {
	line, err = check(line)
	if err != nil {
		return envelope{}, err
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return envelope{}, fmt.Errorf("not a record: %w", err)
	}
	return e, nil
}

// check returns a line without its newline, if its checksum is right.
func check(line []byte) ([]byte, error) {
	line, whole := bytes.CutSuffix(line, []byte("\n"))
	if !whole {
		return nil, errors.New("the line is cut off or too long")
	}
	if len(line) < bodyStart || string(line[:len(crcOpen)]) != crcOpen {
		return nil, errors.New("no checksum")
	}
	sum := checksum(line)
	if !bytes.HasPrefix(line[len(crcOpen):], append(sum[:], crcClose...)) {
		return nil, errors.New("the checksum does not match")
	}
	return line, nil
}

// checksum returns the sum of a line without its newline, in hexadecimal.
func checksum(line []byte) (sum [8]byte) {
	table := crc32.MakeTable(crc32.Castagnoli)
	crc := crc32.Update(crc32.Checksum([]byte("{"), table), table, line[bodyStart:])
	hex.Encode(sum[:], []byte{byte(crc >> 24), byte(crc >> 16), byte(crc >> 8), byte(crc)})
	return sum
}
