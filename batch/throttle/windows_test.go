package throttle

import "testing"

func TestWindowsAreTold(t *testing.T) {
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
		{"leaps to full", []answer{{0, 1, 60}, {0.1, 2, 99}, {1, 2, 60}, {1.1, 3, 99}, {2, 3, 60}, {2.1, 4, 99}}, true},
		{"two are chance", []answer{{0, 1, 60}, {0.1, 2, 99}, {1, 2, 60}, {1.1, 3, 99}}, false},
		{"so are three far apart", []answer{{0, 1, 60}, {0.1, 2, 99}, {20, 21, 60}, {20.1, 22, 99}, {40, 41, 60}, {40.1, 42, 99}}, false},
		{"a fast drip", []answer{{0, 1, 60}, {0.3, 2, 99}, {1, 2, 60}, {1.3, 3, 99}, {2, 3, 60}, {2.3, 4, 99}}, false},
		{"rises below full", []answer{{0, 1, 20}, {0.1, 2, 70}, {1, 2, 20}, {1.1, 3, 70}, {2, 3, 20}, {2.1, 4, 70}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w windows
			for _, a := range c.answers {
				o := taken(at(a.at), 100, a.remaining, 0)
				o.Reset = at(a.reset).Unix()
				w.watch(at(a.at), o)
			}
			if got := w.stepped(at(c.answers[len(c.answers)-1].at)); got != c.want {
				t.Errorf("taken for windows: %v, want %v", got, c.want)
			}
		})
	}
}
