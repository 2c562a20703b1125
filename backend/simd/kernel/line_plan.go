package kernel

import "math"

// linePlan is how pairs of real lines of n numbers, sixteen side by side, are convolved circularly, the first stage of their
// transforms a lineStage and the others blockStages of complex transforms of length n/radix. It is never changed once made.
//
// The shared results, and those that a line has of its own, are the blocks, which no later stage mixes. A convolution takes a
// few blocks at a time through all those stages while they are in the first cache. In the frequencies rows are in the order
// in which the last stage comes to them.
type linePlan struct {
	n      int
	half   bool // whether lines have a first half alone, continued by zeros
	first  lineStage
	stages []blockStage
	turns  []int // where the blocks of each turn begin, and where the last ones end
}

// turnBlocks is how many blocks at most go through the middle stages in one turn: with more, they are not in the first cache;
// with fewer, the calls cost.
const turnBlocks = 9

// linePlanOf returns the plan for lines of n numbers. Where n has no radices, lines are continued by zeros to a length that
// has, and has room for all differences of two indices below n.
func linePlanOf(n int) *linePlan { return linePlans.at(n) }

var linePlans = madeByLength[linePlan]{create: func(n int) *linePlan {
	if hasRadices(n) {
		return newLinePlan(n, lineRadix(n), false)
	}
	m, radix := paddedLine(n)
	return newLinePlan(m, radix, true)
}}

func newLinePlan(n, radix int, half bool) *linePlan {
	p := &linePlan{n: n, half: half, first: newLineStage(n, radix, half)}
	rest := n / radix
	length := rest
	for _, radices := range fftRadices(rest) {
		for _, radix := range radices {
			p.stages = append(p.stages, newBlockStage(radix, length))
			length /= radix
		}
	}
	turns, blocks := 1, p.blocks()
	if len(p.stages) > 1 {
		turns = ceilDivide(blocks, turnBlocks)
	}
	for turn := range turns + 1 {
		p.turns = append(p.turns, turn*blocks/turns)
	}
	return p
}

// numbers returns how many numbers of a line are read and written.
func (p *linePlan) numbers() int {
	if p.half {
		return p.n / 2
	}
	return p.n
}

// blocks returns how many blocks the first line of a pair has.
func (p *linePlan) blocks() int { return p.first.shared + p.first.own }

// rows returns the number of complex rows of a pair of lines.
func (p *linePlan) rows() int { return p.first.rows() }

// lineRadix returns the radix that transforms of length n begin with.
func lineRadix(n int) int {
	best, least := 1, math.Inf(1)
	for _, radix := range lineRadices {
		if n%radix != 0 {
			continue
		}
		if cost := lineCost(n, radix, false); cost < least {
			best, least = radix, cost
		}
	}
	return best
}

// lineCost is about how many nanoseconds a row of a pair of lines takes there and back, where transforms of length n begin
// with a radix, the second half of each line being zero or not, with AVX2 on a Zen 3.
func lineCost(n, radix int, half bool) float64 {
	const twiddled, filtered, call = 7, 1.2, 15
	rest := n / radix
	cost := lineCosts[radix] + filtered
	if half {
		cost += halfCosts[radix] - lineCosts[radix]
	}
	if half || greatestCommonDivisor(radix, rest) > 1 {
		cost += twiddled
	}
	blocks, last, calls := radix/2+1, 1, 0
	turns := ceilDivide(blocks, turnBlocks)
	for _, radices := range fftRadices(rest) {
		for _, r := range radices {
			cost += blockCosts[r]
			calls += 4 * rest / r * turns
			last = r
		}
	}
	if last == rest {
		calls = 2
	}
	return cost + call*float64(calls)/float64(n)
}

