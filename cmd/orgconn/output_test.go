package main

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// While nobody reads, a write is given up after a time, and the next ones at once.
// Once somebody reads, the first one arrives whole, and later ones go on behind it.
func TestOutputGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, pipe := io.Pipe()
		defer reader.Close()
		out := newOutput(pipe, time.Second)
		began := time.Now()
		for _, text := range []string{"first\n", "lost\n", "lost\n"} {
			if _, err := out.Write([]byte(text)); !errors.Is(err, errUnread) {
				t.Errorf("%q: %v", text, err)
			}
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("three writes took %s", took)
		}
		if lost := out.takeLost(); lost != 2 {
			t.Errorf("%d writes were lost, want 2", lost)
		}
		go func() {
			synctest.Wait()
			_, _ = out.Write([]byte("second\n"))
			pipe.Close()
		}()
		text, err := io.ReadAll(reader)
		if string(text) != "first\nsecond\n" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	})
}
