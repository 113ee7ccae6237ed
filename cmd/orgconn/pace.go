package main

import "time"

// paceSpan is how long a pace is averaged.
const paceSpan = 10 * time.Second

// pace measures how many rows a second were done lately. Not safe for
// concurrent use.
type pace struct{ seen []tick }

// tick is a count at an instant.
type tick struct {
	at   time.Time
	rows int
}

// measure takes in a count, and returns the rows per second since the one of
// about paceSpan ago.
func (p *pace) measure(now time.Time, rows int) float64 {
	p.seen = append(p.seen, tick{now, rows})
	for len(p.seen) > 2 && now.Sub(p.seen[1].at) >= paceSpan {
		p.seen = p.seen[1:]
	}
	passed := now.Sub(p.seen[0].at).Seconds()
	if passed <= 0 {
		return 0
	}
	return float64(rows-p.seen[0].rows) / passed
}
