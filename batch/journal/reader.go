package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Entry is a record with its place in the journal.
type Entry struct {
	Record
	Offset int64 // of its line, in bytes
	Length int   // of its line, newline included, in bytes
}

// Tail is what follows a journal's last good record: bytes that a crash left
// behind the last sync. A Length of 0 is none.
type Tail struct {
	Offset int64 // where the good records end, in bytes
	Length int64 // bytes
}

// DamageError says that a record is damaged or missing in the part of a journal
// that was synced, so that no crash explains it.
type DamageError struct {
	Line   int   // from 1
	Offset int64 // of that line, in bytes
	Reason string
}

// Error names the place.
func (e *DamageError) Error() string {
	return fmt.Sprintf("journal damaged at line %d (byte %d): %s", e.Line, e.Offset, e.Reason)
}

// Reader reads a journal from its beginning, also one that is still written.
// It holds one line at a time. It is not safe for concurrent use.
type Reader struct {
	in   *bufio.Reader
	at   place
	tail Tail
}

// place is where a line starts.
type place struct {
	line   int // from 1
	offset int64
}

// NewReader returns a Reader of a journal.
func NewReader(r io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, maxLine), at: place{line: 1}}
}

// Entries yields the records in order, up to the tail. An error is the last
// that is yielded: a *DamageError, a journal that this version does not know,
// or the underlying reader's.
//
// A record that is broken belongs to the tail unless a later one says that the
// place was synced. Whole records behind it do not: what a crash loses of an
// unsynced batch may be any part of it.
func (r *Reader) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for {
			e, err := r.next()
			if err == io.EOF {
				return
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Tail returns what follows the last record, once Entries has ended
// without an error.
func (r *Reader) Tail() Tail { return r.tail }

// next returns the next record; io.EOF where the tail begins.
func (r *Reader) next() (Entry, error) {
	at := r.at
	line, err := r.readLine()
	switch {
	case err == io.EOF && at.line > 1:
		r.tail = Tail{Offset: at.offset}
		return Entry{}, io.EOF
	case err != nil && err != io.EOF:
		return Entry{}, err
	}
	e, err := decode(line)
	switch {
	case err != nil && at.line == 1: // Create returned only when it was synced
		return Entry{}, damage(at, "no first record: "+err.Error())
	case err != nil:
		return Entry{}, r.skipTail(at, err.Error())
	case at.line == 1:
		err = checkHeader(e.Header)
	case e.Synced > at.offset:
		err = damage(at, "records before it are missing")
	}
	return Entry{e.Record, at.offset, len(line)}, err
}

// skipTail looks behind a broken record for one that says that its place was
// synced. Where there is none it returns io.EOF.
func (r *Reader) skipTail(broken place, reason string) error {
	for {
		line, err := r.readLine()
		if err == io.EOF {
			r.tail = Tail{broken.offset, r.at.offset - broken.offset}
			return io.EOF
		}
		if err != nil {
			return err
		}
		if e, err := decode(line); err == nil && e.Synced > broken.offset {
			return damage(broken, reason)
		}
	}
}

// readLine returns the next line with its newline; the last may lack it. Of a
// line that is too long it returns nothing. It returns io.EOF at the end.
func (r *Reader) readLine() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	r.at.offset += int64(len(line))
	r.at.line++
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, r.skipLine()
	}
	if err == io.EOF && len(line) > 0 {
		return line, nil
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("read journal: %w", err)
	}
	return line, err
}

// skipLine skips the rest of a line that does not fit the buffer.
func (r *Reader) skipLine() error {
	for {
		part, err := r.in.ReadSlice('\n')
		r.at.offset += int64(len(part))
		switch {
		case err == nil || err == io.EOF:
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("read journal: %w", err)
		}
	}
}

// ReadAt returns the record of one line, which an Entry has told the place of.
func ReadAt(r io.ReaderAt, offset int64, length int) (Record, error) {
	line := make([]byte, length)
	if _, err := r.ReadAt(line, offset); err != nil && err != io.EOF {
		return Record{}, fmt.Errorf("read journal at byte %d: %w", offset, err)
	}
	e, err := decode(line)
	if err != nil {
		return Record{}, fmt.Errorf("read journal at byte %d: %w", offset, err)
	}
	return e.Record, nil
}

// checkHeader refuses a journal by its first record.
func checkHeader(run *Header) error {
	if run == nil {
		return errors.New("not a journal: its first record is not a run")
	}
	if run.Format != Format {
		return fmt.Errorf("journal of format %d: this version knows format %d only", run.Format, Format)
	}
	return nil
}

func damage(at place, reason string) *DamageError {
	return &DamageError{Line: at.line, Offset: at.offset, Reason: reason}
}
