package kernel

// linePlan is how pairs of real lines of n numbers, sixteen side by side, are convolved circularly, the first stage of their
// transforms a lineStage and the others blockStages of complex transforms of length n/radix. It is never changed once made.
//
// The shared results, and those that a line has of its own, are the blocks, which no later stage mixes. A convolution takes a
// few blocks at a time through all those stages while they are in the first cache. In the frequencies rows are in the order
// in which the last stage comes to them.
type linePlan struct {
	n      int
	half   bool // whether lines have numbers in their first half alone
	first  *lineStage
	stages []blockStage
	turns  []int     // where the blocks of each turn begin, and where the last ones end
	double []float32 // 2/n
}

// turnBlocks is how many blocks go through several stages in one turn, and turnFrequencies about how many rows of the
// frequencies go through one stage that is all there is: with more, the first cache does not hold what the blocks are in, or
// the spectrum until the second line of the pair comes to it; with fewer, the calls cost.
const (
	turnBlocks      = 9
	turnFrequencies = 64
)

// linePlanOf returns a level's plan for lines of n numbers, in tensors whose rows are step floats from each other. Where n has no
// radices, as with a prime factor above 23 or two above 13, lines are continued by zeros to a length that has, and has room for
// all differences of two indices below n.
func linePlanOf(l Level, n, step int) *linePlan {
	return linePlans.at((n*(cacheWay+1)+spacing(step))*levels + int(l))
}

var linePlans = madeByLength[linePlan]{create: func(key int) *linePlan {
	times := lineTimesOf(Level(key % levels))
	key /= levels
	n, step := key/(cacheWay+1), key%(cacheWay+1)
	if radix := times.radix(n, step); radix > 0 {
		return newLinePlan(n, radix, times.radices(n/radix), false)
	}
	m, radix := times.padded(n, step)
	return newLinePlan(m, radix, times.radices(m/radix), true)
}}

// newLinePlan returns the plan that begins with a radix, and goes on with radices whose product is the rest of n.
func newLinePlan(n, radix int, radices []int, half bool) *linePlan {
	p := &linePlan{n: n, half: half, first: newLineStage(n, radix, half), double: []float32{2 / float32(n)}}
	length := n / radix
	for _, radix := range radices {
		p.stages = append(p.stages, newBlockStage(radix, length))
		length /= radix
	}
	blocks := p.blocks()
	turns := turnsOf(blocks, p.first.rest, len(p.stages))
	for turn := range turns + 1 {
		p.turns = append(p.turns, turn*blocks/turns)
	}
	return p
}

// turnsOf returns in how many turns blocks of so many rows go through so many stages.
func turnsOf(blocks, rows, stages int) int {
	if stages > 1 {
		return ceilDivide(blocks, turnBlocks)
	}
	return ceilDivide(blocks*rows, turnFrequencies)
}

// alike says whether another plan for as many numbers has the same rows in the frequencies.
func (p *linePlan) alike(other *linePlan) bool {
	return p.n == other.n && p.first.radix == other.first.radix
}

// blocks returns how many blocks the first line of a pair has.
func (p *linePlan) blocks() int { return p.first.shared + p.first.own }

// rows returns the number of complex rows of a pair of lines.
func (p *linePlan) rows() int { return p.first.rows() }

// frequencies returns the number of rows of a line in the frequencies, the shared ones of its pair among them.
func (p *linePlan) frequencies() int { return p.blocks() * p.first.rest }

// butterflies returns how many butterflies of its lines a pair takes to the frequencies and back, but for those of stages in
// between: after them rows are written.
func (p *linePlan) butterflies() int {
	middle := p.first.rest / p.stages[len(p.stages)-1].radix
	return 4*p.first.rest + (2*p.blocks()-p.first.shared)*middle
}

// pass is what butterflies of the middle stages need besides the work of a pair, for its first and its second line.
type pass struct {
	kind     blockKind // of the last stage, on the way to the frequencies or from there
	factors  [2]factorRows
	spectrum [2][]float32
	both     bool // whether there is a second line
}

// transform returns the pass to the frequencies: rows of the first line, and then, as many again, those of the second.
func (p *linePlan) transform(spectrum []float32, both bool) pass {
	return pass{kind: spectrumBlocks, spectrum: p.spectra(spectrum, both), both: both}
}

