package kernel

// CircularGradient is the gradient of a circular convolution's kernel: of v, the gradient of its output, along H
//
//	dw[k,c] = Σ_{b,i,j} v[b,i,j,c] · (x[b, (i+k) mod N, j, c] + pe[(i+k) mod N, c])
//
// and along W the same with the roles of i and j swapped. x is InStride and v OutStride floats a pixel.
//
// A unit sums over some lines, at fixed places, for sixteen channels; Combine adds the units' sums up.
type CircularGradient struct{ Circular }

// Units returns the number of independent parts of the sums.
func (g CircularGradient) Units() int { return g.chunks() * blocksOf(g.C) }

// PartialSize returns the number of floats that all units write.
func (g CircularGradient) PartialSize() int { return g.Units() * g.kernelRows() * lanes }

// ScratchSize returns the number of floats that Run needs.
func (g CircularGradient) ScratchSize() int {
	return (3*g.length() + g.kernelRows() - 1) * lanes
}

// Run computes units lo to hi of the partial sums from v, x and the embedding pe [N, C], which may be nil.
func (g CircularGradient) Run(partial, v, x, pe []float32, lo, hi int, scratch []float32) {
	n, chunks, linesAll := g.length(), g.chunks(), g.Batch*g.imageLines()
	embedding := scratch[:n*lanes]
	for u := lo; u < hi; u++ {
		block, chunk := u/chunks, u%chunks
		sums := partial[u*g.kernelRows()*lanes:][:g.kernelRows()*lanes]
		clear(sums)
		added := embedding
		if pe != nil {
			packLanes(embedding, pe[block*lanes:], n, g.C, usedLanes(g.C, block))
		} else {
			added = nil
		}
		for line := chunk * linesAll / chunks; line < (chunk+1)*linesAll/chunks; line++ {
			g.addLine(sums, v, x, added, line, block, scratch[n*lanes:])
		}
	}
}

// Combine adds the units' sums up, always in the same order, to dw [N, C].
func (g CircularGradient) Combine(dw, partial []float32) {
	n := g.length()
	clear(dw[:n*g.C])
	for block := range blocksOf(g.C) {
		used := usedLanes(g.C, block)
		for chunk := range g.chunks() {
			sums := partial[(block*g.chunks()+chunk)*g.kernelRows()*lanes:]
			for k := range n {
				to := dw[k*g.C+block*lanes:][:used]
				for l, s := range sums[k*lanes:][:used] {
					to[l] += s
				}
			}
		}
	}
}

// addLine adds the products of one line: dw[k] += Σ_p z[p]·v[(p-k) mod N], with v in scratch as often round as the
// tiles reach.
func (g *CircularGradient) addLine(sums, v, x, embedding []float32, line, block int, scratch []float32) {
	n, used := g.length(), usedLanes(g.C, block)
	vAt, vStep := g.linePlace(g.OutStride, line, block)
	xAt, xStep := g.linePlace(g.InStride, line, block)
	z, around := scratch[:n*lanes], scratch[n*lanes:]
	before := g.kernelRows() - 1
	packLanes(around[before*lanes:], v[vAt:], n, vStep, used)
	for end := before; end > 0; end -= n {
		count := min(n, end)
		copy(around[(end-count)*lanes:end*lanes], around[(end-count+n)*lanes:])
	}
	from := place{x, xAt}
	if used < lanes {
		packLanes(z, x[xAt:], n, xStep, used)
		from, xStep = place{z, 0}, lanes
	}
	c := correlation{
		tiles: g.kernelRows() / tileOutputs, rows: 1, steps: n,
		outTile: tileOutputs * lanes, outStep: lanes, startTile: tileOutputs * lanes, startStep: lanes,
		aStep: xStep, bTile: -tileOutputs * lanes, bStep: lanes, bOut: -lanes,
	}
	c.run(place{sums, 0}, place{sums, 0}, from, embedding, place{around, before * lanes})
}

// linePlace returns where a line of all images begins for a block of channels, and the distance of its pixels.
func (g *CircularGradient) linePlace(stride, line, block int) (at, step int) {
	pixel, step := line*g.W, stride
	if g.Axis == Height {
		pixel, step = line/g.W*g.H*g.W+line%g.W, g.W*stride
	}
	return pixel*stride + block*lanes, step
}

func (g *CircularGradient) imageLines() int { return g.H * g.W / g.length() }

// chunks returns the number of parts that the lines of all images are summed in.
func (g *CircularGradient) chunks() int {
	return min(g.Batch*g.imageLines(), max(1, gradientUnits/blocksOf(g.C)))
}

// kernelRows is N rounded up to whole tiles.
func (g *CircularGradient) kernelRows() int {
	return ceilDivide(g.length(), tileOutputs) * tileOutputs
}
