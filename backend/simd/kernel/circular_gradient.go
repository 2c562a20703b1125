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
	n := g.length()
	return (n + g.linesAtOnce()*(n+g.around())) * lanes
}

// Run computes units lo to hi of the partial sums from v, x and the embedding pe [N, C], which may be nil.
func (g CircularGradient) Run(partial, v, x, pe []float32, lo, hi int, scratch []float32) {
	mustHold(v, g.span(g.OutStride))
	mustHold(x, g.span(g.InStride))
	mustHold(scratch, g.ScratchSize())
	n, chunks, blocks, linesAll := g.length(), g.chunks(), blocksOf(g.C), g.Batch*g.imageLines()
	embedding := scratch[:n*lanes]
	for u := lo; u < hi; u++ {
		block, chunk := u%blocks, u/blocks
		sums := partial[u*g.kernelRows()*lanes:][:g.kernelRows()*lanes]
		clear(sums)
		added := embedding
		if pe != nil {
			packLanes(embedding, pe[block*lanes:], n, g.C, usedLanes(g.C, block))
		} else {
			added = nil
		}
		for line, end := chunk*linesAll/chunks, (chunk+1)*linesAll/chunks; line < end; {
			count := min(g.linesAtOnce(), end-line, g.imageLines()-line%g.imageLines())
			g.addLines(sums, v, x, added, line, count, block, scratch[n*lanes:])
			line += count
		}
	}
}

// Combine adds the units' sums up, always in the same order, to dw [N, C]. The sums are used up.
func (g CircularGradient) Combine(dw, partial []float32) {
	blocks, size := blocksOf(g.C), g.kernelRows()*lanes
	for block := range blocks {
		sums := addChunks(partial[block*size:], size, blocks*size, g.chunks())
		unpackLanes(dw[block*lanes:], sums, g.length(), g.C, usedLanes(g.C, block))
	}
}

// addLines adds the products of count lines of an image: dw[k] += Σ_p z[p]·v[(p-k) mod N], with v in scratch as often
// round as the tiles reach.
func (g *CircularGradient) addLines(sums, v, x, embedding []float32, line, count, block int, scratch []float32) {
	n, used, around := g.length(), usedLanes(g.C, block), g.around()
	vAt, vStep, vNext := g.linePlace(g.OutStride, line, block)
	xAt, xStep, xNext := g.linePlace(g.InStride, line, block)
	turns, z := scratch[:count*around*lanes], scratch[g.linesAtOnce()*around*lanes:]
	for i := range count {
		turn := turns[i*around*lanes : (i+1)*around*lanes]
		packLanes(turn[(around-n)*lanes:], v[vAt+i*vNext:], n, vStep, used)
		for end := around - n; end > 0; end -= n {
			start := max(0, end-n)
			copy(turn[start*lanes:end*lanes], turn[(start+n)*lanes:])
		}
	}
	from := place{x, xAt}
	if used < lanes {
		for i := range count {
			packLanes(z[i*n*lanes:], x[xAt+i*xNext:], n, xStep, used)
		}
		from, xStep, xNext = place{z, 0}, lanes, n*lanes
	}
	c := correlation{
		tiles: g.kernelRows() / tileOutputs, rows: count, steps: n,
		outTile: tileOutputs * lanes, outStep: lanes, startTile: tileOutputs * lanes, startStep: lanes,
		aRow: xNext, aStep: xStep, bTile: -tileOutputs * lanes, bRow: around * lanes, bStep: lanes, bOut: -lanes,
	}
	c.run(place{sums, 0}, place{sums, 0}, from, embedding, place{turns, (around - n) * lanes})
}

// linePlace returns where a line of all images begins for a block of channels, the distance of its pixels, and that of
// the next line of the image.
func (g *CircularGradient) linePlace(stride, line, block int) (at, step, next int) {
	pixel, step, next := line*g.W, stride, g.W*stride
	if g.Axis == Height {
		pixel, step, next = line/g.W*g.H*g.W+line%g.W, next, step
	}
	return pixel*stride + block*lanes, step, next
}

// linesAtOnce is the number of lines that go through the kernel together, so that short ones need not go one by one.
func (g *CircularGradient) linesAtOnce() int { return max(1, min(g.imageLines(), 112/g.length())) }

// around is the number of vectors of v that the tiles reach.
func (g *CircularGradient) around() int { return g.kernelRows() - 1 + g.length() }

func (g *CircularGradient) imageLines() int { return g.H * g.W / g.length() }

// chunks returns the number of parts that the lines of all images are summed in.
func (g *CircularGradient) chunks() int {
	return min(g.Batch*g.imageLines(), max(1, gradientUnits/blocksOf(g.C)))
}

// kernelRows is N rounded up to whole tiles.
func (g *CircularGradient) kernelRows() int {
	return ceilDivide(g.length(), tileOutputs) * tileOutputs
}
