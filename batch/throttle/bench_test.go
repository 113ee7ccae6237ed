package throttle

import (
	"context"
	"sync"
	"testing"
	"time"
)

// A tenant without limits to speak of: the throttle must not be one either.
func BenchmarkNoLimit(b *testing.B) {
	full := Observation{Headers: true, Limit: 1_000_000, Remaining: 999_999}
	t := New(Config{Headroom: 0.1})
	ctx, cancel := context.WithCancel(b.Context())
	var dispatcher, workers sync.WaitGroup
	dispatcher.Go(func() { t.Run(ctx) })
	t.Expect(b.N)
	todo := make(chan struct{}, 1024)
	for range 128 {
		workers.Go(func() {
			for range todo {
				p, err := t.Acquire(ctx, false)
				if err != nil {
					b.Error(err)
					return
				}
				p.Answered(full)
			}
		})
	}
	began := time.Now()
	for range b.N {
		todo <- struct{}{}
	}
	close(todo)
	workers.Wait()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "permits/s")
	cancel()
	dispatcher.Wait()
}
