package kernel

import (
	"math"
	"slices"
	"sync"
)

// fftPlan is a complex transform of one length n of sixteen lanes at once. It is never changed once made.
//
// Lengths without prime factors above 13 have stages, all others a chirp. Each stage works in place, and no order is
// restored: number k of the spectrum is left in row slots[k]. The powers of
// different primes are transformed along the axes that the Chinese remainder theorem gives them, after Good and Thomas,
// without factors between them; a power of one prime by mixed radix, decimating in frequency.
//
// After the first few stages of a long transform the rows are in parts that no later stage mixes. A convolution takes
// a few parts at a time through all those while they are in the first cache.
type fftPlan struct {
	n      int
	stages []fftStage
	slots  []int32
	chirp  *bluestein

	whole int // stages before the rows are in parts
	parts int // of as many butterflies each in each later stage
	turns int // in which the parts go through those

	single fftStage  // each row by itself
	scale  []float32 // 1/n
}

// fftStage is a set of butterflies that together take every row once.
type fftStage struct {
	radix    int
	indexes  []int32   // [n/radix, radix], the rows of each butterfly
	twiddles []float32 // [n/radix, radix-1] factors of results 1 and up, as pairs; nil where all are 1
}

// fftPlans keeps the plans by length, and fftPlanOf returns the one of length n.
var fftPlans = madeByLength[fftPlan]{create: newFFTPlan}

func fftPlanOf(n int) *fftPlan { return fftPlans.at(n) }

// madeByLength keeps what is made once for each length that is asked for.
type madeByLength[T any] struct {
	create func(n int) *T
	lock   sync.RWMutex
	made   map[int]*T
}

func (m *madeByLength[T]) at(n int) *T {
	m.lock.RLock()
	t := m.made[n]
	m.lock.RUnlock()
	if t != nil {
		return t
	}
	m.lock.Lock()
	defer m.lock.Unlock()
	if m.made == nil {
		m.made = map[int]*T{}
	}
	if m.made[n] == nil {
		m.made[n] = m.create(n)
	}
	return m.made[n]
}

func newFFTPlan(n int) *fftPlan {
	p := &fftPlan{n: n, slots: make([]int32, n), parts: 1, turns: 1, scale: []float32{1 / float32(n)}}
	if !hasRadices(n) {
		p.chirp = newBluestein(n)
		for k := range p.slots {
			p.slots[k] = int32(k)
		}
		return p
	}
	frequencies := make([]int, n)
	for _, radices := range fftRadices(n) {
		q := productOf(radices)
		p.addPower(q, radices)
		inverse := 1
		for n/q*inverse%q != 1%q {
			inverse++
		}
		for row := range n {
			at := row % q * inverse % q // the row's place along this power's axis
			frequencies[row] += n / q * (frequencyLeftAt(at, q, radices) * inverse % q)
		}
	}
	for row, k := range frequencies {
		p.slots[k%n] = int32(row)
	}
	p.part()
	p.single = fftStage{radix: 1}
	for row := range n {
		p.single.indexes = append(p.single.indexes, int32(row))
	}
	return p
}

// cachedRows is how many rows, with the factors for them, the first cache holds well.
const cachedRows = 128

// turnRows is about how many rows go through the later stages in one turn: with more, other rows are fetched in bursts that
// memory does not keep up with; with fewer, the calls cost.
const turnRows = 64

// part puts the butterflies of the later stages in order by parts, where there are too many rows for the first cache.
func (p *fftPlan) part() {
	last := len(p.stages) - 1
	if p.n <= 3*cachedRows/2 || last < 2 {
		return
	}
	partOf := make([]int, p.n) // of each row
	for p.whole < last-1 && p.n/p.parts > cachedRows {
		s := &p.stages[p.whole]
		for i, row := range s.indexes {
			partOf[row] = partOf[row]*s.radix + i%s.radix
		}
		p.whole, p.parts = p.whole+1, p.parts*s.radix
	}
	for i := range p.stages[p.whole:] {
		p.stages[p.whole+i].sortBy(partOf)
	}
	p.turns = min(p.parts, ceilDivide(p.n, turnRows))
}

// sortBy puts the butterflies in order by the part of their rows.
func (s *fftStage) sortBy(partOf []int) {
	order := make([]int, s.butterflies())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return partOf[s.indexes[a*s.radix]] - partOf[s.indexes[b*s.radix]] })
	var indexes []int32
	var twiddles []float32
	for _, b := range order {
		indexes = append(indexes, s.indexes[b*s.radix:][:s.radix]...)
		if s.twiddles != nil {
			twiddles = append(twiddles, s.twiddles[b*(s.radix-1)*2:][:(s.radix-1)*2]...)
		}
	}
	s.indexes, s.twiddles = indexes, twiddles
}

