package kernel

import "math"

// linePlan is how pairs of real lines of n numbers, sixteen side by side, are convolved circularly, the first stage of their
// transforms a lineStage and the others stages of complex transforms of length n/radix. It is never changed once made.
//
// The shared results, and those that a line has of its own, are blocks, which no later stage mixes. A convolution takes a
// few blocks at a time through all those stages while they are in the first cache.
type linePlan struct {
	n      int
	first  lineStage
	stages []fftStage // of the blocks of a pair's first line
	turns  []int      // where the blocks of each turn begin, and where the last ones end

	single   fftStage // each row of those blocks by itself
	constant int32    // the row of what is constant along the lines
	doubled  []bool   // of each of those rows, whether it stands for two conjugate results
}

// linePlans keeps the plans by length, and linePlanOf returns the one of length n, which must have radices.
var linePlans = madeByLength[linePlan]{create: func(n int) *linePlan { return newLinePlan(n, lineRadix(n)) }}

func linePlanOf(n int) *linePlan { return linePlans.at(n) }

func newLinePlan(n, radix int) *linePlan {
	p := &linePlan{n: n, first: newLineStage(n, radix), single: fftStage{radix: 1}}
	rest, pitch, blocks := fftPlanOf(n/radix), int32(p.first.pitch), p.blocks()
	for _, stage := range rest.stages {
		s := fftStage{radix: stage.radix}
		for block := range blocks {
			for _, row := range stage.indexes {
				s.indexes = append(s.indexes, row*pitch+int32(block))
			}
			s.twiddles = append(s.twiddles, stage.twiddles...)
		}
		p.stages = append(p.stages, s)
	}
	p.constant = rest.slots[0] * pitch
	p.doubled = make([]bool, p.rows())
	for block := range blocks {
		for b := range rest.n {
			row := int32(b)*pitch + int32(block)
			p.single.indexes = append(p.single.indexes, row)
			p.doubled[row] = block >= p.first.shared && 2*p.first.results[block] != radix
		}
	}
	turns := 1
	if len(p.stages) > 1 {
		turns = min(blocks, ceilDivide(blocks*rest.n, turnRows))
	}
	for turn := range turns + 1 {
		p.turns = append(p.turns, turn*blocks/turns)
	}
	return p
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
		if cost := lineCost(n, radix); cost < least {
			best, least = radix, cost
		}
	}
	return best
}

// lineCost is about how long a row of a pair of lines takes there and back, where transforms of length n begin with a radix,
// in the unit of fftRowCost.
func lineCost(n, radix int) float64 {
	const twiddled = 1.4
	cost := lineCosts[radix] + fftRowCost(n/radix)
	if greatestCommonDivisor(radix, n/radix) > 1 {
		cost += twiddled
	}
	return cost
}

// lineCosts is what each row takes in the first and in the last stage, by radix.
var lineCosts = [maxLineRadix + 1]float64{
	1: 1.5, 3: 3, 4: 2.6, 5: 3, 7: 3.2, 8: 2.8, 9: 3.5, 11: 5, 13: 6.5, 15: 4.5, 16: 3, 32: 4.4, 64: 5,
}

// paddedLineLength returns the length of at least n of which lines are transformed fastest.
func paddedLineLength(n int) int {
	best, least := 0, math.Inf(1)
	for m := n; m < 2*n || best == 0; m++ {
		if !hasRadices(m) {
			continue
		}
		if cost := float64(m) * lineCost(m, lineRadix(m)); cost < least {
			best, least = m, cost
		}
	}
	return best
}

// pair is a pair of lines: the second may be missing, and is then nil.
type pair struct {
	first, second []float32
	stride        int // floats from a row to the next
}

// convolve convolves a pair of lines: their spectrum is multiplied by the filter, which has the factor 1/n and twice that in
// doubled rows, and what is added to it is added. work has rows() rows. Rows of soon, which are written next, and of next,
// where there is work for later, come into the cache meanwhile.
func (p *linePlan) convolve(out, in *pair, work *complexRows, f *factorRows, soon, next *pair) {
	p.forward(in, work, soon)
	both := in.second != nil
	for turn, first := range p.turns[:len(p.turns)-1] {
		p.filterBlocks(work, f, first, p.turns[turn+1], both)
	}
	p.back(out, work, next)
}

// forward takes a pair through the first stage.
func (p *linePlan) forward(in *pair, work *complexRows, ahead *pair) {
	p.forwardLine(in.first, in.stride, work, false, ahead.first, ahead.stride)
	if in.second != nil {
		p.forwardLine(in.second, in.stride, work, true, ahead.second, ahead.stride)
		return
	}
	for b := range p.first.butterflies() {
		clear(work.im[b*p.first.pitch*lanes:][:p.first.shared*lanes])
	}
}