// lineCosts is what each row takes in the first and in the last stage, halfCosts where the second half is zero, and blockCosts
// in another stage there and back, by radix.
var (
	lineCosts = [maxLineRadix + 1]float64{
		1: 4, 3: 6.5, 4: 6.5, 5: 7, 7: 7.4, 8: 6.5, 9: 8, 11: 10, 13: 12, 15: 9.5, 16: 6.7, 32: 10.5, 64: 14,
	}
	halfCosts  = [maxLineRadix + 1]float64{8: 4.2, 16: 4.8, 32: 8.2, 64: 14}
	blockCosts = [maxRadix + 1]float64{1: 2, 2: 3, 3: 4, 4: 5, 5: 5.5, 7: 6.5, 8: 8, 9: 9.5, 11: 13, 13: 16, 16: 12}
)

// paddedLine returns the length of at least 2n of which the first half is transformed fastest, and the radix to begin with.
func paddedLine(n int) (length, radix int) {
	least := math.Inf(1)
	for m := 2 * n; m < 4*n || length == 0; m++ {
		if !hasRadices(m) {
			continue
		}
		for _, r := range halfRadices {
			if m%r != 0 {
				continue
			}
			if cost := float64(m) * lineCost(m, r, true); cost < least {
				length, radix, least = m, r, cost
			}
		}
	}
	return length, radix
}

// pair is a pair of lines: the second may be missing, and is then nil.
type pair struct {
	first, second []float32
	stride        int  // floats from a row to the next
	whole         bool // whether they have all numbers where the plan is for first halves
}

// ahead is two lines whose rows will be needed soon, or nil: the first comes into the cache while the first line of a pair is
// worked on, and the second with the second.
type ahead [2]struct {
	line   []float32
	stride int
}

// fetching returns two lines that begin in pairs.
func fetching(first []float32, firstStride int, second []float32, secondStride int) (a ahead) {
	a[0].line, a[0].stride = first, firstStride
	a[1].line, a[1].stride = second, secondStride
	return a
}

// convolve convolves a pair of lines: their spectrum is multiplied by the filter, which has the factor 1/n and twice that in
// doubled rows, and what is added to it is added. work has rows() rows. Lines of soon come into the cache on the way to the
// frequencies, and of next on the way back.
func (p *linePlan) convolve(out, in *pair, work *complexRows, f *factorRows, soon, next *ahead) {
	p.forward(in, work, soon)
	both := in.second != nil
	for turn, first := range p.turns[:len(p.turns)-1] {
		p.filterBlocks(work, f, first, p.turns[turn+1], both)
	}
	p.back(out, work, next)
}

// forward takes a pair through the first stage.
func (p *linePlan) forward(in *pair, work *complexRows, soon *ahead) {
	p.ends(in, work, soon, false)
	if in.second == nil {
		for b := range p.first.rest {
			clear(work.im[b*p.first.pitch*lanes:][:p.first.shared*lanes])
		}
	}
}

// back takes a pair through the last stage of the way back.
func (p *linePlan) back(out *pair, work *complexRows, soon *ahead) {
	p.ends(out, work, soon, true)
}

// ends takes the lines of a pair through the first or the last stage.
func (p *linePlan) ends(lines *pair, work *complexRows, soon *ahead, back bool) {
	for i, line := range [2][]float32{lines.first, lines.second} {
		if line == nil {
			return
		}
		l := lineRows{line: line, stride: lines.stride, half: p.half && !lines.whole, next: soon[i].line, nextStride: soon[i].stride}
		if l.next == nil { // then this one's first row again and again
			l.next, l.nextStride = line, 0
		}
		l.shared, l.re, l.im = p.first.of(work, i == 1)
		if back {
			p.first.back(&l)
		} else {
			p.first.forward(&l)
		}
	}
}

// second returns the work as it is where the own blocks are those of the second line of a pair.
func (p *linePlan) second(work *complexRows) complexRows {
	at := p.first.own * lanes
	return complexRows{work.re[at:], work.im[at:], lanes}
}

// filterBlocks takes blocks lo to hi of the first line of a pair, and those of the second, to the frequencies, through the
// filter and back.
func (p *linePlan) filterBlocks(work *complexRows, f *factorRows, lo, hi int, both bool) {
	p.filterRows(work, f, lo, hi)
	if lo = max(lo, p.first.shared); both && lo < hi {
		second := p.second(work)
		p.filterRows(&second, f, lo, hi)
	}
}

