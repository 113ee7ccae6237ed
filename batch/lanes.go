package batch

import (
	"context"
	"sync"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/orgconn/orgconn/batch/journal"
)

// lanes are all calls of a job to its tenant: a lane for each of Auth0's groups of
// calls that it makes. They share the workers, the job's own pace, and what is
// known of the tenant's health.
type lanes struct {
	all     []*lane
	control *control
	health  *health
	log     *zap.Logger
}

// newLanes makes the lanes, by the headroom, pace and workers of the settings.
func newLanes(s journal.Settings, log *zap.Logger, lane ...**lane) *lanes {
	l := &lanes{control: newControl(), log: log}
	l.health = newHealth(l.outage, func() { l.control.stop(outOfReach()) })
	var pace *rate.Limiter
	if s.MaxRPS > 0 {
		pace = rate.NewLimiter(rate.Limit(s.MaxRPS), 1)
	}
	workers := make(chan struct{}, s.Workers)
	for _, to := range lane {
		*to = newLane(s.Headroom, pace, workers, l.control, l.health)
		l.all = append(l.all, *to)
	}
	return l
}

// outage lets one call of a kind through at a time while the tenant is out.
func (l *lanes) outage(on bool) {
	for _, lane := range l.all {
		lane.throttle.Single(on)
	}
}

// do does the work, and what goes on beside it until its end. When ctx ends, no
// new calls are made. It returns why the work stopped before its end; nil where
// it did not.
func (l *lanes) do(ctx context.Context, work func(), beside ...func(context.Context)) *Stop {
	defer l.control.done()
	defer context.AfterFunc(ctx, func() { l.control.stop(stopFor(ctx)) })()
	for _, lane := range l.all {
		beside = append(beside, lane.throttle.Run)
	}
	background, end := context.WithCancel(context.Background())
	var helpers sync.WaitGroup
	for _, help := range beside {
		helpers.Go(func() { l.safely(func() { help(background) }) })
	}
	l.safely(work)
	end()
	helpers.Wait()
	l.health.rest()
	return l.control.cause()
}

// safely turns a panic into a stop.
func (l *lanes) safely(work func()) { l.control.safely(l.log, work) }
