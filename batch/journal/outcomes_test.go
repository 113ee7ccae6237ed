package journal

import (
	"slices"
	"testing"
)

func TestFailedOutcomesAreThoseThatFail(t *testing.T) {
	for _, o := range Outcomes() {
		if got := slices.Contains(FailedOutcomes(), o); got != o.Failed(false) {
			t.Errorf("%s: in FailedOutcomes %t, but Failed(false) is %t; the page would not show such rows", o, got, o.Failed(false))
		}
	}
}