// spectra returns the rows of each line.
func (p *linePlan) spectra(spectrum []float32, both bool) (of [2][]float32) {
	of[0] = spectrum
	if both {
		of[1] = spectrum[p.frequencies()*2*lanes:]
	}
	return of
}

// accumulate returns the pass that adds to a sum the products with the conjugate of another pair's spectrum.
func (p *linePlan) accumulate(sum, spectrum []float32, both bool) pass {
	a := pass{kind: accumulateBlocks, spectrum: [2][]float32{sum, sum}, both: both}
	for i, s := range p.spectra(spectrum, both) {
		a.factors[i].filter = s
	}
	return a
}

// calls appends those of a pass to what is there.
func (p *linePlan) calls(calls []blockCall, work *complexRows, w *pass) []blockCall {
	last := len(p.stages) - 1
	for turn, lo := range p.turns[:len(p.turns)-1] {
		hi := p.turns[turn+1]
		second := blockRange{1, max(lo, p.first.shared), hi}
		if !w.both {
			second.lo = hi
		}
		groups := [][2]blockRange{{{0, lo, hi}, second}}
		if last > 0 { // what several stages work on is to be in the first cache: one line, then the other
			groups = [][2]blockRange{{{0, lo, hi}}, {second}}
		}
		for _, group := range groups {
			if group[0].lo == group[0].hi {
				continue
			}
			if w.kind != backBlocks {
				for i := range last {
					calls = p.stageCalls(calls, i, forwardBlocks, work, w, &group)
				}
			}
			calls = p.stageCalls(calls, last, w.kind, work, w, &group)
			if w.kind == backBlocks || w.kind.filters() {
				for i := last - 1; i >= 0; i-- {
					calls = p.stageCalls(calls, i, inverseBlocks, work, w, &group)
				}
			}
		}
	}
	return calls
}

// blockRange is blocks lo to hi of the first line of a pair, 0, or of the second, 1.
type blockRange struct{ line, lo, hi int }

// stageCalls appends the calls of one stage over some blocks of each line.
func (p *linePlan) stageCalls(calls []blockCall, stage int, kind blockKind, work *complexRows, w *pass, group *[2]blockRange) []blockCall {
	s, pitch := &p.stages[stage], p.first.pitch
	parts := s.length / s.radix
	for begin := 0; begin < p.first.rest; begin += s.length {
		for part := range parts {
			var rows [2]blockRows
			for i, b := range group {
				if b.lo == b.hi {
					continue
				}
				row := (begin+part)*pitch + b.lo + b.line*p.first.own // those of the second line stand that many further
				at := (begin*p.blocks() + b.lo*s.radix) * 2 * lanes
				rows[i] = blockRows{
					re: work.re[row*lanes:], im: work.im[row*lanes:], spectrum: w.spectrum[b.line], at: at, line: b.line, count: b.hi - b.lo,
				}
			}
			call := s.call(kind, part, parts*pitch, rows)
			call.setFactors(&w.factors)
			calls = append(calls, call)
		}
	}
	return calls
}

// Powers of the weight of the frequencies that spectra are multiplied by, to make up for transforms that divide by it: a spectrum that
// is added comes of one and goes back by another, and to one that is multiplied by another, or is such a product, three belong.
const (
	termWeights = 2 + iota
	productWeights
)

// scale multiplies rows of the frequencies by 1/n, doubled ones, which stand for two conjugate results, by twice that, and weighted
// ones by a power of the weight.
func (p *linePlan) scale(spectrum []float32, power int) {
	Binary(OpMul, spectrum, spectrum, p.double)
	radix := p.stages[len(p.stages)-1].radix
	weigh(spectrum, radix, power)
	block := radix * 2 * lanes // of which the rows follow each other
	for len(spectrum) > 0 {
		shared := spectrum[:p.first.shared*block]
		Binary(OpMul, shared, shared, oneHalf)
		for b, result := range p.first.results[p.first.shared:] {
			if 2*result == p.first.radix {
				own := spectrum[(p.first.shared+b)*block:][:block]
				Binary(OpMul, own, own, oneHalf)
			}
		}
		spectrum = spectrum[p.blocks()*block:]
	}
}

var oneHalf = []float32{0.5}
