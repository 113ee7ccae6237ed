package main

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	var p pace
	start := time.Unix(1e9, 0)
	for second, c := range []struct {
		rows int
		want float64
	}{{0, 0}, {10, 10}, {30, 15}, {30, 10}} {
		if got := p.measure(start.Add(time.Duration(second)*time.Second), c.rows); got != c.want {
			t.Errorf("after %d s: %v rows a second, want %v", second, got, c.want)
		}
	}
	p.measure(start.Add(60*time.Second), 30)
	if got := p.measure(start.Add(70*time.Second), 80); got != 5 {
		t.Errorf("%v rows a second, want 5: what is long ago does not count", got)
	}
}
