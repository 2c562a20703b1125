package kernel

// CircularDenseDFT is the convolution that CircularDense describes, through the frequencies: of every line the real
// Fourier transform along the axis, for each frequency a product of matrices over the channels, and the way back.
//
// A complex product Y = X·conj(W) takes three real ones, after Gauss: with X = a+bi and conj(W) = c+di,
//
//	p = (a+b)·c,  q = a·(d-c),  r = b·(c+d),  Y = (p-r) + (p+q)i
//
// so a frequency has three planes, of which each is a product of its own; frequency 0 and, where N is even, N/2 are real
// and have one. That is about 1.5·N products of matrices with lines for rows in place of N² of pixels.
//
// The transforms to the planes and back are products with small constant matrices, at the speed of all products; the
// epilogue is that of the last one.
//
// Three steps follow each other, each with units of its own: Transform, Multiply, Return.
type CircularDenseDFT struct{ CircularDense }

// MultiplyAdds returns the number of multiply-adds of the three steps, and Products that of Multiply.
func (c *CircularDenseDFT) MultiplyAdds() int {
	return c.Products() + c.Lines()*c.planes()*c.length()*(c.CIn+c.COut)
}
func (c *CircularDenseDFT) Products() int { return c.Lines() * c.planes() * c.CIn * c.COut }

// PackedSize returns the number of floats that Pack writes.
func (c *CircularDenseDFT) PackedSize() int { return c.planes() * c.packedPlane() }

// packedPlane is the size of a packed matrix and of what the embedding adds to its products.
func (c *CircularDenseDFT) packedPlane() int {
	return PackedBSize(c.CIn, c.COut) + roundUp(c.COut, lanes)
}

// PackUnits returns the number of independent parts of Pack: panels of columns.
func (c *CircularDenseDFT) PackUnits() int { return ceilDiv(c.COut, level.tile().columns) }

// PackScratchSize returns the number of floats that Pack needs.
func (c *CircularDenseDFT) PackScratchSize() int {
	spectrum := c.planes() * c.CIn
	return spectrum + max(c.transformScratch(c.CIn), c.transformScratch(level.tile().columns), blockScratch(Gemm{M: 1, N: level.tile().columns, K: c.CIn}))
}

// transformScratch is what a transform to the planes needs for lines of so many channels, or fewer.
func (c *CircularDenseDFT) transformScratch(channels int) int {
	g := Gemm{M: c.planes(), N: channels, K: c.length()}
	return blockScratch(g) + depthOf(g.K)*level.tile().columns
}

// Pack transforms units lo to hi of w [N, CIn, COut] and of the embedding pe [N, CIn], which is added to x and may be
// nil, for Multiply. Reversed turns w round about index 0, w[(-k) mod N], as the gradient of x needs it.
func (c *CircularDenseDFT) Pack(packed, w, pe []float32, reversed bool, lo, hi int, scratch []float32) {
	mustHold(packed, c.PackedSize())
	mustHold(w, c.length()*c.CIn*c.COut)
	t, matrices := level.tile(), planeMatricesOf(c.length())
	kernel := matrices.kernel
	if reversed {
		kernel = matrices.reversedKernel
	}
	spectrum, scratch := scratch[:c.planes()*c.CIn], scratch[c.planes()*c.CIn:]
	if pe != nil {
		runBlock(Gemm{M: c.planes(), N: c.CIn, K: c.length(), ARow: c.length(), ACol: 1, BRow: c.CIn, CRow: c.CIn}, spectrum, matrices.image, pe, scratch)
	}
	for unit := lo; unit < hi; unit++ {
		j := unit * t.columns
		columns := min(t.columns, c.COut-j)
		c.packPanel(packed[j*c.CIn:], w[j:], kernel, columns, scratch)
		for plane := range c.planes() {
			added := packed[plane*c.packedPlane()+PackedBSize(c.CIn, c.COut)+j:][:columns]
			if pe == nil {
				clear(added)
				continue
			}
			runBlock(Gemm{M: 1, N: columns, K: c.CIn, ARow: c.CIn, ACol: 1, CRow: columns},
				added, spectrum[plane*c.CIn:], packed[plane*c.packedPlane()+j*c.CIn:], scratch)
		}
	}
}

// packPanel transforms some columns of w, all of one panel, to that panel of all planes.
func (c *CircularDenseDFT) packPanel(packed, w, kernel []float32, columns int, scratch []float32) {
	width := roundUp(columns, level.tile().vector)
	g := Gemm{M: c.planes(), N: columns, K: c.length(), ARow: c.length(), ACol: 1, BRow: c.CIn * c.COut, CRow: c.packedPlane()}
	for channel := range c.CIn {
		to := packed[channel*width:]
		for plane := range c.planes() {
			clear(to[plane*g.CRow+columns:][:width-columns])
		}
		runBlock(g, to, kernel, w[channel*c.COut:], scratch)
	}
}

