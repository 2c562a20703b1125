package kernel

// The first cache has sets of cacheWays lines of sixteen numbers; those that are cacheWay numbers from each other share one.
const (
	cacheWays = 8
	cacheWay  = 64 * lanes
)

// spacing returns the number of floats, at least sixteen, that places of rows in the first cache are multiples of, where a row
// is step floats from the next.
func spacing(step int) int { return max(lanes, greatestCommonDivisor(step, cacheWay)) }

// crowds says whether the rows that a butterfly takes, each rest rows from the next, have too few places in the first cache to
// stay there together. Routines come to each row for one vector and then for the next: then it has left the cache in between.
func crowds(radix, rest, step int) bool {
	return radix > cacheWays*cacheWay/spacing(rest*step)
}
