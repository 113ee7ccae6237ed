package reports

import "iter"

// ahead yields what a sequence does, which runs ahead of its consumer in a
// goroutine of its own.
func ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type item struct {
		value T
		err   error
	}
	const batchSize = 128
	return func(yield func(T, error) bool) {
		batches, enough := make(chan []item, 1), make(chan struct{})
		go func() {
			defer close(batches)
			var batch []item
			send := func() bool {
				select {
				case batches <- batch:
					batch = nil
					return true
				case <-enough:
					return false
				}
			}
			for value, err := range seq {
				batch = append(batch, item{value, err})
				if len(batch) == batchSize && !send() {
					return
				}
			}
			send()
		}()
		defer func() {
			close(enough)
			for range batches { // until the goroutine has ended
			}
		}()
		for batch := range batches {
			for _, item := range batch {
				if !yield(item.value, item.err) {
					return
				}
			}
		}
	}
}