func (p *linePlan) forwardLine(line []float32, stride int, work *complexRows, second bool, ahead []float32, aheadStep int) {
	l := lineRows{line: line, stride: stride, ahead: ahead, aheadStep: aheadStep}
	if ahead == nil {
		l.ahead, l.aheadStep = line, 0
	}
	l.shared, l.re, l.im = p.first.of(work, second)
	p.first.forward(&l)
}

// back takes a pair through the last stage of the way back.
func (p *linePlan) back(out *pair, work *complexRows, ahead *pair) {
	p.backLine(out.first, out.stride, work, false, ahead.first, ahead.stride)
	if out.second != nil {
		p.backLine(out.second, out.stride, work, true, ahead.second, ahead.stride)
	}
}

func (p *linePlan) backLine(line []float32, stride int, work *complexRows, second bool, ahead []float32, aheadStep int) {
	l := lineRows{line: line, stride: stride, ahead: ahead, aheadStep: aheadStep}
	if ahead == nil {
		l.ahead, l.aheadStep = line, 0
	}
	l.shared, l.re, l.im = p.first.of(work, second)
	p.first.back(&l)
}

// own returns the rows whose own blocks are those of the second line of a pair.
func (p *linePlan) own(work *complexRows) complexRows {
	at := p.first.own * lanes
	return complexRows{work.re[at:], work.im[at:], lanes}
}

// filterBlocks takes blocks lo to hi of the first line of a pair, and those of the second, to the frequencies, through the
// filter and back.
func (p *linePlan) filterBlocks(work *complexRows, f *factorRows, lo, hi int, both bool) {
	p.filterRows(work, f, lo, hi)
	if lo = max(lo, p.first.shared); both && lo < hi {
		second := p.own(work)
		p.filterRows(&second, f, lo, hi)
	}
}

func (p *linePlan) filterRows(work *complexRows, f *factorRows, lo, hi int) {
	last := len(p.stages) - 1
	for i := range last {
		p.run(i, forwardButterfly, work, work, &factorRows{}, lo, hi)
	}
	p.run(last, filterButterfly, work, work, f, lo, hi)
	if last > 0 {
		p.backRows(work, last-1, lo, hi)
	}
}

// backRows takes blocks lo to hi through the stages from the given one to the first, on the way back.
func (p *linePlan) backRows(work *complexRows, from, lo, hi int) {
	var exchanged complexRows // set part by part: a copy would wait for the stores of its parts
	exchanged.re, exchanged.im, exchanged.stride = work.im, work.re, work.stride
	for i := from; i >= 0; i-- {
		p.run(i, inverseButterfly, &exchanged, &exchanged, &factorRows{}, lo, hi)
	}
}

// run runs a stage over blocks lo to hi.
func (p *linePlan) run(stage int, kind butterflyKind, out, in *complexRows, f *factorRows, lo, hi int) {
	s := &p.stages[stage]
	each := s.butterflies() / p.blocks()
	s.run(kind, out, in, f, in, lo*each, hi*each)
}

// transform takes a pair through all stages to the frequencies. Where spectrum is not work, its strides may differ.
func (p *linePlan) transform(spectrum *complexRows, in *pair, work *complexRows, ahead *pair) {
	p.forward(in, work, ahead)
	p.finish(forwardButterfly, spectrum, work, &factorRows{}, in.second != nil)
}

// finish takes what the first stage left through the others: the last one writes to out, or adds to it the products with
// another pair's spectrum.
func (p *linePlan) finish(kind butterflyKind, out, work *complexRows, f *factorRows, both bool) {
	last, blocks := len(p.stages)-1, p.blocks()
	through := func(out, work *complexRows, f *factorRows, lo int) {
		for i := range last {
			p.run(i, forwardButterfly, work, work, &factorRows{}, lo, blocks)
		}
		p.run(last, kind, out, work, f, lo, blocks)
	}
	through(out, work, f, 0)
	if !both || p.first.own == 0 {
		return
	}
	second, to, factors := p.own(work), *out, *f
	if kind == accumulateButterfly {
		factors.filter = f.filter[2*p.first.own*lanes:]
	} else {
		at := p.first.own * out.stride
		to.re, to.im = out.re[at:], out.im[at:]
	}
	through(&to, &second, &factors, p.first.shared)
}

// inverse takes the spectrum of one line back to it, without the factor 1/n; doubled rows must be.
func (p *linePlan) inverse(line []float32, stride int, work *complexRows) {
	p.backRows(work, len(p.stages)-1, 0, p.blocks())
	p.backLine(line, stride, work, false, nil, 0)
}

// scale multiplies rows by 1/n, and doubled ones by twice that.
func (p *linePlan) scale(z *complexRows) {
	for _, row := range p.single.indexes {
		factor := 1 / float32(p.n)
		if p.doubled[row] {
			factor *= 2
		}
		re, im := z.row(row)
		for l := range lanes {
			re[l] *= factor
			im[l] *= factor
		}
	}
}
