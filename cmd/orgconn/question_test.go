package main

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/batch/journal"
)

// Only a whole line y or yes goes on. Everything else changes nothing.
func TestOnlyYesGoesOn(t *testing.T) {
	for answer, want := range map[string]int{
		"y\n": journal.ExitOK, "Y\n": journal.ExitOK, "yes\n": journal.ExitOK, "Yes\r\n": journal.ExitOK, " y \n": journal.ExitOK,
		"": journal.ExitRefused, "\n": journal.ExitRefused, "n\n": journal.ExitRefused, "y": journal.ExitRefused,
		"y no wait\n": journal.ExitRefused, "yes?\n": journal.ExitRefused, "ye\n": journal.ExitRefused, "no\ny\n": journal.ExitRefused,
		"\ny\n": journal.ExitRefused,
	} {
		if code := explain(io.Discard, awaitYes(t.Context(), io.Discard, strings.NewReader(answer))); code != want {
			t.Errorf("%q: exit %d, want %d", answer, code, want)
		}
	}
}

// A question that nobody answers ends, because the tenant's lock is held meanwhile.
func TestQuestionEndsWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		defer writer.Close()
		began := time.Now()
		err := awaitYes(t.Context(), io.Discard, reader)
		if code := explain(io.Discard, err); code != journal.ExitRefused || time.Since(began) != 10*time.Minute {
			t.Errorf("exit %d after %s: %v", code, time.Since(began), err)
		}
	})
}
