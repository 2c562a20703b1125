package simd

import "testing"

func TestTheLastUnitsOfAShareAreLeftToWhoeverIsOnIt(t *testing.T) {
	takeAll := func(s *share, another bool) (units int) {
		for lo, hi := s.take(another); lo < hi; lo, hi = s.take(another) {
			units += hi - lo
		}
		return units
	}
	abandoned := &share{end: 24, few: 2}
	if got := takeAll(abandoned, true); got != 24 {
		t.Errorf("of a share that nobody has begun with, another goroutine took %d units, want all 24", got)
	}
	s := &share{end: 24, few: 2}
	s.begun.Store(true)
	lo, hi := s.take(false)
	if lo != 0 || hi <= lo {
		t.Fatalf("a goroutine took units %d to %d of its own share first, want some from 0 on", lo, hi)
	}
	another, own := takeAll(s, true), takeAll(s, false)
	if own != 2 || hi+another+own != 24 {
		t.Errorf("after %d units another goroutine took %d and left %d, want 2 of 24 left", hi, another, own)
	}
}
