package reports

import "io"

// blocks reads a file, and keeps what it reads in blocks, 1 MiB in all. Where a
// run went through its list in order, the records of successive rows are near each
// other and cost a system call only now and then. Where it did not, a block for
// each record would be a waste, so one is read only when it has been asked for
// several times in a row. Not safe for concurrent use; the part that is read must
// not change.
type blocks struct {
	file   io.ReaderAt
	kept   [64]block // a block's place is its number modulo the length
	missed int64     // the block that was asked for last and is not kept
	times  int       // in a row
}

const (
	blockSize = 1 << 14
	often     = 3 // times
)

type block struct {
	number int64
	data   []byte // nil: nothing was read yet
}

// ReadAt is io.ReaderAt's.
func (b *blocks) ReadAt(p []byte, offset int64) (int, error) {
	n := 0
	for n < len(p) {
		at := offset + int64(n)
		if !b.worthKeeping(at / blockSize) {
			rest, err := b.file.ReadAt(p[n:], at)
			return n + rest, err
		}
		data, err := b.block(at / blockSize)
		if err != nil {
			return n, err
		}
		start := int(at % blockSize)
		if start >= len(data) {
			return n, io.EOF
		}
		n += copy(p[n:], data[start:])
	}
	return n, nil
}

// worthKeeping reports whether a block is kept, or will be, having been asked for
// often.
func (b *blocks) worthKeeping(number int64) bool {
	if kept := &b.kept[number%int64(len(b.kept))]; kept.data != nil && kept.number == number {
		return true
	}
	if b.missed != number {
		b.missed, b.times = number, 0
	}
	b.times++
	return b.times >= often
}

// block returns a block's content; the file's last may be short.
func (b *blocks) block(number int64) ([]byte, error) {
	kept := &b.kept[number%int64(len(b.kept))]
	if kept.data != nil && kept.number == number {
		return kept.data, nil
	}
	if kept.data == nil {
		kept.data = make([]byte, blockSize)
	}
	n, err := b.file.ReadAt(kept.data[:blockSize], number*blockSize)
	if err != nil && err != io.EOF {
		kept.data = nil
		return nil, err
	}
	kept.number, kept.data = number, kept.data[:n]
	return kept.data, nil
}
