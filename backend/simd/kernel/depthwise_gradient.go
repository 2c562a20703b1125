package kernel

// DepthwiseGradient is the gradient of a depth-wise convolution's kernel: of v, the gradient of its output,
//
//	dw[kh,kw,o] = Σ_{b,i,j} v[b,i,j,o] · x[b, i·StrideH + kh·DilationH - PadTop, j·StrideW + kw·DilationW - PadLeft, o/Multiplier]
//
// A unit sums over some bands of rows, at fixed places, for sixteen channels; Combine adds the units' sums up. The
// convolution must not itself come from InputGradient.
type DepthwiseGradient struct{ Depthwise }

// Units returns the number of independent parts of the sums.
func (g DepthwiseGradient) Units() int { return g.chunks() * blocksOf(g.outChannels()) }

// PartialSize returns the number of floats that all units write.
func (g DepthwiseGradient) PartialSize() int { return g.Units() * g.partialUnit() }

// ScratchSize returns the number of floats that Run needs.
func (g DepthwiseGradient) ScratchSize() int {
	return g.bandInputRows()*g.gradientWidth()*lanes + g.bandRows()*g.OutW*lanes
}

// Run computes units lo to hi of the partial sums from v [Batch, OutH, OutW, C·Multiplier] and x [Batch, H, W, C].
func (g DepthwiseGradient) Run(partial, v, x []float32, lo, hi int, scratch []float32) {
	mustHold(v, g.Batch*g.OutH*g.OutW*g.outChannels())
	mustHold(scratch, g.ScratchSize())
	pieces, chunks, blocks := g.Batch*g.bands(), g.chunks(), blocksOf(g.outChannels())
	for u := lo; u < hi; u++ {
		block, chunk := u%blocks, u/blocks
		sums := partial[u*g.partialUnit():][:g.partialUnit()]
		clear(sums)
		for piece := chunk * pieces / chunks; piece < (chunk+1)*pieces/chunks; piece++ {
			g.addBand(sums, v, x, piece/g.bands(), piece%g.bands()*g.bandRows(), block, scratch)
		}
	}
}

// Combine adds the units' sums up, always in the same order, to dw [KH, KW, C·Multiplier]. The sums are used up.
func (g DepthwiseGradient) Combine(dw, partial []float32) {
	channels, blocks, size := g.outChannels(), blocksOf(g.outChannels()), g.partialUnit()
	for block := range blocks {
		sums := addChunks(partial[block*size:], size, blocks*size, g.chunks())
		for kh := range g.KH {
			unpackLanes(dw[kh*g.KW*channels+block*lanes:], sums[kh*g.columns()*lanes:], g.KW, channels, usedLanes(channels, block))
		}
	}
}

// addChunks adds up chunks of size floats that begin apart floats from each other, into the first.
func addChunks(partial []float32, size, apart, chunks int) []float32 {
	sums := partial[:size]
	for chunk := 1; chunk < chunks; chunk++ {
		Binary(OpAdd, sums, sums, partial[chunk*apart:][:size])
	}
	return sums
}

// addBand adds the products of one band of rows of an image.
func (g *DepthwiseGradient) addBand(sums, v, x []float32, b, i, block int, scratch []float32) {
	channels, width := g.outChannels(), g.gradientWidth()
	rows, used := min(g.bandRows(), g.OutH-i), usedLanes(channels, block)
	band, packed := scratch[:g.bandInputRows()*width*lanes], scratch[g.bandInputRows()*width*lanes:]
	g.packBand(band, x, b, i, width, block, 0)
	from, stride := place{v, (b*g.OutH+i)*g.OutW*channels + block*lanes}, channels
	if used < lanes {
		packLanes(packed, v[from.at:], rows*g.OutW, channels, used)
		from, stride = place{packed, 0}, lanes
	}
	tile := g.tileColumns()
	c := correlation{
		narrow: g.narrow(), tiles: g.columns() / tile, steps: g.OutW,
		outTile: tile * lanes, outStep: lanes, startTile: tile * lanes, startStep: lanes,
		aRow: g.OutW * stride, aStep: stride,
		bTile: tile * g.DilationW * lanes, bRow: g.StrideH * width * lanes, bStep: g.StrideW * lanes, bOut: g.DilationW * lanes,
	}
	for kh := range g.KH {
		first, end := g.outputRows(kh)
		first, end = max(0, first-i), min(rows, end-i)
		if first >= end {
			continue
		}
		c.rows = end - first
		to := place{sums, kh * g.columns() * lanes}
		c.run(to, to, from.plus(first*c.aRow), nil, place{band, (first*g.StrideH + kh*g.DilationH) * width * lanes})
	}
}

// outputRows returns the rows of the output, first and end, that row kh of the kernel takes from within x.
func (g *DepthwiseGradient) outputRows(kh int) (first, end int) {
	above := g.PadTop - kh*g.DilationH
	return ceilDivide(above, g.StrideH), floorDivide((g.H-1)*g.InputDilationH+above, g.StrideH) + 1
}

// chunks returns the number of parts that the bands of all images are summed in.
func (g *DepthwiseGradient) chunks() int {
	return min(g.Batch*g.bands(), max(1, gradientUnits/blocksOf(g.outChannels())))
}

// gradientUnits is about how many units the gradient of a kernel has, where its shape allows.
const gradientUnits = 32

// narrow says that tiles have three columns of the kernel, and tileColumns how many they have.
func (g *DepthwiseGradient) narrow() bool { return g.KW <= narrowOutputs }
func (g *DepthwiseGradient) tileColumns() int {
	if g.narrow() {
		return narrowOutputs
	}
	return tileOutputs
}

// columns is KW rounded up to whole tiles, and gradientWidth the width in vectors of the input that those reach.
func (g *DepthwiseGradient) columns() int { return ceilDivide(g.KW, g.tileColumns()) * g.tileColumns() }
func (g *DepthwiseGradient) gradientWidth() int {
	return (g.OutW-1)*g.StrideW + (g.columns()-1)*g.DilationW + 1
}
func (g *DepthwiseGradient) partialUnit() int { return g.KH * g.columns() * lanes }
