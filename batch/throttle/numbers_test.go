package throttle

import (
	"flag"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgconn/orgconn/apiclient/plans"
	"github.com/orgconn/orgconn/apiclient/simulator"
)

var (
	seeds     = flag.Int("seeds", 0, "seeds of each case in TestNumbers; 0: 60 for two cases, few for the others, none for the largest")
	firstSeed = flag.Uint64("first", 1, "the first of the seeds")
	against   = flag.Bool("rivals", false, "TestNumbers: also measure the plain ways of sending")
)

// numbers is a case of TestNumbers with its goals.
type numbers struct {
	scenario
	ratio   float64 // median of T/T*
	limited float64 // mean of 429s per 1000 calls
	harm    float64 // mean, percentage points
}

// alone is the case of one bucket without another user.
func alone(limit plans.Limit, ratio, limited float64) numbers {
	s := scenario{
		plan:  bucketOf(limit),
		calls: max(100, 20*limit.Burst),
	}
	s.name = fmt.Sprintf("%d:%d%s", limit.Burst, limit.Refill, map[time.Duration]string{time.Second: "s", time.Minute: "m"}[limit.Per])
	s.ideal = func(time.Time) float64 { return s.drained(limit) }
	return numbers{s, ratio, limited, 0}
}

// drained is T*, the time in which the bucket has tokens for all calls and for the
// one in a hundred that fails after it took one.
func (s scenario) drained(limit plans.Limit) float64 {
	return (float64(s.calls)/0.99-float64(limit.Burst))/(limit.Rate()-s.others) + rtt.Seconds()
}

// beside is the case with another user, at a share of the refill rate.
func (n numbers) beside(share, limited, harm float64) numbers {
	limit := n.plan.Groups[group]
	n.name += fmt.Sprintf(" beside %.0f%%", 100*share)
	n.others = share * limit.Rate()
	s := n.scenario
	n.ideal = func(time.Time) float64 { return s.drained(limit) }
	n.ratio, n.limited, n.harm = noGoal, limited, harm // the speed depends on the other user's luck
	return n
}

const noGoal = math.MaxFloat64

// published are the limits in Auth0's tables for changes of organizations'
// connections, and some limits of other groups.
func published() (all []numbers) {
	for _, p := range []struct {
		numbers
		limited, harm [3]float64 // beside 25, 50 and 80 %
	}{
		{alone(plans.PerMinute(5, 150), 1.01, 0), [3]float64{3, 13, 55}, [3]float64{1.3, 3.5, 8}},
		{alone(plans.PerMinute(25, 750), 1.01, 0), [3]float64{0, 0, 2}, [3]float64{0.05, 0.05, 0.5}},
		{alone(plans.PerMinute(75, 2250), 1.015, 0), [3]float64{0, 0, 0}, [3]float64{0.05, 0.05, 0.05}},
		{alone(plans.PerMinute(150, 4500), 1.015, 0), [3]float64{0, 0, 0}, [3]float64{0.05, 0.05, 0.05}},
		{alone(plans.PerMinute(300, 9000), 1.015, 0), [3]float64{0, 0, 0}, [3]float64{0.05, 0.05, 0.05}},
		{alone(plans.PerMinute(600, 18000), 1.015, 0), [3]float64{0, 0, 0}, [3]float64{0.05, 0.05, 0.05}},
		{alone(plans.PerSecond(50, 16), 1.01, 0), [3]float64{0, 0, 1}, [3]float64{0.05, 0.05, 0.1}},
		{alone(plans.PerSecond(10, 2), 1.01, 0), [3]float64{0.5, 1.5, 20}, [3]float64{0.1, 0.3, 4}},
		{alone(plans.PerSecond(50, 50), 1.015, 0), [3]float64{0, 0, 1}, [3]float64{0.05, 0.05, 0.1}},
		{alone(plans.PerSecond(250, 250), 1.015, 0), [3]float64{0, 0, 0}, [3]float64{0.05, 0.05, 0.05}},
		{alone(plans.PerMinute(5, 25), 1.02, 1), [3]float64{10, 30, 90}, [3]float64{3, 6, 13}},
		{alone(plans.PerSecond(2, 2), 1.03, 7), [3]float64{noGoal, noGoal, noGoal}, [3]float64{noGoal, noGoal, noGoal}},
	} {
		all = append(all, p.numbers)
		for i, share := range []float64{0.25, 0.5, 0.8} {
			all = append(all, p.beside(share, p.limited[i], p.harm[i]))
		}
	}
	return all
}

