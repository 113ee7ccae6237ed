package reports

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestBlocksReadWhatTheFileHas(t *testing.T) {
	content := make([]byte, 600*blockSize+100) // more than is kept
	rand.NewChaCha8([32]byte{}).Read(content)
	file := bytes.NewReader(content)
	b := &blocks{file: file}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.SampledFrom([]int64{0, 1, 63, 64, 65, 128, 599, 600}).Draw(t, "block")
		offset := number*blockSize + rapid.Int64Range(0, blockSize-1).Draw(t, "offset")
		want := make([]byte, rapid.IntRange(1, 3*blockSize).Draw(t, "length"))
		wantN, wantErr := file.ReadAt(want, offset)
		for range often + 1 {
			got := make([]byte, len(want))
			n, err := b.ReadAt(got, offset)
			if n != wantN || err != wantErr || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, error %v; want %d, %v", n, err, wantN, wantErr)
			}
		}
	})
}

func TestBlocksPassErrorsOn(t *testing.T) {
	broken := errors.New("input/output error")
	b := &blocks{file: failingFile{iotest.ErrReader(broken)}}
	for range often + 1 {
		if _, err := b.ReadAt(make([]byte, 10), 5); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
}

type failingFile struct{ io.Reader }

func (f failingFile) ReadAt(p []byte, _ int64) (int, error) { return f.Read(p) }
