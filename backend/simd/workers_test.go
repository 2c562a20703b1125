package simd

import (
	"sync"
	"testing"
)

// TestAShareIsTakenToItsLastUnit holds that goroutines take each unit of a share once, two thirds of what is left at a time, and
// leave none to one of them: on a core that is slower than the others, the last units would hold all up.
func TestAShareIsTakenToItsLastUnit(t *testing.T) {
	s := &share{end: 42}
	s.next.Store(3)
	for _, want := range [][2]int{{3, 29}, {29, 37}, {37, 40}, {40, 41}, {41, 42}, {0, 0}, {0, 0}} {
		if lo, hi := s.take(); lo != want[0] || hi != want[1] {
			t.Errorf("a goroutine took units %d to %d, want %d to %d", lo, hi, want[0], want[1])
		}
	}
	const units = 100_000
	together, taken := &share{end: units}, make([]int, units)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for lo, hi := together.take(); lo < hi; lo, hi = together.take() {
				for u := lo; u < hi; u++ {
					taken[u]++ // a race, where two have it
				}
			}
		})
	}
	all.Wait()
	for u, count := range taken {
		if count != 1 {
			t.Fatalf("unit %d of %d was taken %d times by goroutines side by side, want once", u, units, count)
		}
	}
}
