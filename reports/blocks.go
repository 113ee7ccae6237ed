package reports

import "io"

// blocks reads a file in blocks and keeps the last ones, 4 MiB in all. A run
// goes through its list roughly in order, so the records of successive rows are
// mostly near each other and cost a system call only now and then. Not safe for
// concurrent use; the part that is read must not change.
type blocks struct {
	file io.ReaderAt
	kept [64]block // a block's place is its number modulo the length
}

const blockSize = 1 << 14

type block struct {
	number int64
	data   []byte // nil: nothing was read yet
}

// ReadAt is io.ReaderAt's.
func (b *blocks) ReadAt(p []byte, offset int64) (int, error) {
	n := 0
	for n < len(p) {
		at := offset + int64(n)
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
