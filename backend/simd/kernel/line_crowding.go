package kernel

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

// crowdingTimes is how many nanoseconds more each row takes there and back where the rows of a butterfly have few places in the
// first cache: routines that come to each row for one vector and then for the next find that it has left the cache in between.
type crowdingTimes struct {
	crowded     float64 // where there are fewer places than rows, and
	halfCrowded float64 // where lines have numbers in their first half alone
	oneSet      float64 // where there are as many, those of one set: whatever else comes there drives some rows out
}

// whole returns the time for butterflies of so many rows, each rest rows from the next.
func (t *crowdingTimes) whole(rows, rest, step int) float64 {
	switch room := places(rest, step); {
	case rows > room:
		return t.crowded
	case rows == room && room == cacheWays:
		return t.oneSet
	default:
		return 0
	}
}

// half returns the time where the other rows of butterflies are zero.
func (t *crowdingTimes) half(rows, rest, step int) float64 {
	if rows > places(rest, step) {
		return t.halfCrowded
	}
	return 0
}
