package kernel

import "math"

// lineTimes is about how many nanoseconds each row of a pair of lines takes there and back in the stages of a plan, from which
// plans are chosen.
type lineTimes struct {
	line  [maxLineRadix + 1]float64 // in the first and in the last stage, by radix
	half  [maxLineRadix + 1]float64 // the same where the second half of each line is zero
	block [maxRadix + 1]float64     // in another stage

	filtered float64 // in every plan, the product with the kernel's spectrum among it
	twiddled float64 // more where the results of the first stage are turned
	call     float64 // each call of a routine, whatever its rows
	crowded  float64 // more where the rows of a butterfly have too few places in the first cache, and
	full     float64 // where they have just those of one set
}

// lineTimesOf returns the times of a level.
func lineTimesOf(l Level) *lineTimes {
	if l == AVX512 {
		return &lineTimesAVX512
	}
	return &lineTimesAVX2
}

var (
	// Fitted to the times of 312 plans on a Zen 3, from which they are 5 % away (root mean square).
	lineTimesAVX2 = lineTimes{
		line: [maxLineRadix + 1]float64{
			1: 0.5, 3: 0.1, 4: 1.6, 5: 0.8, 7: 1.2, 8: 1.3, 9: 2.2, 11: 5.5, 13: 5.8, 15: 4.6, 16: 2, 17: 9, 19: 11, 23: 14,
			32: 5.5, 64: 10.4,
		},
		half:     [maxLineRadix + 1]float64{8: 0, 16: 0, 32: 2.9, 64: 7.4},
		block:    [maxRadix + 1]float64{1: 5, 2: 6, 3: 7.4, 4: 7.7, 5: 10, 7: 11.5, 8: 11.3, 9: 13.6, 11: 16.1, 13: 18.2, 16: 14.6},
		filtered: 1.4, twiddled: 2.7, call: 5.4, crowded: 10, full: 3,
	}
	// Fitted to the times of 1337 plans, each over rows that follow each other and over rows 640 floats apart, on a Zen 4, from
	// which they are 7 % away. Routines come to each row once, for all its sixteen lanes, so that crowding costs little.
	lineTimesAVX512 = lineTimes{
		line: [maxLineRadix + 1]float64{
			1: 0, 3: 0.75, 4: 2.2, 5: 1, 7: 1.4, 8: 1.6, 9: 1.8, 11: 2.6, 13: 3.5, 15: 2.95, 16: 1.85, 17: 5.65, 19: 6.9, 23: 8.8,
			32: 2.9, 64: 5.3,
		},
		half:     [maxLineRadix + 1]float64{8: 0.1, 16: 0, 32: 0.9, 64: 3.2},
		block:    [maxRadix + 1]float64{1: 5, 2: 4.2, 3: 4, 4: 4.35, 5: 4.5, 7: 5.4, 8: 5.3, 9: 6.2, 11: 7.9, 13: 9.1, 16: 6.65},
		filtered: 2.5, twiddled: 1.4, call: 5.25, crowded: 1, full: 0.3,
	}
)

// radix returns the radix that transforms of length n begin with, 0 where n has prime factors that there are no routines for:
// of those whose times are too close to tell which is faster, the one with the fewest operations.
func (t *lineTimes) radix(n, step int) int {
	const close = 1.05
	least := math.Inf(1)
	for _, radix := range lineRadices {
		if n%radix == 0 && hasRadices(n/radix) {
			least = min(least, t.row(n, radix, step, false))
		}
	}
	best, fewest := 0, math.MaxInt
	for _, radix := range lineRadices {
		if n%radix != 0 || !hasRadices(n/radix) || t.row(n, radix, step, false) > close*least {
			continue
		}
		line, pair := newLinePlan(n, radix, false).operations()
		if count := 2*line + pair; count < fewest {
			best, fewest = radix, count
		}
	}
	return best
}

// padded returns the length of at least 2n of which the first half is transformed fastest, and the radix to begin with.
func (t *lineTimes) padded(n int) (length, radix int) {
	least := math.Inf(1)
	for m := 2 * n; m < 4*n || length == 0; m++ {
		if !hasRadices(m) {
			continue
		}
		for _, r := range halfRadices {
			if m%r != 0 {
				continue
			}
			if time := float64(m) * t.row(m, r, lanes, true); time < least {
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
	time := t.filtered
	if half {
		time += t.half[radix]
	} else {
		time += t.line[radix] + t.crowding(radix, rest, step)
	}
	if half || greatestCommonDivisor(radix, rest) > 1 {
		time += t.twiddled
	}
	blocks, last, calls := radix/2+1, 1, 0
	turns := ceilDivide(blocks, turnBlocks)
	for _, radices := range fftRadices(rest) {
		for _, r := range radices {
			time += t.block[r]
			calls += 4 * rest / r * turns
			last = r
		}
	}
	if last == rest {
		calls = 2
	}
	return time + t.call*float64(calls)/float64(n)
}

// The first cache has sets of cacheWays lines of sixteen numbers; those that are cacheWay numbers from each other share one.
const (
	cacheWays = 8
	cacheWay  = 64 * lanes
)

// spacing returns the number of floats, at least sixteen, that places of rows in the first cache are multiples of, where a row
// is step floats from the next.
func spacing(step int) int { return max(lanes, greatestCommonDivisor(step, cacheWay)) }

// places returns how many rows of a butterfly, each rest rows from the next, the first cache has places for.
func places(rest, step int) int { return cacheWays * cacheWay / spacing(rest*step) }

// crowding is how many nanoseconds more each row takes there and back where the rows of a butterfly have too few places in the
// first cache to stay there together: routines that come to each row for one vector and then for the next find that it has left
// the cache in between. Where they have just the places of one set, whatever else comes there drives some of them out.
func (t *lineTimes) crowding(radix, rest, step int) float64 {
	switch room := places(rest, step); {
	case radix > room:
		return t.crowded
	case radix == room && room == cacheWays:
		return t.full
	default:
		return 0
	}
}