// odd are tenants that differ from what Auth0 describes.
func odd() []numbers {
	usual := plans.PerMinute(25, 750)
	with := func(name string, ratio, limited float64, edit func(int, http.Header)) numbers {
		n := alone(usual, ratio, limited)
		n.name, n.headers = name, edit
		return n
	}
	none := simulator.DropRateLimit
	retryAfter := func(status int, h http.Header) {
		none(status, h)
		simulator.RetryAfter(time.Second)(status, h)
	}
	noDate := func(edit func(int, http.Header)) func(int, http.Header) {
		return func(status int, h http.Header) { edit(status, h); h.Del("Date") }
	}
	steps := func(limit plans.Limit, ratio, limited float64) numbers {
		n := alone(limit, ratio, limited)
		n.name += " in steps of a second"
		n.refill = simulator.Steps
		return n
	}
	all := []numbers{
		window("window of a minute", plans.PerMinute(150, 150), 680, 1.03, 20),
		window("window of a second", plans.PerSecond(50, 50), 1000, 1.2, 100),
		steps(plans.PerMinute(5, 150), 1.07, 3), // a step is half of the bucket
		steps(usual, 1.03, 1),
		steps(plans.PerMinute(150, 4500), 1.035, 1),
		stacked("5:150m under 50:16s with others", plans.PerMinute(5, 150), plans.PerSecond(50, 16), 10),
		stacked("5:150m under 10:2s", plans.PerMinute(5, 150), plans.PerSecond(10, 2), 0),
		stacked("300:9000m under 250:120s", plans.PerMinute(300, 9000), plans.PerSecond(250, 120), 0),
		with("no headers", 1.05, 20, none),
		with("Retry-After only", 1.05, 20, retryAfter),
		with("Remaining 0", 1.15, 20, simulator.RemainingZero),
		with("Remaining = Limit", 1.15, 20, simulator.RemainingLimit),
		with("Remaining negative", 1.15, 20, simulator.RemainingNegative),
		with("Reset in ms", 1.15, 0, simulator.ResetMillis),
		with("Reset as seconds left", 1.15, 0, simulator.ResetSecondsLeft),
		changed("raised", usual, plans.PerMinute(75, 2250), 20*time.Second, 1275),
		changed("lowered", plans.PerMinute(75, 2250), usual, 10*time.Second, 1000),
	}
	// The tokens that were held back when the limit fell are lost.
	fallen := changed("much lowered", plans.PerMinute(150, 4500), plans.PerMinute(5, 150), 5*time.Second, 600)
	fallen.ratio, fallen.limited = 2.5, 15
	untold := stacked("5:150m, headers of 50:16s", plans.PerMinute(5, 150), plans.PerSecond(50, 16), 0)
	untold.tell, untold.ratio, untold.limited = simulator.HeadersGlobal, 1.2, 200
	all = append(all, fallen, untold, strays(0.01), strays(0.05), strays(0.1))
	for _, skew := range []time.Duration{5 * time.Second, -5 * time.Second, time.Hour, -time.Hour} {
		edit := simulator.Skew(skew)
		all = append(all, with(fmt.Sprint("clock off by ", skew), 1.01, 0, edit))
		all = append(all, with(fmt.Sprint("clock off by ", skew, ", no Date"), 1.01, 0, noDate(edit)))
	}
	return all
}

// strays is a tenant that refuses a share of the calls at any pace: it has a bucket
// that no headers describe and that others empty now and then.
func strays(share float64) numbers {
	n := alone(plans.PerMinute(25, 750), 1.5, 1500*share)
	n.name, n.strays = fmt.Sprintf("%.0f%% stray 429s", 100*share), share
	return n
}

// window is a tenant with fixed windows: all tokens come at the start of a period.
func window(name string, limit plans.Limit, calls int, ratio, limited float64) numbers {
	n := alone(limit, ratio, limited)
	n.name, n.refill, n.phase, n.calls = name, simulator.Window, limit.Per, calls
	n.ideal = func(start time.Time) float64 {
		whole := math.Ceil(float64(n.calls)/0.99/float64(limit.Burst)) - 1 // periods after the first
		top := start.Truncate(limit.Per)
		return top.Add(time.Duration(whole)*limit.Per).Sub(start).Seconds() + rtt.Seconds()
	}
	return n
}

// stacked is a tenant with a global bucket, which others use too, above the group's.
func stacked(name string, own, global plans.Limit, others float64) numbers {
	n := alone(own, 1.03, 0)
	n.name, n.plan.Global, n.others, n.from = name, global, others, simulator.Global
	n.calls = max(200, 20*own.Burst)
	n.ideal = func(time.Time) float64 {
		one, all := scenario{calls: n.calls}, n.scenario
		return max(one.drained(own), all.drained(global))
	}
	n.harm = 0.1
	return n
}

