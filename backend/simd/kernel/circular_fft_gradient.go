package kernel

// CircularFFTGradient is the gradient of a circular convolution's kernel that CircularGradient describes, through the
// frequencies: dw is the real part of the way back of Σ conj(V̂)·Ẑ over pairs of lines.
//
// A unit sums over some pairs of lines, at fixed places, for sixteen channels; Combine adds the units' sums up.
type CircularFFTGradient struct{ CircularFFT }

// gradientPairs is the least number of pairs of lines that a unit sums over, where there are as many: each unit takes
// its sums back.
const gradientPairs = 8

// Taps returns how long a kernel is whose gradient, taken directly, takes about as long: where N is greater, this form
// pays. A pair has two transforms as in the convolution, and a sum over it.
func (g CircularFFTGradient) Taps() int { return g.CircularFFT.Taps() * 3 / 2 }

// Units returns the number of independent parts of the sums.
func (g CircularFFTGradient) Units() int { return g.chunks() * g.blocks() }

// PartialSize returns the number of floats that all units write.
func (g CircularFFTGradient) PartialSize() int { return g.Units() * g.length() * lanes }

// ScratchSize returns the number of floats that Run needs.
func (g CircularFFTGradient) ScratchSize() int {
	return 3*signalSize(g.transformed()) + g.length()*lanes
}

// Run computes units lo to hi of the partial sums from v, x and the embedding pe [N, C], which may be nil.
func (g CircularFFTGradient) Run(partial, v, x, pe []float32, lo, hi int, scratch []float32) {
	mustHold(v, g.span(g.OutStride))
	mustHold(x, g.span(g.InStride))
	mustHold(scratch, g.ScratchSize())
	n, plan, chunks := g.length(), fftPlanOf(g.transformed()), g.chunks()
	size := signalSize(plan.n)
	z, y, sum := signalIn(scratch, plan.n), signalIn(scratch[size:], plan.n), signalIn(scratch[2*size:], plan.n)
	var added []float32
	for u := lo; u < hi; u++ {
		block, chunk := u%g.blocks(), u/g.blocks()
		if pe != nil {
			added = scratch[3*size:][:n*lanes]
			g.loadEmbedding(added, pe, block)
		}
		clear(sum.re)
		clear(sum.im)
		pairs, vLines, xLines := g.pairs(block), g.lineSet(v, g.OutStride, block), g.lineSet(x, g.InStride, block)
		for pair := chunk * pairs / chunks; pair < (chunk+1)*pairs/chunks; pair++ {
			g.transform(plan, y, vLines.pair(pair), nil)
			g.transform(plan, z, xLines.pair(pair), added)
			addConjugateProduct(sum, y, z)
		}
		plan.inverse(sum)
		g.storeSums(partial[u*n*lanes:][:n*lanes], sum.re, plan.n)
	}
}

// Combine adds the units' sums up, always in the same order, to dw [N, C].
func (g CircularFFTGradient) Combine(dw, partial []float32) {
	n, blocks := g.length(), g.blocks()
	clear(dw[:n*g.C])
	for unit := range g.Units() {
		block, sums := unit%blocks, partial[unit*n*lanes:][:n*lanes]
		for k := range n {
			for l := range g.used(block, 0) {
				dw[k*g.C+g.channel(block, l)] += sums[k*lanes+l]
			}
		}
	}
}

// transform takes a pair of lines, with the embedding where there is one, to their spectrum z.
func (g *CircularFFTGradient) transform(plan *fftPlan, z complexRows, from linePair, embedding []float32) {
	if from.whole && !from.alone && plan.n == g.length() && embedding == nil {
		plan.forward(z, from.rows)
		return
	}
	from.load(z, g.length(), plan.n)
	if from.alone {
		clear(z.im)
	}
	if embedding != nil {
		for _, part := range [][]float32{z.re[:len(embedding)], z.im[:len(embedding)]} {
			Binary(OpAdd, part, part, embedding)
		}
	}
	plan.forward(z, z)
}

// loadEmbedding lays out a block's channels of pe [N, C].
func (g *CircularFFTGradient) loadEmbedding(embedding, pe []float32, block int) {
	clear(embedding)
	for i := range g.length() {
		for l := range g.used(block, 0) {
			embedding[i*lanes+l] = pe[i*g.C+g.channel(block, l)]
		}
	}
}

// storeSums takes the sums over all differences of two indices modulo m to those modulo N.
func (g *CircularFFTGradient) storeSums(partial, sums []float32, m int) {
	n, scale := g.length(), 1/float32(m)
	for i := range partial {
		s := sums[i]
		if m > n && i >= lanes {
			s += sums[(m-n)*lanes+i]
		}
		partial[i] = s * scale
	}
}

// chunks returns the number of parts that the pairs are summed in.
func (g *CircularFFTGradient) chunks() int {
	return min(ceilDivide(g.pairs(0), gradientPairs), max(1, gradientUnits/g.blocks()))
}

// addConjugateProduct adds conj(v)·z to sum.
func addConjugateProduct(sum, v, z complexRows) {
	Ternary(OpMulAdd, sum.re, v.re, z.re, sum.re)
	Ternary(OpMulAdd, sum.re, v.im, z.im, sum.re)
	Ternary(OpMulAdd, sum.im, v.re, z.im, sum.im)
	Ternary(OpSubMul, sum.im, v.im, z.re, sum.im)
}
