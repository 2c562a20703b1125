package kernel

import (
	"math"
	"slices"
)

// lineTimes is about how many nanoseconds each row of a pair of lines takes there and back in the stages of a plan, from which
// plans are chosen.
type lineTimes struct {
	line  [maxLineRadix + 1]float64 // in the first and in the last stage, by radix
	half  [maxLineRadix + 1]float64 // the same where the second half of each line is zero
	block [maxRadix + 1]float64     // in another stage

	filtered float64 // in every plan, the product with the kernel's spectrum among it
	twiddled float64 // more where the results of the first stage are turned
	call     float64 // each call of a routine, whatever its rows
	pair     float64 // and each pair of lines
	crowding crowdingTimes

	close float64 // how many times the least a time is at most that is too close to it to tell which is less
}

// lineTimesOf returns the times of a level.
func lineTimesOf(l Level) *lineTimes {
	if l == AVX512 {
		return &lineTimesAVX512
	}
	return &lineTimesAVX2
}

var (
	// Fitted to the times of 1861 plans on a Zen 3, over rows 656 floats apart, from which they are 4 % away (root mean square);
	// the times of crowding to those over rows 640 to 3072 floats apart.
	lineTimesAVX2 = lineTimes{
		line: [maxLineRadix + 1]float64{
			1: 3.2, 3: 0.4, 4: 1.1, 5: 1.4, 7: 2.4, 8: 1.75, 9: 3.1, 11: 4.9, 13: 5.8, 15: 5.7, 16: 3.1, 17: 7.4, 19: 11.9, 23: 17.3,
			32: 6.6, 64: 12.1,
		},
		half: [maxLineRadix + 1]float64{8: 0, 16: 0.95, 32: 3.75, 64: 9},
		block: [maxRadix + 1]float64{
			1: 6.4, 2: 5.65, 3: 7.7, 4: 7.9, 5: 9.7, 6: 9.9, 7: 11.75, 8: 11.2, 9: 13.3, 10: 12.8, 11: 15.9, 12: 12.8, 13: 17.3,
			14: 15.1, 15: 15, 16: 14.7,
		},
		twiddled: 2.25, call: 4.05, pair: 69, crowding: crowdingTimes{crowded: 10, halfCrowded: 3.5, oneSet: 3}, close: 1.006,
	}
	// Fitted to the times of 4640 plans, over rows that follow each other and over rows 640 floats apart, on a Zen 4, from which
	// those of the fastest plans are 6 % away. Routines come to each row once, for all its lanes, so that crowding costs little.
	// Primes, 15, 32 and 64 have been less since by what their routines became faster.
	lineTimesAVX512 = lineTimes{
		line: [maxLineRadix + 1]float64{
			1: 0, 3: 1.6, 4: 2.4, 5: 1.45, 7: 1.65, 8: 1.75, 9: 1.9, 11: 2.5, 13: 2.2, 15: 2.5, 16: 1.75, 17: 3.6, 19: 6.6, 23: 8.6,
			32: 2.35, 64: 4.3,
		},
		half: [maxLineRadix + 1]float64{8: 0.35, 16: 0, 32: 0.8, 64: 2.9},
		block: [maxRadix + 1]float64{
			1: 4.6, 2: 3.7, 3: 3.75, 4: 3.8, 5: 4.05, 6: 4.25, 7: 4.65, 8: 4.7, 9: 5.6, 10: 4.75, 11: 6.75, 12: 4.95, 13: 6.9, 14: 5.7,
			15: 5.35, 16: 5.95,
		},
		filtered: 3.35, twiddled: 1.25, call: 3.55, crowding: crowdingTimes{crowded: 1, oneSet: 0.3}, close: 1.025,
	}
)

// radix returns the radix that transforms of length n begin with, 0 where n has prime factors that there are no routines for:
// of those whose times are too close to tell which is faster, the one with the fewest operations.
func (t *lineTimes) radix(n, step int) int {
	least := math.Inf(1)
	for _, radix := range lineRadices {
		if n%radix == 0 && hasRadices(n/radix) {
			least = min(least, t.row(n, radix, step, false))
		}
	}
	best, fewest := 0, math.MaxInt
	for _, radix := range lineRadices {
		if n%radix != 0 || !hasRadices(n/radix) || t.row(n, radix, step, false) > t.close*least {
			continue
		}
		line, pair := newLinePlan(n, radix, t.radices(n/radix), false).operations()
		if count := 2*line + pair; count < fewest {
			best, fewest = radix, count
		}
	}
	return best
}

// padded returns the length of at least 2n of which the first half is transformed fastest, and the radix to begin with.
func (t *lineTimes) padded(n, step int) (length, radix int) {
	least := math.Inf(1)
	for m := 2 * n; m < 4*n || length == 0; m++ {
		if !hasRadices(m) {
			continue
		}
		for _, r := range halfRadices {
			if m%r != 0 {
				continue
			}
			if time := float64(m) * t.row(m, r, step, true); time < least {
				length, radix, least = m, r, time
			}
		}
	}
	return length, radix
}

// row is about how many nanoseconds a row of a pair of lines takes there and back, where transforms of length n begin with a
// radix, the second half of each line being zero or not, in tensors whose rows are step floats from each other.
func (t *lineTimes) row(n, radix, step int, half bool) float64 {
	rest := n / radix
	time := t.filtered + t.pair/float64(n)
	if half {
		time += t.half[radix] + t.crowding.half(radix/2, rest, step)
	} else {
		time += t.line[radix] + t.crowding.whole(radix, rest, step)
	}
	if half || greatestCommonDivisor(radix, rest) > 1 {
		time += t.twiddled
	}
	radices, calls := t.radices(rest), 0
	turns := turnsOf(radix/2+1, rest, len(radices))
	for _, r := range radices {
		time += t.block[r]
		calls += 4 * rest / r * turns
	}
	if len(radices) == 1 {
		calls = 1 + turns
	}
	return time + t.call*float64(calls)/float64(n)
}

// blockRadices are the radices that there are routines for in the stages between the first and the last.
var blockRadices = [...]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// radices returns the radices, in ascending order, with which transforms of length n take the least time; n is a product of
// primes that have radices.
func (t *lineTimes) radices(n int) []int {
	if n == 1 {
		return []int{1}
	}
	var best, chosen []int
	least := math.Inf(1)
	var choose func(rest, from int, time float64)
	choose = func(rest, from int, time float64) {
		if time >= least {
			return
		}
		if rest == 1 {
			best, least = slices.Clone(chosen), time
			return
		}
		for i, radix := range blockRadices[from:] {
			if rest%radix == 0 {
				chosen = append(chosen, radix)
				choose(rest/radix, from+i, time+t.block[radix])
				chosen = chosen[:len(chosen)-1]
			}
		}
	}
	choose(n, 1, 0) // without radix 1
	return best
}
