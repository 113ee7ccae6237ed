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

const (
	maxLine = 1 << 20       // bytes, with the newline; a Reader holds one line
	maxBody = maxLine - 128 // bytes; the rest is for crc, synced and the newline
)

// A line is the JSON object of a record, with one or two members put in front:
//
//	{"crc":"89abcdef","synced":4711,"at":…}
//
// crc is the CRC-32C, in hexadecimal, of the line without its crc member and
// newline: of {"synced":4711,"at":…} here.
const (
	crcOpen   = `{"crc":"`
	crcClose  = `",`
	bodyStart = len(crcOpen) + 8 + len(crcClose)
)

// envelope is what a line holds: a record and, in the first line of a batch, the
// number of bytes that were on disk before the batch was written. All lines before
// that offset must be good, whatever happened to later ones.
type envelope struct {
	Synced int64 `json:"synced"`
	Record
}

// encode returns the JSON object of a record.
func encode(rec Record) ([]byte, error) {
	body, err := json.Marshal(rec)
	if err != nil {
		return nil, fmt.Errorf("encode journal record: %w", err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("encode journal record: %d bytes are more than the limit of %d", len(body), maxBody)
	}
	return body, nil
}

// appendLine appends the line of a record that encode returned. It leaves out a
// synced of 0.
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

// decode returns what a line holds. The line must have its newline and the right
// checksum.
func decode(line []byte) (e envelope, err error) {
	line, err = verify(line)
	if err != nil {
		return envelope{}, err
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return envelope{}, fmt.Errorf("not a record: %w", err)
	}
	return e, nil
}

// verify checks the checksum of a line and returns the line without its newline.
func verify(line []byte) ([]byte, error) {
	line, whole := bytes.CutSuffix(line, []byte("\n"))
	if !whole {
		return nil, errors.New("the line is cut off or too long")
	}
	if len(line) < bodyStart || string(line[:len(crcOpen)]) != crcOpen {
		return nil, errors.New("the line has no checksum")
	}
	sum := checksum(line)
	if !bytes.HasPrefix(line[len(crcOpen):], append(sum[:], crcClose...)) {
		return nil, errors.New("the checksum does not match")
	}
	return line, nil
}

// checksum returns the checksum of a line without its newline, in hexadecimal.
func checksum(line []byte) (sum [8]byte) {
	table := crc32.MakeTable(crc32.Castagnoli)
	crc := crc32.Update(crc32.Checksum([]byte("{"), table), table, line[bodyStart:])
	hex.Encode(sum[:], []byte{byte(crc >> 24), byte(crc >> 16), byte(crc >> 8), byte(crc)})
	return sum
}
