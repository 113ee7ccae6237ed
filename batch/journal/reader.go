package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
)

// Entry is a record and the place of its line in the journal.
type Entry struct {
	Record
	Offset int64 // of the line, in bytes
	Length int   // of the line, in bytes, with the newline
}

// Tail is the part behind a journal's last good record: what a crash left of
// records that were not synced yet. Its Length is 0 if there is none.
type Tail struct {
	Offset int64 // end of the last good record, in bytes
	Length int64 // in bytes
}

// DamageError says that a record is damaged or missing although it was synced, so
// that a crash cannot be the cause.
type DamageError struct {
	Line   int   // from 1
	Offset int64 // of that line, in bytes
	Reason string
}

// Error says where the damage is, and what it is.
func (e *DamageError) Error() string {
	return fmt.Sprintf("journal damaged at line %d (byte %d): %s", e.Line, e.Offset, e.Reason)
}

// Reader reads a journal from its beginning, also while it is being written. It
// holds one line at a time. It is not safe for concurrent use.
type Reader struct {
	// Lines is how many lines the input has at most. A record of a row beyond them
	// is damage.
	Lines int

	in    *bufio.Reader
	next  place // of the line to be read next
	first *Header
	tail  Tail
}

// place is where a line starts.
type place struct {
	line   int // from 1
	offset int64
}

// NewReader returns a Reader of a journal whose input may have any number of lines.
func NewReader(r io.Reader) *Reader {
	return &Reader{Lines: math.MaxInt, in: bufio.NewReaderSize(r, maxLine), next: place{line: 1}}
}

// Entries yields the records in order, up to the tail. It stops after an error: a
// *DamageError, a journal of an unknown format, or an error of the underlying
// reader.
//
// The tail begins at the first broken record, unless a later record says that the
// broken one was synced: then it is damage. Good records behind a broken one belong
// to the tail too, since a crash can lose any part of a batch that was not synced.
func (r *Reader) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for {
			e, err := r.read()
			if err == io.EOF {
				return
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Tail returns what follows the last record. It is valid once Entries has ended
// without an error.
func (r *Reader) Tail() Tail { return r.tail }

// read returns the next record, or io.EOF where the tail begins.
func (r *Reader) read() (Entry, error) {
	at := r.next
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
	case err != nil && at.line == 1: // Create syncs it before anything else, so this is no tail
		return Entry{}, damage(at, "no valid first record: "+err.Error())
	case err != nil:
		if _, sumErr := verify(line); sumErr == nil { // a crash leaves no right checksum
			return Entry{}, damage(at, err.Error())
		}
		return Entry{}, r.readTail(at, err.Error())
	case at.line == 1 && e.Header == nil:
		return Entry{}, damage(at, "its first record is not a header")
	case at.line == 1:
		if err := checkHeader(e.Header); err != nil {
			return Entry{}, err
		}
		r.first = e.Header
	case e.Synced > at.offset:
		return Entry{}, damage(at, "the records before it are missing")
	}
	if err := r.validate(e.Record); err != nil {
		return Entry{}, damage(at, err.Error())
	}
	return Entry{e.Record, at.offset, len(line)}, nil
}

// validate returns why the run cannot have written a record.
func (r *Reader) validate(rec Record) error {
	if err := rec.validate(r.Lines); err != nil || rec.Header == nil {
		return err
	}
	return rec.Header.continues(*r.first)
}

// readTail reads what follows a broken record. It returns a *DamageError if a
// later record says that the broken one was synced, else io.EOF.
func (r *Reader) readTail(broken place, reason string) error {
	for {
		line, err := r.readLine()
		if err == io.EOF {
			r.tail = Tail{broken.offset, r.next.offset - broken.offset}
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

// readLine returns the next line with its newline, which the last line may lack.
// For a line that is too long it returns nil. At the end it returns io.EOF.
func (r *Reader) readLine() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	r.next.offset += int64(len(line))
	r.next.line++
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, r.skipLine()
	case err == io.EOF && len(line) > 0:
		return line, nil
	case err != nil && err != io.EOF:
		err = fmt.Errorf("read journal: %w", err)
	}
	return line, err
}

// skipLine skips the rest of a line that is too long.
func (r *Reader) skipLine() error {
	for {
		part, err := r.in.ReadSlice('\n')
		r.next.offset += int64(len(part))
		switch {
		case err == nil || err == io.EOF:
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("read journal: %w", err)
		}
	}
}

// ReadAt returns one record, of which offset and length are known from an Entry.
func ReadAt(r io.ReaderAt, offset int64, length int) (Record, error) {
	line := make([]byte, length)
	if _, err := r.ReadAt(line, offset); err != nil && err != io.EOF {
		return Record{}, fmt.Errorf("read journal at byte %d: %w", offset, err)
	}
	e, err := decode(line)
	if err == nil {
		err = e.validate(math.MaxInt) // the file may have changed since
	}
	if err != nil {
		return Record{}, fmt.Errorf("read journal at byte %d: %w", offset, err)
	}
	return e.Record, nil
}

// checkHeader refuses a journal that does not start with a header of this Format.
func checkHeader(h *Header) error {
	if h == nil {
		return errors.New("not a journal: its first record is not a header")
	}
	if h.Format != Format {
		return fmt.Errorf("journal has format %d: this version reads format %d only", h.Format, Format)
	}
	return nil
}

func damage(at place, reason string) *DamageError {
	return &DamageError{Line: at.line, Offset: at.offset, Reason: reason}
}
