package simd

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestAShareIsTakenToItsLastUnit holds that two thirds of what is left are taken at a time, and none is left to one goroutine: on a
// core that is slower than the others, the last units would hold all up.
func TestAShareIsTakenToItsLastUnit(t *testing.T) {
	s := &share{end: 42}
	s.next.Store(3)
	for _, want := range [][2]int{{3, 29}, {29, 37}, {37, 40}, {40, 41}, {41, 42}, {0, 0}, {0, 0}} {
		if lo, hi := s.take(); lo != want[0] || hi != want[1] {
			t.Errorf("a goroutine took units %d to %d, want %d to %d", lo, hi, want[0], want[1])
		}
	}
}

// TestGoroutinesTakeNoUnitTwice lets goroutines take shares together, so small that they meet at each.
func TestGoroutinesTakeNoUnitTwice(t *testing.T) {
	const shares, units = 200_000, 4
	all, taken := make([]share, shares), make([]atomic.Int64, shares)
	for i := range all {
		all[i].end = units
	}
	var goroutines, ready sync.WaitGroup
	const together = 4
	ready.Add(together)
	for range together {
		goroutines.Go(func() {
			ready.Done()
			ready.Wait()
			for i := range all {
				for lo, hi := all[i].take(); lo < hi; lo, hi = all[i].take() {
					taken[i].Add(int64(hi - lo))
				}
			}
		})
	}
	goroutines.Wait()
	for i := range taken {
		if got := taken[i].Load(); got != units {
			t.Fatalf("of the %d units of share %d goroutines took %d", units, i, got)
		}
	}
}

// TestWorkersComputeEachUnitOnce holds that for numbers of units and of threads that shares are uneven for, and that leave workers
// without one.
func TestWorkersComputeEachUnitOnce(t *testing.T) {
	w := newWorkers(3)
	defer w.stop()
	for threads := 1; threads <= 5; threads++ {
		for _, units := range []int{1, 2, 3, 5, 42, 1000} {
			computed := make([]atomic.Int64, units)
			r := &run{scratch: make([][]float32, 4)}
			w.do(r, &task{units: units, body: func(_ *run, _ []float32, lo, hi int) {
				for u := lo; u < hi; u++ {
					computed[u].Add(1)
				}
			}}, threads)
			for u := range computed {
				if count := computed[u].Load(); count != 1 {
					t.Errorf("%d threads computed unit %d of %d %d times, want once", threads, u, units, count)
				}
			}
		}
	}
}
