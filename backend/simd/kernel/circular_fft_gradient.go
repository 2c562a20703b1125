package kernel

import (
	"math/bits"
	"sync"
)

// CircularFFTGradient is the gradient of a circular convolution's kernel that CircularGradient describes, through the
// frequencies: dw is the way back of Σ conj(V̂)·Ẑ over pairs of lines, the real part where they share numbers.
//
// A unit sums over some signals of one phase, at fixed places; Combine adds the units' sums up and takes them back.
type CircularFFTGradient struct{ CircularFFT }

// A unit sums over gradientRows rows, and over gradientPairs pairs where two units have as many: adding the sums up costs, too.
const (
	gradientRows  = 1 << 8
	gradientPairs = 4
)

// Taps returns how long a kernel is whose gradient, taken directly, takes about as long: where N is greater, this form
// pays. A pair has two transforms as in the convolution, and a sum over it.
func (g CircularFFTGradient) Taps() int { return g.CircularFFT.Taps() * 3 / 2 }

// Units returns the number of independent parts of the sums.
func (g CircularFFTGradient) Units() int { return g.chunks() * g.PackUnits() }

// PartialSize returns the number of floats that all units write, and of those that Combine needs besides.
func (g CircularFFTGradient) PartialSize() int {
	plan := g.plan()
	return g.Units()*g.productSize() + pairSize(plan) + plan.n*lanes + g.sumRoom()
}

// productSize returns the number of floats of a unit's sum.
func (g *CircularFFTGradient) productSize() int { return 2 * g.plan().frequencies() * lanes }

// ScratchSize returns the number of floats that Run needs.
func (g CircularFFTGradient) ScratchSize() int {
	return pairSize(g.plan()) + 2*g.productSize() + g.length()*lanes
}

// Run computes units lo to hi of the partial sums from v, x and the embedding pe [N, C], which may be nil.
func (g CircularFFTGradient) Run(partial, v, x, pe []float32, lo, hi int, scratch []float32) {
	n, chunks, size := g.length(), g.chunks(), g.productSize()
	r := gradientRuns.Get().(*gradientRun)
	defer gradientRuns.Put(r)
	if setup := setupOf(&g.CircularFFT, 0, v, x, scratch); r.setup != setup {
		r.start(&g, v, x, scratch)
		r.setup = setup
	}
	spectrum, rest := r.spectrum, r.rest
	phases := r.v.phases
	for u := lo; u < hi; u++ {
		phase, chunk := u%phases, u/phases
		if r.embedding = nil; pe != nil {
			r.embedding = rest[:n*lanes]
			g.gatherChannels(r.embedding, pe, phase)
		}
		sum := partial[u*size:][:size]
		clear(sum)
		r.accumulate(sum, spectrum)
		turns := r.v.turnsOf(phase)
		for turn := chunk * turns / chunks; turn < (chunk+1)*turns/chunks; turn++ {
			first, second := r.v.signal(turn, phase)
			nextFirst, nextSecond := r.v.signal(min(turn+1, turns-1), phase)
			r.add(first, second, nextFirst, nextSecond)
		}
	}
}

// gradientRun is what the pairs of a call share.
type gradientRun struct {
	pairRun
	v, x           lineVectors
	vLines, xLines lineRun   // over lines where they are
	spectrum, rest []float32 // of the scratch, that of a pair and what is left
	embedding      []float32
}

var gradientRuns = sync.Pool{New: func() any { return new(gradientRun) }}

// start sets the run up.
func (r *gradientRun) start(g *CircularFFTGradient, v, x, scratch []float32) {
	mustHold(v, g.span(g.OutStride))
	mustHold(x, g.span(g.InStride))
	mustHold(scratch, g.ScratchSize())
	n, size := g.length(), g.productSize()
	r.v, r.x = g.lineVectors(v, g.OutStride), g.lineVectors(x, g.InStride)
	r.begin(g.plan(), n, scratch)
	rest := scratch[pairSize(r.plan):]
	r.spectrum, r.rest = rest[:2*size], rest[2*size:]
	r.vLines.over(r.plan.first, r.work, r.v.step, n)
	r.xLines.over(r.plan.first, r.work, r.x.step, n)
	for _, both := range [2]bool{false, true} {
		transform := r.plan.transform(r.spectrum, both)
		r.prepare(&transform)
	}
}

// add adds the products of the spectra of a pair of lines of v and of x to the sum, and fetches rows of the next.
func (r *gradientRun) add(first, second, nextFirst, nextSecond int) {
	both := 0
	if first != second {
		both = 1
	}
	v := r.rows(&r.v, &r.vLines, first, second, nil)
	ahead := r.x.ahead(first, second)
	r.fetch(ahead, ahead)
	r.through(v, r.calls[spectrumBlocks][both])
	x := r.rows(&r.x, &r.xLines, first, second, r.embedding)
	ahead = r.v.ahead(nextFirst, nextSecond)
	r.fetch(ahead, ahead)
	r.through(x, r.calls[accumulateBlocks][both])
}

// Combine adds the units' sums up, always in the same order, to dw [N, C]. It changes partial.
func (g CircularFFTGradient) Combine(dw, partial []float32) {
	plan, n, size, phases := g.plan(), g.length(), g.productSize(), g.PackUnits()
	mustHold(partial, g.PartialSize())
	sums, rest := partial[:g.Units()*size], partial[g.Units()*size:]
	r := gradientRuns.Get().(*gradientRun)
	defer gradientRuns.Put(r)
	r.begin(plan, n, rest)
	rest = rest[pairSize(plan):]
	line := rest[:plan.n*lanes]
	addParts(sums, phases*size, g.chunks())
	g.sumChannels(dw, rest[plan.n*lanes:], phases, func(phase int) []float32 {
		r.sumBack(line, sums[phase*size:][:size], n)
		return line
	})
}

// addParts adds up parts of so many floats in the first of them.
func addParts(parts []float32, size, count int) {
	for part := 1; part < count; part++ {
		Binary(OpAdd, parts[:size], parts[:size], parts[part*size:][:size])
	}
}

// sumChannels sets t [N, C] to the sums of the lanes that each channel has in N consecutive vectors of every phase. room has
// sumRoom floats.
func (c *Circular) sumChannels(t, room []float32, phases int, vectors func(phase int) []float32) {
	n, width, sums := c.length(), c.C, t[:c.length()*c.C]
	if c.C < lanes { // a vector would have several rows of t: each read would have to wait for the write before it
		width, sums = lanes, room[:n*lanes]
	}
	clear(sums)
	var pieces [lanes]piece
	for phase := range phases {
		from := vectors(phase)
		for _, p := range c.channelPieces(phase, &pieces) {
			addLanes(sums[p.at:], from[p.lane:], n, width, lanes, p.width)
		}
	}
	if c.C < lanes {
		unpackLanes(t, sums, n, c.C, c.C)
	}
}

// sumRoom returns the number of floats that sumChannels needs.
func (c *Circular) sumRoom() int {
	if c.C < lanes {
		return c.length() * lanes
	}
	return 0
}

// chunks returns the number of parts that the signals of a phase are summed in: a power of two where they are few, so that
// two threads, or four, have as many each, and two where there are hardly any.
func (g *CircularFFTGradient) chunks() int {
	l := g.lineVectors(nil, g.InStride)
	turns := l.turns()
	pairs := max(1, min(gradientPairs, turns/2), ceilDivide(gradientRows, g.plan().n))
	count := max(1, min(turns/pairs, gradientUnits/l.phases))
	if count < manyUnits {
		count = 1 << (bits.Len(uint(count)) - 1)
	}
	return count
}
