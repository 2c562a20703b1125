package kernel

import "sync"

// This file lays out the spectra that pairs of lines are multiplied by: of a phase whether there are terms, then the spectrum
// of the kernel, then that of the terms, then room to transform a line.

// PackedSize returns the number of floats that Pack writes.
func (c CircularFFT) PackedSize() int { return c.PackUnits() * phaseSize(c.plan()) }

// PackUnits returns the number of independent parts of the packing.
func (c CircularFFT) PackUnits() int {
	l := c.lineVectors(nil, c.InStride)
	return l.phases
}

// PacksAs says whether what Pack lays out for another convolution begins with the same, but for the terms: of a few vectors
// there are fewer phases.
func (c CircularFFT) PacksAs(other CircularFFT) bool {
	return c.length() == other.length() && c.C == other.C && c.PackUnits() <= other.PackUnits() && c.plan().alike(other.plan())
}

// Pack transforms units lo to hi of w [N, C] and of what is added, for Run.
func (c CircularFFT) Pack(packed, w []float32, terms CircularTerms, lo, hi int) {
	c.pack(packed, w, terms, false, lo, hi)
}

// PackReversed transforms w turned round about index 0, w[(-k) mod N], for the gradient of x: the same convolution, of
// the gradient of out.
func (c CircularFFT) PackReversed(packed, w []float32, lo, hi int) {
	c.pack(packed, w, CircularTerms{}, true, lo, hi)
}

func (c *CircularFFT) pack(packed, w []float32, terms CircularTerms, reversed bool, lo, hi int) {
	plan, has := c.plan(), float32(0)
	if terms.Bias != nil || terms.Embedding != nil || terms.Table != nil {
		has = 1
	}
	p := phasePackers.Get().(*phasePacker)
	defer phasePackers.Put(p)
	for phase := lo; phase < hi; phase++ {
		block := packed[phase*phaseSize(plan):][:phaseSize(plan)]
		block[0] = has
		size, rows := 2*plan.frequencies()*lanes, plan.rows()*lanes
		p.c, p.phase, p.factors = c, phase, factorRows{block[lanes:][:size], block[lanes+size:][:size]}
		spare := block[lanes+2*size:]
		p.plan, p.work = plan, complexRows{spare[:rows], spare[rows:][:rows], lanes}
		p.fetch()
		p.line = spare[2*rows:]
		p.kernel(w)
		if has != 0 {
			p.terms(terms)
		}
		if !reversed { // the convolution looks ahead, so that what lines are multiplied by is the conjugate
			negateImaginary(p.factors.filter)
		}
	}
}

// phasePackers are packers for calls to come, as they are: pack sets all that is read. A new one would have to find room for the
// calls of all stages.
var phasePackers = sync.Pool{New: func() any { return new(phasePacker) }}

// phasePacker lays out the spectra of one phase.
type phasePacker struct {
	pairRun
	c       *CircularFFT
	phase   int
	factors factorRows
	line    []float32
}

// kernel sets the filter to the spectrum of the kernel, with the factor of the way back.
func (p *phasePacker) kernel(w []float32) {
	n, m := p.c.length(), p.plan.n
	p.gather(w)
	if m > n { // a number that is looked back at is that many places from the end
		copy(p.line[(m-n+1)*lanes:], p.line[lanes:n*lanes])
	}
	p.transform(spectrumBlocks, p.factors.filter, false)
	p.plan.scale(p.factors.filter, productWeights)
}

// terms sets what is added to the spectrum of both lines of a pair. The filter must be the kernel's spectrum still.
func (p *phasePacker) terms(terms CircularTerms) {
	added := p.factors.added
	clear(added)
	if terms.Table != nil {
		p.gather(terms.Table)
		p.transform(spectrumBlocks, added, true)
		p.plan.scale(added, termWeights)
	}
	if terms.Embedding != nil {
		p.gather(terms.Embedding)
		p.transform(accumulateBlocks, added, true)
	}
	bias := p.c.bias(terms.Bias, p.phase)
	for part := range 2 { // what is constant has the first frequency alone
		constant := added[part*lanes:][:lanes]
		for l, b := range bias {
			constant[l] += b
		}
	}
}

// negateImaginary negates the imaginary parts of rows of the frequencies.
func negateImaginary(spectrum []float32) {
	for at := lanes; at < len(spectrum); at += 2 * lanes {
		im := spectrum[at:][:lanes]
		for l := range im {
			im[l] = -im[l]
		}
	}
}

// gather sets the line to the channels of the phase of t [N, C], continued by zeros.
func (p *phasePacker) gather(t []float32) {
	p.c.gatherChannels(p.line, t, p.phase)
	clear(p.line[p.c.length()*lanes : p.plan.n*lanes])
}

// transform takes the line to the frequencies, as the first line of a pair whose second one is the same, or zero. It sets
// rows to its spectrum, or adds to them the products with the conjugate of the filter.
func (p *phasePacker) transform(kind blockKind, rows []float32, twice bool) {
	plan, f := p.plan, p.factors.filter
	p.single.over(plan.first, p.work, lanes, plan.n)
	p.single.set(p.line, nil)
	p.single.forward(&p.transfers)
	first := plan.first
	for b := range first.rest {
		at, size := b*first.pitch*lanes, first.shared*lanes
		clear(p.work.im[at:][:size])
		if twice {
			copy(p.work.im[at:][:size], p.work.re[at:])
		}
	}
	p.run(p.prepare(&pass{kind: kind, factors: [2]factorRows{{filter: f}}, spectrum: [2][]float32{rows}}))
}

// bias returns the lanes of a phase of b [C], zeros where that is nil.
func (c *CircularFFT) bias(b []float32, phase int) (bias vector) {
	if b != nil {
		for l := range c.channels(phase) {
			bias[l] = b[c.channel(phase, l)]
		}
	}
	return bias
}

// gatherChannels sets N consecutive vectors to the channels of a phase of t [N, C].
func (c *Circular) gatherChannels(vectors, t []float32, phase int) {
	var room [lanes]piece
	gather(vectors, t, c.channelPieces(phase, &room), c.length(), c.C)
}

// channelPieces returns the pieces of a row [C] that a phase has.
func (c *Circular) channelPieces(phase int, room *[lanes]piece) []piece {
	count, used := 0, c.channels(phase)
	for lane := 0; lane < used; count++ {
		channel := c.channel(phase, lane)
		room[count] = piece{channel, lane, min(c.C-channel, used-lane)}
		lane += room[count].width
	}
	return room[:count]
}

// channels returns how many lanes of a phase are channels, and channel the one in a lane.
func (c *Circular) channels(phase int) int {
	if c.C/greatestCommonDivisor(c.C, lanes) <= maxDensePhases {
		return lanes
	}
	return usedLanes(c.C, phase)
}
func (c *Circular) channel(phase, lane int) int { return (phase*lanes + lane) % c.C }

// factorsOf returns what lines of a phase are multiplied by.
func factorsOf(packed []float32, phase int, plan *linePlan) factorRows {
	block, size := packed[phase*phaseSize(plan):][:phaseSize(plan)], 2*plan.frequencies()*lanes
	if block[0] == 0 {
		return factorRows{filter: block[lanes:][:size]}
	}
	return factorRows{block[lanes:][:size], block[lanes+size:][:size]}
}

// phaseSize is the number of floats of a phase.
func phaseSize(plan *linePlan) int {
	return (1 + 4*plan.frequencies() + 2*plan.rows() + plan.n) * lanes
}
