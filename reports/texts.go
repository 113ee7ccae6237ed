package reports

import (
	"encoding/binary"
	"hash/maphash"
)

// texts keep many short texts, which take little more than their length. One that
// was put in not long ago is kept once. Not safe for concurrent use.
type texts struct {
	blocks [][]byte
	recent [1 << 12]textPlace // by hash
	seed   maphash.Seed
}

// textPlace is where a text is: the number of its block, and in the low bits where in
// it its length is, which comes first. 0 is the empty text.
type textPlace uint32

const (
	textBits      = 16
	textBlockSize = 1 << textBits
)

func newTexts() texts {
	return texts{seed: maphash.MakeSeed(), blocks: [][]byte{{0}}} // the empty text
}

func (t *texts) put(s string) textPlace {
	recent := &t.recent[maphash.String(t.seed, s)%uint64(len(t.recent))]
	if string(t.bytes(*recent)) != s {
		*recent = t.append(s)
	}
	return *recent
}

func (t *texts) append(s string) textPlace {
	last := len(t.blocks) - 1
	if size := binary.MaxVarintLen64 + len(s); len(t.blocks[last])+size > cap(t.blocks[last]) {
		t.blocks = append(t.blocks, make([]byte, 0, max(textBlockSize, size)))
		last++
	}
	at := textPlace(last<<textBits | len(t.blocks[last]))
	t.blocks[last] = append(binary.AppendUvarint(t.blocks[last], uint64(len(s))), s...)
	return at
}

func (t *texts) get(at textPlace) string { return string(t.bytes(at)) }

// bytes are the text at a place.
func (t *texts) bytes(at textPlace) []byte {
	rest := t.blocks[at>>textBits][at%textBlockSize:]
	length, n := binary.Uvarint(rest)
	return rest[n:][:length]
}