// changed is a tenant whose limit changes during the job.
func changed(name string, before, after plans.Limit, at time.Duration, calls int) numbers {
	n := alone(before, 1.1, 1)
	n.name, n.calls = name, calls
	n.change = func(tenant *simulator.Tenant) {
		time.AfterFunc(at, func() {
			tenant.SetPlan(bucketOf(after))
		})
	}
	n.ideal = func(time.Time) float64 {
		first := float64(before.Burst) + before.Rate()*at.Seconds()
		return at.Seconds() + (float64(calls)/0.99-first)/after.Rate() + rtt.Seconds()
	}
	return n
}

// TestNumbers measures how close the throttle comes to the ideal time, how many
// calls are refused, and the harm to another user. With -v it prints a table.
func TestNumbers(t *testing.T) {
	cases := slices.Concat(published(), odd())
	tables := make([]string, len(cases))
	t.Cleanup(func() {
		if testing.Verbose() {
			fmt.Print(heading, strings.Join(tables, ""))
		}
	})
	for i, n := range cases {
		t.Run(n.name, func(t *testing.T) {
			t.Parallel()
			if n.seeds() == 0 {
				t.Skip("takes long, set -seeds")
			}
			got := n.measure(t, throttled)
			tables[i] = got.line(n.name)
			n.check(t, got)
			for _, r := range rivals {
				if *against {
					tables[i] += n.measure(t, r.client).line("  " + r.name)
				}
			}
		})
	}
}

const heading = `
                                       T/T*         429s per 1000   harm pp   lowest   ETA/time
                                       median worst    mean worst      mean  content   median  5..95 %
`

// table holds the results of several runs of a case.
type table struct {
	ratio, limited, harm, lowest, eta []float64 // sorted
}

const (
	manySeeds = 60 // leave little to chance
	fewSeeds  = 3  // one bad one does not decide the median
)

// seeds is how often the case is run: often for the usual limits beside another
// user, where the throttle can do most harm, and not at all if a run takes long.
func (n numbers) seeds() int {
	switch {
	case *seeds > 0:
		return *seeds
	case n.name == "5:150m beside 50%", n.name == "25:750m beside 50%":
		return manySeeds
	case n.calls > 1500:
		return 0
	}
	return fewSeeds
}

// measure runs the case with several seeds.
func (n numbers) measure(t *testing.T, c client) (all table) {
	for seed := range uint64(n.seeds()) {
		o := n.run(t, *firstSeed+seed, c)
		all.ratio = append(all.ratio, o.ratio)
		all.limited = append(all.limited, o.limited)
		all.harm = append(all.harm, o.harm)
		all.lowest = append(all.lowest, o.lowest)
		all.eta = append(all.eta, o.eta)
	}
	for _, v := range [][]float64{all.ratio, all.limited, all.harm, all.lowest, all.eta} {
		slices.Sort(v)
	}
	return all
}

func (t table) line(name string) string {
	last := len(t.ratio) - 1
	return fmt.Sprintf("%-36s %8.3f %5.3f %7.1f %5.0f %9.2f %8.1f %8.3f %5.2f %5.2f\n", name,
		median(t.ratio), t.ratio[last], mean(t.limited), t.limited[last], mean(t.harm), t.lowest[0],
		median(t.eta), t.eta[last/20], t.eta[last-last/20])
}

// check compares the results with the goals. The tolerance is what chance may do
// with so few seeds.
func (n numbers) check(t *testing.T, got table) {
	t.Helper()
	chance, refused := 1.0, 25.0 // one burst of another user may refuse 16 calls
	if n.seeds() >= manySeeds {
		chance, refused = 0.1, 1
	}
	for _, c := range []struct {
		what                 string
		got, goal, tolerance float64
	}{
		{"time over the ideal time, T/T*", median(got.ratio), n.ratio, (0.02 + (n.ratio-1)/2) * chance},
		{"429s per 1000 calls", mean(got.limited), n.limited, refused},
		{"harm to another user in percentage points", mean(got.harm), n.harm, 3 * chance},
	} {
		if c.got > c.goal+c.tolerance {
			t.Errorf("%s: %.3f, the goal is %.3f, and chance may add %.3f (seeds: %d)",
				c.what, c.got, c.goal, c.tolerance, n.seeds())
		}
	}
}

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

func mean(all []float64) (mean float64) {
	for _, v := range all {
		mean += v / float64(len(all))
	}
	return mean
}
