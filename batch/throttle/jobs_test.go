package throttle

import (
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
)

// Two runs share a bucket evenly, even if one starts later.
func TestTwoRunsShareABucket(t *testing.T) {
	for _, limit := range []plans.Limit{
		plans.PerMinute(5, 150), plans.PerMinute(25, 750), plans.PerMinute(75, 2250),
	} {
		for seed := range uint64(2) {
			synctest.Test(t, func(t *testing.T) {
				calls := int(60 * limit.Rate())
				tenant := scenario{plan: bucketOf(limit)}.tenant(seed)
				var took [2]float64
				var limited [2]int
				var both sync.WaitGroup
				for i := range took {
					both.Go(func() {
						time.Sleep(time.Duration(i) * 5 * time.Second)
						start := time.Now()
						j := do(exchanger(tenant), calls, throttled)
						took[i], limited[i] = j.last.Sub(start).Seconds(), j.limited
					})
				}
				both.Wait()
				t.Logf("%v: took %.1f s, 429s %v of %d", limit, took, limited, calls)
				if share := took[1] / took[0]; share < 0.75 || share > 4.0/3 {
					t.Errorf("%v: took %.1f s, want about the same for both", limit, took)
				}
				if limited[0]+limited[1] > calls/50 {
					t.Errorf("%v: 429s %v of %d calls, want at most %d together", limit, limited, calls, calls/50)
				}
			})
		}
	}
}

// After a tenth of the calls the progress line can show the time left, the refill
// and what others take. The median of several runs counts, because the other user is
// random.
func TestTimeLeftIsRightAfterATenth(t *testing.T) {
	for _, c := range []struct {
		limit plans.Limit
		share float64 // that the other user takes
		calls int
	}{
		{plans.PerMinute(5, 150), 0, 500},
		{plans.PerMinute(5, 150), 0.25, 2000},
		{plans.PerMinute(5, 25), 0, 500},
		{plans.PerMinute(25, 750), 0, 500},
		{plans.PerMinute(25, 750), 0.5, 2000},
		{plans.PerSecond(50, 16), 0.25, 2000},
		{plans.PerSecond(10, 2), 0, 500},
		{plans.PerSecond(50, 50), 0, 2000},
		{plans.PerSecond(2, 2), 0, 500},
	} {
		n := alone(c.limit, 0, 0)
		n.calls = c.calls
		n = n.beside(c.share, 0, 0)
		t.Run(n.name, func(t *testing.T) {
			t.Parallel()
			var etas, refills, others []float64
			seeds := uint64(5)
			if c.share == 0 {
				seeds = 3 // alone, runs differ little
			}
			for seed := range seeds {
				o := n.run(t, seed, throttled)
				etas, refills, others = append(etas, o.eta), append(refills, o.state.Refill), append(others, o.state.Others)
			}
			for _, known := range []struct {
				what            string
				got             []float64
				want, tolerance float64
			}{
				{"time left, predicted over true", etas, 1, 0.05},
				{"refill", refills, c.limit.Rate(), c.limit.Rate() / 6},
				{"others", others, n.others, c.limit.Rate() / 6},
			} {
				slices.Sort(known.got)
				t.Logf("%s: %.3f", known.what, known.got)
				if math.Abs(median(known.got)-known.want) > known.tolerance {
					t.Errorf("%s: %.3f, want %.3f", known.what, known.got, known.want)
				}
			}
		})
	}
}

// A call needs a token of its group's bucket and one of the global bucket. The
// headers alternate between the two.
func TestHeadersAlternateBetweenTwoBuckets(t *testing.T) {
	const calls = 200
	group := scenario{plan: bucketOf(plans.PerMinute(5, 150)), calls: calls}
	for name, answers := range map[string]int{"group first": 0, "global first": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				one, all := exchanger(group.tenant(1)), instant(plans.PerSecond(50, 16))
				var mu sync.Mutex
				j := do(func() (Observation, bool) {
					o, ok := one()
					other := all()
					mu.Lock()
					defer mu.Unlock()
					if answers++; answers%2 == 0 {
						other.Kind = o.Kind
						return other, ok
					}
					return o, ok
				}, calls, throttled)
				ratio := (j.last.Sub(start) + rtt).Seconds() / group.drained(plans.PerMinute(5, 150))
				t.Logf("T/T* %.3f, 429s %d", ratio, j.limited)
				// If the first answer shows 50 tokens, 15 calls go, but the group has four tokens.
				if ratio > 1.1 || j.limited > 12 {
					t.Errorf("T/T* %.3f, 429s %d; want at most 1.1 and 12", ratio, j.limited)
				}
			})
		})
	}
}
