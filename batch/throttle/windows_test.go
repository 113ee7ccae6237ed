package throttle

import "testing"

func TestFixedWindowsAreTold(t *testing.T) {
	type answer struct {
		at, reset float64 // seconds
		remaining int64   // of 100
	}
	for _, c := range []struct {
		name    string
		answers []answer
		want    bool
	}{
		{"Reset stands still, Remaining falls", []answer{{0, 60, 99}, {1, 60, 80}, {2.5, 60, 70}}, true},
		{"not for long yet", []answer{{0, 60, 99}, {1, 60, 80}, {1.9, 60, 70}}, false},
		{"nothing is taken", []answer{{0, 60, 70}, {3, 60, 73}}, false},
		{"a drip: Reset moves on", []answer{{0, 60, 99}, {1, 61, 80}, {3.5, 63, 70}}, false},
		{"the next window", []answer{{0, 60, 99}, {3, 60, 50}, {61, 120, 99}}, true},
		{"no window after all: Reset moves too early", []answer{{0, 60, 99}, {3, 60, 50}, {4, 61, 49}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m refillMode
			for _, a := range c.answers {
				o := taken(at(a.at), 100, a.remaining, 0)
				o.Reset = at(a.reset).Unix()
				m.watchReset(at(a.at), o)
			}
			if m.window != c.want {
				t.Errorf("taken for windows: %v, want %v", m.window, c.want)
			}
		})
	}
}

// A bucket that is full again and again although it was held below fills in
// steps, and the level leaves room for one.
func TestStepsAreTold(t *testing.T) {
	for _, c := range []struct {
		name    string
		full    []float64 // seconds of the answers that find the bucket full
		now     float64
		stepped bool
	}{
		{"two are chance", []float64{1, 2}, 2, false},
		{"three are not", []float64{1, 2, 3}, 3, true},
		{"but for three far apart", []float64{1, 12, 23}, 23, false},
		{"looked at again after a while", []float64{1, 2, 3}, 304, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m refillMode
			for _, s := range c.full {
				m.watchFull(at(s))
			}
			if got := m.step(at(c.now)) > 0; got != c.stepped {
				t.Errorf("taken for steps: %v, want %v", got, c.stepped)
			}
		})
	}
}