// radixPrimes are the primes that radices are made of, with the largest power that is one.
var radixPrimes = [...]struct{ prime, most int }{{13, 1}, {11, 1}, {7, 1}, {5, 1}, {3, 2}, {2, 4}}

// hasRadices says whether n is a product of these primes.
func hasRadices(n int) bool {
	for _, factor := range radixPrimes {
		for n%factor.prime == 0 {
			n /= factor.prime
		}
	}
	return n == 1
}

// fftRadices returns the radices of the powers of primes that make up n.
func fftRadices(n int) (powers [][]int) {
	for _, factor := range radixPrimes {
		exponent := 0
		for ; n%factor.prime == 0; n /= factor.prime {
			exponent++
		}
		var radices []int
		for stages := ceilDivide(exponent, factor.most); stages > 0; stages-- {
			radix := 1
			for range ceilDivide(exponent, stages) {
				radix *= factor.prime
				exponent--
			}
			radices = append(radices, radix)
		}
		if radices != nil {
			powers = append(powers, radices)
		}
	}
	switch len(powers) {
	case 0:
		powers = [][]int{{1}}
	case 1:
		slices.Reverse(powers[0]) // rows of a power of two share places in the cache: the farther apart, the fewer together
	}
	return powers
}

// addPower adds the stages along the axis of the power q of one prime.
func (p *fftPlan) addPower(q int, radices []int) {
	length := q // of the transforms that remain
	for _, radix := range radices {
		s, parts := fftStage{radix: radix}, length/radix
		for other := range p.n / q {
			for block := 0; block < q; block += length {
				for part := range parts {
					for k := range radix {
						at := block + part + k*parts
						s.indexes = append(s.indexes, int32((q*other+p.n/q*at)%p.n))
						if parts > 1 && k > 0 {
							re, im := root(part*k, length)
							s.twiddles = append(s.twiddles, float32(re), float32(im))
						}
					}
				}
			}
		}
		p.stages = append(p.stages, s)
		length = parts
	}
}

// frequencyLeftAt returns the number of the spectrum of length q that decimation by the radices leaves at a place.
func frequencyLeftAt(at, q int, radices []int) int {
	frequency, weight := 0, 1
	for _, radix := range radices {
		q /= radix
		frequency += at / q * weight
		at, weight = at%q, weight*radix
	}
	return frequency
}

// rows returns the number of rows that a transform works on: those after the first n need not be set.
func (p *fftPlan) rows() int {
	if p.chirp != nil {
		return p.chirp.inner.n
	}
	return p.n
}

// forward transforms in to out, which may be in and must be where there is a chirp.
func (p *fftPlan) forward(out, in complexRows) { p.forwardAhead(out, in, out) }

// forwardAhead is forward, while rows of next, where there is work for later, come into the cache.
func (p *fftPlan) forwardAhead(out, in, next complexRows) {
	if p.chirp != nil {
		p.chirp.transform(out)
	}
	for i := range p.stages {
		ahead := &out
		if i == p.fetching() {
			ahead = &next
		}
		p.stages[i].run(forwardButterfly, &out, &in, &factorRows{}, ahead, 0, p.stages[i].butterflies())
		in = out
	}
}

// inverse takes a spectrum back, without the factor 1/n. There must be no chirp.
func (p *fftPlan) inverse(z complexRows) {
	z = z.exchange()
	for i := len(p.stages) - 1; i >= 0; i-- {
		p.stages[i].run(inverseButterfly, &z, &z, &factorRows{}, &z, 0, p.stages[i].butterflies())
	}
}

// convolve transforms in, multiplies by the filter and adds to the spectrum, and takes it back to out, without the
// factor 1/n. work holds what comes between; it may be in or out or both. There must be no chirp.
func (p *fftPlan) convolve(out, in, work complexRows, f factorRows) {
	p.convolveAhead(&out, &in, &work, &f, &out, &work)
}