// SpectrumSize returns the number of floats that Transform writes, and ProductsSize those that Multiply writes.
func (c *CircularDenseDFT) SpectrumSize() int { return c.planes() * planeSize(c.Lines(), c.CIn) }
func (c *CircularDenseDFT) ProductsSize() int { return c.planes() * planeSize(c.Lines(), c.COut) }

// LineUnits returns the number of independent parts of Transform and Return: lines.
func (c *CircularDenseDFT) LineUnits() int { return c.Lines() }

// MultiplyUnits returns the number of independent parts of Multiply: blocks of each plane.
func (c *CircularDenseDFT) MultiplyUnits() int {
	g := c.product()
	return c.planes() * g.Units()
}

// ScratchSize returns the number of floats that each of the steps needs.
func (c *CircularDenseDFT) ScratchSize() int {
	product := c.product()
	return max(product.ScratchSize(), c.transformScratch(c.CIn), c.returnScratch())
}

// returnScratch is what the way back needs.
func (c *CircularDenseDFT) returnScratch() int {
	g := Gemm{M: c.length(), N: c.COut, K: c.planes()}
	return blockScratch(g) + depthOf(g.K)*level.tile().columns
}

// Transform computes units lo to hi of the planes from x.
func (c *CircularDenseDFT) Transform(spectrum, x []float32, lo, hi int, scratch []float32) {
	mustHold(spectrum, c.SpectrumSize())
	c.transform(spectrum, x, planeMatricesOf(c.length()).image, c.CIn, c.InStride, lo, hi, scratch)
}

// transform takes lines of x, of so many channels with pixels so far apart, to planes by the matrix given.
func (c *CircularDense) transform(spectrum, x, matrix []float32, channels, stride, lo, hi int, scratch []float32) {
	_, step := c.place(0)
	g := Gemm{
		M: planesOf(c.length()), N: channels, K: c.length(), ARow: c.length(), ACol: 1,
		BRow: step * stride, CRow: planeSize(c.Lines(), channels),
	}
	for line := lo; line < hi; line++ {
		pixel, _ := c.place(line)
		runBlock(g, spectrum[line*roundUp(channels, lanes):], matrix, x[pixel*stride:], scratch)
	}
}

// Multiply computes units lo to hi of the products from the planes.
func (c *CircularDenseDFT) Multiply(products, spectrum, packed []float32, lo, hi int, scratch []float32) {
	mustHold(products, c.ProductsSize())
	mustHold(spectrum, c.SpectrumSize())
	mustHold(packed, c.PackedSize())
	g := c.product()
	each := g.Units()
	for lo < hi {
		plane := lo / each
		end := min(hi, (plane+1)*each)
		part := packed[plane*c.packedPlane():][:c.packedPlane()]
		g.Bias = part[PackedBSize(c.CIn, c.COut):]
		g.Run(products[plane*planeSize(c.Lines(), c.COut):], spectrum[plane*planeSize(c.Lines(), c.CIn):], part, lo-plane*each, end-plane*each, scratch)
		lo = end
	}
}

// product is the product of one plane.
func (c *CircularDenseDFT) product() Gemm {
	return Gemm{M: c.Lines(), N: c.COut, K: c.CIn, ARow: roundUp(c.CIn, lanes), ACol: 1, CRow: roundUp(c.COut, lanes)}
}

// Return computes units lo to hi of out from the products.
func (c *CircularDenseDFT) Return(out, products []float32, lo, hi int, scratch []float32) {
	mustHold(products, c.ProductsSize())
	_, step := c.place(0)
	g := Gemm{
		M: c.length(), N: c.COut, K: c.planes(), ARow: c.planes(), ACol: 1,
		BRow: planeSize(c.Lines(), c.COut), CRow: step * c.OutStride, Epilogue: c.Epilogue,
	}
	matrix := planeMatricesOf(c.length()).back
	for line := lo; line < hi; line++ {
		pixel, _ := c.place(line)
		if c.Residual != nil {
			g.Residual = c.Residual[pixel*c.OutStride:]
		}
		runBlock(g, out[pixel*c.OutStride:], matrix, products[line*roundUp(c.COut, lanes):], scratch)
	}
}

func (c *CircularDenseDFT) planes() int { return planesOf(c.length()) }

// planeSize is the number of floats of a plane of rows; what comes after the rows keeps planes from sharing places in
// the cache.
func planeSize(rows, channels int) int { return rows*roundUp(channels, lanes) + lanes }

// runBlock computes all of a product as one block.
func runBlock(g Gemm, c, a, b, scratch []float32) {
	block := gemmBlock{Gemm: g, c: c, a: a, b: b, scratch: scratch, rows: g.M, columns: g.N}
	block.run()
}

// blockScratch returns the number of floats of scratch that a product computed as one block needs, but for those of a
// right-hand side in place.
func blockScratch(g Gemm) int {
	return 2*roundUp(g.M, level.tile().rows)*depthOf(g.K) + g.M*scratchPadding
}
