package kernel

// CircularGlobalGradient is the gradient of a global kernel, of v, the gradient of the convolution's output:
//
//	dw[k,l,c] = Σ_{b,i,j} v[b,i,j,c] · x[b, (i+k) mod H, (j+l) mod W, c]
//
// It is the way back of Σ conj(V̂)·X̂ over images. A unit sums over some images, at fixed places, for sixteen channels;
// Combine adds the units' sums up.
type CircularGlobalGradient struct{ CircularGlobal }

// Units returns the number of independent parts of the sums.
func (g CircularGlobalGradient) Units() int { return g.chunks() * blocksOf(g.C) }

// PartialSize returns the number of floats that all units write.
func (g CircularGlobalGradient) PartialSize() int { return g.Units() * g.H * g.W * lanes }

// ScratchSize returns the number of floats that Run needs: two maps in transformation, the sums of their columns and the
// spectrum of one.
func (g CircularGlobalGradient) ScratchSize() int {
	m := g.geometry()
	return 2*m.size() + m.frequencies()*signalSize(m.columnRows()) + 2*m.down.n*lanes
}

// Run computes units lo to hi of the partial sums from v and x.
func (g CircularGlobalGradient) Run(partial, v, x []float32, lo, hi int, scratch []float32) {
	mustHold(partial, g.PartialSize())
	mustHold(v, g.Batch*g.mapSize())
	mustHold(x, g.Batch*g.mapSize())
	mustHold(scratch, g.ScratchSize())
	m, chunks, blocks := g.geometry(), g.chunks(), blocksOf(g.C)
	vMap, xMap, rest := m.in(scratch), m.in(scratch[m.size():]), scratch[2*m.size():]
	spectrum, sums := rest[:2*m.down.n*lanes], rest[2*m.down.n*lanes:]
	for u := lo; u < hi; u++ {
		block, chunk := u%blocks, u/blocks
		used := usedLanes(g.C, block)
		clear(sums[:m.frequencies()*signalSize(m.columnRows())])
		for image := chunk * g.Batch / chunks; image < (chunk+1)*g.Batch/chunks; image++ {
			from := image*g.mapSize() + block*lanes
			vMap.forward(v[from:], g.C, used)
			xMap.forward(x[from:], g.C, used)
			for f := range m.frequencies() {
				vMap.separate(f)
				m.down.forward(interleaved(spectrum), vMap.column)
				xMap.separate(f)
				m.down.correlateAhead(m.columnOf(sums, f), xMap.column, xMap.column, spectrum, xMap.column)
			}
		}
		xMap.periodic = true
		for f := range m.frequencies() {
			sum := m.columnOf(sums, f)
			m.down.inverse(sum)
			xMap.combine(f, sum)
		}
		dw := partial[u*g.H*g.W*lanes:][:g.H*g.W*lanes]
		xMap.inverse(dw, lanes, lanes)
		xMap.periodic = false
		xMap.scale(dw, 1/(4*m.places()))
	}
}

// Combine adds the units' sums up, always in the same order, to dw [H, W, C]. The sums are used up.
func (g CircularGlobalGradient) Combine(dw, partial []float32) {
	blocks, size := blocksOf(g.C), g.H*g.W*lanes
	for block := range blocks {
		sums := addChunks(partial[block*size:], size, blocks*size, g.chunks())
		unpackLanes(dw[block*lanes:], sums, g.H*g.W, g.C, usedLanes(g.C, block))
	}
}

// chunks returns the number of parts that the images are summed in.
func (g *CircularGlobalGradient) chunks() int {
	return max(1, min(g.Batch, gradientUnits/blocksOf(g.C)))
}

// columnOf returns a column of those that follow each other in s.
func (g mapGeometry) columnOf(s []float32, v int) complexRows {
	return signalIn(s[v*signalSize(g.columnRows()):], g.columnRows())
}