// convolveAhead is convolve, while rows of soon, which are written next, and of next, where there is work for later, come
// into the cache.
func (p *fftPlan) convolveAhead(out, in, work *complexRows, f *factorRows, soon, next *complexRows) {
	last := len(p.stages) - 1
	if last == 0 {
		p.stages[0].run(filterButterfly, out, in, f, next, 0, p.stages[0].butterflies())
		return
	}
	for i := range p.whole {
		p.forwardStage(i, soon, in, work, 0, p.parts)
	}
	var outBack, workBack complexRows // set part by part: a copy would wait for the stores of its parts
	outBack.re, outBack.im, outBack.stride = out.im, out.re, out.stride
	workBack.re, workBack.im, workBack.stride = work.im, work.re, work.stride
	for turn := range p.turns {
		first, end := turn*p.parts/p.turns, (turn+1)*p.parts/p.turns
		for i := p.whole; i < last; i++ {
			p.forwardStage(i, soon, in, work, first, end)
		}
		s := &p.stages[last]
		s.run(filterButterfly, work, work, f, work, p.firstOf(s, first), p.firstOf(s, end))
		for i := last - 1; i >= p.whole; i-- {
			p.inverseStage(i, &outBack, &workBack, next, first, end)
		}
	}
	for i := p.whole - 1; i >= 0; i-- {
		p.inverseStage(i, &outBack, &workBack, next, 0, p.parts)
	}
}

// correlateAhead transforms in and adds the products with the conjugate of a spectrum, laid out as a filter, to sum, while
// rows of next come into the cache.
func (p *fftPlan) correlateAhead(sum, in, work complexRows, spectrum []float32, next complexRows) {
	last := len(p.stages) - 1
	for i := range last {
		p.forwardStage(i, &next, &in, &work, 0, p.parts)
		in = work
	}
	p.stages[last].run(accumulateButterfly, &sum, &in, &factorRows{filter: spectrum}, &sum, 0, p.stages[last].butterflies())
}

// fetching returns the stage that fetches rows: the second, where it is not the last, as rows come from memory more slowly
// than the first stage goes through them.
func (p *fftPlan) fetching() int { return max(0, min(1, len(p.stages)-2)) }

// firstOf returns the first butterfly of a part in a stage.
func (p *fftPlan) firstOf(s *fftStage, part int) int { return part * s.butterflies() / p.parts }

// forwardStage runs parts first to end of stage i of a convolution, and may fetch rows of soon.
func (p *fftPlan) forwardStage(i int, soon, in, work *complexRows, first, end int) {
	s := &p.stages[i]
	if i > 0 {
		in = work
	}
	if i != p.fetching() {
		soon = work
	}
	s.run(forwardButterfly, work, in, &factorRows{}, soon, p.firstOf(s, first), p.firstOf(s, end))
}

// inverseStage runs parts first to end of stage i on the way back, with real and imaginary parts exchanged, and may fetch
// rows of next.
func (p *fftPlan) inverseStage(i int, out, work, next *complexRows, first, end int) {
	s := &p.stages[i]
	if i > 0 {
		out = work
	}
	if i != p.fetching() {
		next = work
	}
	s.run(inverseButterfly, out, work, &factorRows{}, next, p.firstOf(s, first), p.firstOf(s, end))
}

// paddedLength returns the length of at least n that is transformed fastest.
func paddedLength(n int) int {
	best, least := 0, math.Inf(1)
	for m := n; m < 2*n || best == 0; m++ {
		if !hasRadices(m) {
			continue
		}
		if cost := float64(m) * fftRowCost(m); cost < least {
			best, least = m, cost
		}
	}
	return best
}

// fftRowCost is about how long a row takes there and back in transforms of length n, a product of the primes of radices.
// The unit is about a nanosecond: it is fitted to the times of all such lengths up to 1100 with AVX-512 on a Zen 4.
func fftRowCost(n int) float64 {
	const filtered, twiddled, farther = 4.7, 1.4, 0.9
	cost := filtered
	powers := fftRadices(n)
	for _, radices := range powers {
		for _, radix := range radices {
			cost += radixCosts[radix]
		}
		cost += twiddled * float64(len(radices)-1)
	}
	if n > cachedRows {
		cost += farther * math.Log2(float64(n)/cachedRows)
	}
	const aliased, wholeCache = 5.1, 512 // rows of one butterfly all share a place in the cache
	if n >= wholeCache && n&(n-1) == 0 {
		cost += aliased
	}
	return cost
}

// radixCosts is what each row takes in butterflies of a radix.
var radixCosts = [maxRadix + 1]float64{
	2: 2.1, 3: 2.3, 4: 1.6, 5: 1.8, 7: 2.2, 8: 1.6, 9: 2.6, 11: 4.7, 13: 6.3, 16: 2.1,
}

// productOf returns the product of factors.
func productOf(factors []int) int {
	n := 1
	for _, f := range factors {
		n *= f
	}
	return n
}

// root returns e^(-2πi·k/n).
func root(k, n int) (re, im float64) {
	im, re = math.Sincos(-2 * math.Pi * float64(k%n) / float64(n))
	return re, im
}
