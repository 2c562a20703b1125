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
