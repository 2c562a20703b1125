package kernel

import "testing"

func TestRowsThatCrowdTheCacheAreTakenAFewAtATime(t *testing.T) {
	for _, c := range []struct {
		n, step int
		crowded bool
	}{
		{448, 448 * 6, false}, {32, 127 * 192, false}, {32, 128 * 192, true}, {128, 512 * 48, true}, {64, 64 * 64, true}, {96, 160 * 96, true}, {48, 64 * 48, true},
	} {
		times := lineTimesOf(AVX2)
		free, radix := times.radix(c.n, lanes), times.radix(c.n, c.step)
		if (free > places(c.n/free, c.step)) != c.crowded {
			t.Errorf("N = %d: %d rows, %d floats apart, crowd the cache: %t, want %t", c.n, free, c.step, !c.crowded, c.crowded)
		}
		if !c.crowded && radix != free {
			t.Errorf("N = %d, %d floats apart: radix %d, want %d as for any rows that do not crowd", c.n, c.step, radix, free)
		}
		// by hand: how many of a butterfly's rows share a set
		var rows [cacheWay / lanes]int
		most := 0
		for k := range radix {
			set := k * (c.n / radix) * c.step / lanes % len(rows)
			rows[set]++
			most = max(most, rows[set])
		}
		if most > cacheWays {
			t.Errorf("N = %d, %d floats apart: %d rows of a butterfly share a set of %d", c.n, c.step, most, cacheWays)
		}
	}
}

func TestRowsOfContinuedLinesThatCrowdTheCacheAreTakenAFewAtATime(t *testing.T) {
	times := lineTimesOf(AVX2)
	for _, n := range []int{61, 62, 122} {
		const step = cacheWay
		if m, radix := times.padded(n, lanes); radix/2 <= places(m/radix, step) {
			t.Errorf("N = %d: continued to %d rows, begins with radix %d, want one whose rows would crowd the cache", n, m, radix)
		}
		if m, radix := times.padded(n, step); radix/2 > places(m/radix, step) {
			t.Errorf("N = %d, %d floats apart: continued to %d rows, begins with radix %d, for %d of whose rows the cache has %d places", n, step, m, radix, radix/2, places(m/radix, step))
		}
	}
}

func TestRowsMayCrowdTheCacheWhereRoutinesComeToThemOnce(t *testing.T) {
	for _, n := range []int{432, 480} {
		const step = cacheWay
		times := lineTimesOf(AVX512)
		if radix := times.radix(n, step); radix <= places(n/radix, step) {
			t.Errorf("N = %d, %d floats apart: begins with radix %d, want more than the %d rows that the cache has places for", n, step, radix, places(n/radix, step))
		}
	}
}

func TestKernelsAreLaidOutAlikeForTheSameRadix(t *testing.T) {
	defer func(before Level) { level = before }(level)
	level = AVX2
	of := func(w int) CircularFFT {
		return CircularFFT{Circular: Circular{Batch: 1, H: 32, W: w, C: 192, InStride: 192, OutStride: 192}}
	}
	if !of(127).PacksAs(of(1)) {
		t.Error("lines of which no rows crowd the cache need another layout than one line")
	}
	if of(128).PacksAs(of(1)) {
		t.Error("lines that begin with another radix do not need another layout")
	}
}