func (p *linePlan) filterRows(work *complexRows, f *factorRows, lo, hi int) {
	last := len(p.stages) - 1
	for i := range last {
		p.run(i, forwardBlocks, work, nil, nil, lo, hi)
	}
	p.run(last, filterBlocks, work, f, nil, lo, hi)
	for i := last - 1; i >= 0; i-- {
		p.run(i, inverseBlocks, work, nil, nil, lo, hi)
	}
}

// run runs a stage over blocks lo to hi. The filter and the spectrum are those of all blocks.
func (p *linePlan) run(stage int, kind blockKind, work *complexRows, f *factorRows, spectrum []float32, lo, hi int) {
	s, pitch := &p.stages[stage], p.first.pitch
	b := blockRun{work: *work}
	parts := s.length / s.radix
	for begin := 0; begin < p.first.rest; begin += s.length {
		at := (begin*p.blocks() + lo*s.radix) * 2 * lanes
		if kind == filterBlocks || kind == accumulateBlocks {
			b.f.filter = f.filter[at:]
			if f.added != nil {
				b.f.added = f.added[at:]
			}
		}
		if kind >= spectrumBlocks {
			b.spectrum = spectrum[at:]
		}
		for part := range parts {
			s.run(kind, &b, (begin+part)*pitch+lo, parts*pitch, part, hi-lo)
		}
	}
}

// frequencies returns the number of rows of a line in the frequencies, the shared ones of its pair among them.
func (p *linePlan) frequencies() int { return p.blocks() * p.first.rest }

// transform takes a pair to the frequencies: rows of the first line, and then, as many again, those of the second.
func (p *linePlan) transform(spectrum []float32, in *pair, work *complexRows, soon *ahead) {
	p.forward(in, work, soon)
	p.finish(spectrumBlocks, spectrum, work, nil, in.second != nil)
}

// accumulate adds to a sum the products of a pair with the conjugate of another's spectrum.
func (p *linePlan) accumulate(sum []float32, in *pair, work *complexRows, spectrum []float32, soon *ahead) {
	p.forward(in, work, soon)
	p.finish(accumulateBlocks, sum, work, spectrum, in.second != nil)
}

// finish takes what the first stage left through the others.
func (p *linePlan) finish(kind blockKind, to []float32, work *complexRows, spectrum []float32, both bool) {
	last, blocks := len(p.stages)-1, p.blocks()
	through := func(work *complexRows, to, spectrum []float32, lo int) {
		for i := range last {
			p.run(i, forwardBlocks, work, nil, nil, lo, blocks)
		}
		p.run(last, kind, work, &factorRows{filter: spectrum}, to, lo, blocks)
	}
	through(work, to, spectrum, 0)
	if !both || p.first.own == 0 {
		return
	}
	second, size := p.second(work), p.frequencies()*2*lanes
	if kind == accumulateBlocks {
		through(&second, to, spectrum[size:], p.first.shared)
	} else {
		through(&second, to[size:], spectrum, p.first.shared)
	}
}

// inverse takes the frequencies of one line back to it, without the factor 1/n; doubled rows must be.
func (p *linePlan) inverse(line []float32, stride int, spectrum []float32, work *complexRows) {
	last := len(p.stages) - 1
	p.run(last, backBlocks, work, nil, spectrum, 0, p.blocks())
	for i := last - 1; i >= 0; i-- {
		p.run(i, inverseBlocks, work, nil, nil, 0, p.blocks())
	}
	p.back(&pair{first: line, stride: stride, whole: true}, work, &ahead{})
}

// scale multiplies rows of the frequencies by 1/n, and doubled ones, which stand for two conjugate results, by twice that.
func (p *linePlan) scale(spectrum []float32) {
	radix := p.stages[len(p.stages)-1].radix
	for row := range p.frequencies() {
		factor := 1 / float32(p.n)
		if block := row / radix % p.blocks(); block >= p.first.shared && 2*p.first.results[block] != p.first.radix {
			factor *= 2
		}
		numbers := spectrum[row*2*lanes:][:2*lanes]
		for l := range numbers {
			numbers[l] *= factor
		}
	}
}
