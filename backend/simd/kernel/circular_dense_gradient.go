package kernel

// CircularDenseDFTGradient is the gradient of the kernel of a dense circular convolution from the gradient v of its
// result (the epilogue aside), through the frequencies. Along H:
//
//	dw[k,c,o] = Σ_b,i,j x[b, (i+k) mod N, j, c] · v[b,i,j,o]
//
// The planes of x and of v are multiplied, summed over all lines in their order, and taken back. v lies as out does.
// Four steps follow each other, each with units of its own: Transform, TransformGradient, Multiply, Return.
type CircularDenseDFTGradient struct{ CircularDenseDFT }

// GradientSpectrumSize returns the number of floats that TransformGradient writes, and SumsSize those that Multiply
// writes.
func (g *CircularDenseDFTGradient) GradientSpectrumSize() int { return g.ProductsSize() }
func (g *CircularDenseDFTGradient) SumsSize() int             { return g.planes() * g.sumsPlane() }

// sumsPlane is the number of floats of one plane of the kernel's gradient.
func (g *CircularDenseDFTGradient) sumsPlane() int { return g.CIn*g.COut + lanes }

// MultiplyUnits returns the number of independent parts of Multiply: blocks of each plane.
func (g *CircularDenseDFTGradient) MultiplyUnits() int {
	p := g.sums()
	return g.planes() * p.Units()
}

// returnColumns is the number of columns of a unit of Return.
const returnColumns = 512

// ReturnUnits returns the number of independent parts of Return: stretches of pairs of channels.
func (g *CircularDenseDFTGradient) ReturnUnits() int { return ceilDiv(g.CIn*g.COut, returnColumns) }

// ScratchSize returns the number of floats that each of the steps needs.
func (g *CircularDenseDFTGradient) ScratchSize() int {
	sums := g.sums()
	return max(sums.ScratchSize(), g.transformScratch(g.CIn), g.transformScratch(g.COut), g.returnScratch())
}

// TransformGradient computes units lo to hi of the planes of v.
func (g *CircularDenseDFTGradient) TransformGradient(spectrum, v []float32, lo, hi int, scratch []float32) {
	mustHold(spectrum, g.GradientSpectrumSize())
	g.transform(spectrum, v, planeMatricesOf(g.length()).kernel, g.COut, g.OutStride, lo, hi, scratch)
}

// Multiply computes units lo to hi of the sums from the planes of x and v.
func (g *CircularDenseDFTGradient) Multiply(sums, spectrum, gradientSpectrum []float32, lo, hi int, scratch []float32) {
	mustHold(sums, g.SumsSize())
	mustHold(spectrum, g.SpectrumSize())
	mustHold(gradientSpectrum, g.GradientSpectrumSize())
	p := g.sums()
	each := p.Units()
	for lo < hi {
		plane := lo / each
		end := min(hi, (plane+1)*each)
		p.Run(sums[plane*g.sumsPlane():], spectrum[plane*planeSize(g.Lines(), g.CIn):], gradientSpectrum[plane*planeSize(g.Lines(), g.COut):],
			lo-plane*each, end-plane*each, scratch)
		lo = end
	}
}

// sums is the product of one plane of x, transposed, and one of v.
func (g *CircularDenseDFTGradient) sums() Gemm {
	return Gemm{M: g.CIn, N: g.COut, K: g.Lines(), ARow: 1, ACol: roundUp(g.CIn, lanes), BRow: roundUp(g.COut, lanes), CRow: g.COut}
}

// Return computes units lo to hi of dw [N, CIn, COut] from the sums.
func (g *CircularDenseDFTGradient) Return(dw, sums []float32, lo, hi int, scratch []float32) {
	pairs, matrix := g.CIn*g.COut, planeMatricesOf(g.length()).back
	mustHold(dw, g.length()*pairs)
	for unit := lo; unit < hi; unit++ {
		at := unit * returnColumns
		runBlock(Gemm{M: g.length(), N: min(returnColumns, pairs-at), K: g.planes(), ARow: g.planes(), ACol: 1, BRow: g.sumsPlane(), CRow: pairs},
			dw[at:], matrix, sums[at:], scratch)
	}
}
