package journal

import "testing"

func TestMaxFailuresStopsAtItsLimit(t *testing.T) {
	cases := []struct {
		text            string
		failed, decided int
		want            bool
	}{
		{"0", 1000, 1000, false},
		{"0%", 1000, 1000, false},
		{"3", 2, 1000, false},
		{"3", 3, 3, true},
		{"50%", 99, 99, false}, // too few rows are decided
		{"50%", 50, 100, false},
		{"50%", 51, 100, true},
		{"0.5%", 1, 100, true},
	}
	for _, c := range cases {
		var bound Threshold
		if err := bound.UnmarshalText([]byte(c.text)); err != nil {
			t.Fatal(err)
		}
		if got := bound.Passed(c.failed, c.decided); got != c.want {
			t.Errorf("%s: %d failed of %d: %t", c.text, c.failed, c.decided, got)
		}
	}
	for _, bad := range []string{"", "-1", "5.5", "%", "101%", "-1%", "NaN%", "many"} {
		if err := new(Threshold).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
