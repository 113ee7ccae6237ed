package journal

import "slices"

// Fates are what became of each line of the input so far: a byte each, as there
// may be millions. The zero value knows of none. They are not safe for concurrent
// use while Add is called.
type Fates struct{ lines []fate }

// fate is the place of a line's last outcome in Outcomes, from 1; 0 is none yet.
// The bit begun says that an intent came after it.
type fate uint8

const begun fate = 0x80

// Add takes in a record. Those that are not about a line change nothing.
func (f *Fates) Add(rec Record) {
	switch {
	case rec.Intent != nil:
		*f.at(rec.Intent.Line) |= begun
	case rec.Outcome != nil:
		*f.at(rec.Outcome.Line) = fate(1 + slices.Index(Outcomes(), rec.Outcome.Outcome))
	}
}

func (f *Fates) at(line int) *fate {
	if line >= len(f.lines) {
		f.lines = slices.Grow(f.lines, line+1-len(f.lines))[:line+1]
	}
	return &f.lines[line]
}

// Lines is how many lines there may be, counted from 0.
func (f *Fates) Lines() int { return len(f.lines) }

// Outcome is a line's outcome, "" where it has none. One whose call was begun
// and not settled is unknown.
func (f *Fates) Outcome(line int) Outcome {
	if line >= len(f.lines) || f.lines[line] == 0 {
		return ""
	}
	fate := f.lines[line]
	if fate&begun != 0 {
		return Unknown
	}
	return Outcomes()[fate-1]
}
