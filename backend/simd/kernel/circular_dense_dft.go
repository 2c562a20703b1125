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

// MultiplyAdds returns the number of multiply-adds of the three steps.
func (c *CircularDenseDFT) MultiplyAdds() int {
	return c.lines() * c.planes() * (c.CIn*c.COut + c.length()*(c.CIn+c.COut))
}

// PackedSize returns the number of floats that Pack writes.
func (c *CircularDenseDFT) PackedSize() int { return c.planes() * c.packedPlane() }

// packedPlane is a packed matrix and what an embedding adds to its products.
func (c *CircularDenseDFT) packedPlane() int { return PackedBSize(c.CIn, c.COut) + roundUp(c.COut, lanes) }

// PackUnits returns the number of independent parts of Pack: panels of columns.
func (c *CircularDenseDFT) PackUnits() int { return ceilDiv(c.COut, level.tile().columns) }

// PackScratchSize returns the number of floats that Pack needs.
func (c *CircularDenseDFT) PackScratchSize() int {
	return blockScratch(Gemm{M: c.planes(), K: c.length(), N: level.tile().columns, BRow: 1})
}

// Pack transforms the units' part of w [N, CIn, COut] for Multiply. Reversed turns w round about index 0, w[(-k) mod N],
// as the gradient of x needs it.
func (c *CircularDenseDFT) Pack(packed, w []float32, reversed bool, lo, hi int, scratch []float32) {
	mustHold(packed, c.PackedSize())
	mustHold(w, c.length()*c.CIn*c.COut)
	t, matrices := level.tile(), planeMatricesOf(c.length())
	kernel := matrices.kernel
	if reversed {
		kernel = matrices.reversedKernel
	}
	for unit := lo; unit < hi; unit++ {
		j := unit * t.columns
		columns := min(t.columns, c.COut-j)
		width := roundUp(columns, t.vector)
		for channel := range c.CIn {
			to := packed[j*c.CIn+channel*width:]
			g := Gemm{M: c.planes(), N: columns, K: c.length(), ARow: c.length(), ACol: 1, BRow: c.CIn * c.COut, CRow: c.packedPlane()}
			for plane := range c.planes() {
				clear(to[plane*g.CRow+columns:][:width-columns])
			}
			runBlock(g, to, kernel, w[channel*c.COut+j:], scratch)
		}
	}
}

// PackEmbedding adds, after Pack, what the embedding pe [N, CIn], which may be nil, does to each product. Its units are
// planes.
func (c *CircularDenseDFT) PackEmbedding(packed, pe []float32, lo, hi int, scratch []float32) {
	size, matrix := PackedBSize(c.CIn, c.COut), planeMatricesOf(c.length()).image
	for plane := lo; plane < hi; plane++ {
		part := packed[plane*c.packedPlane():][:c.packedPlane()]
		if pe == nil {
			clear(part[size:])
			continue
		}
		row := scratch[:c.CIn]
		runBlock(Gemm{M: 1, N: c.CIn, K: c.length(), ARow: c.length(), ACol: 1, BRow: c.CIn, CRow: c.CIn}, row, matrix[plane*c.length():], pe, scratch[c.CIn:])
		runBlock(Gemm{M: 1, N: c.COut, K: c.CIn, ARow: c.CIn, ACol: 1, CRow: c.COut}, part[size:], row, part, scratch[c.CIn:])
	}
}

// SpectrumSize returns the number of floats that Transform writes, and ProductsSize those that Multiply writes.
func (c *CircularDenseDFT) SpectrumSize() int { return c.planes() * planeSize(c.lines(), c.CIn) }
func (c *CircularDenseDFT) ProductsSize() int { return c.planes() * planeSize(c.lines(), c.COut) }

// LineUnits returns the number of independent parts of Transform and Return: lines.
func (c *CircularDenseDFT) LineUnits() int { return c.lines() }

// MultiplyUnits returns the number of independent parts of Multiply: blocks of each plane.
func (c *CircularDenseDFT) MultiplyUnits() int {
	g := c.product()
	return c.planes() * g.Units()
}

// ScratchSize returns the number of floats that each of the steps and PackEmbedding need.
func (c *CircularDenseDFT) ScratchSize() int {
	product, planes, n := c.product(), c.planes(), c.length()
	return max(product.ScratchSize(), c.CIn+blockScratch(Gemm{M: 1, N: max(c.CIn, c.COut), K: max(n, c.CIn), BRow: 1}),
		blockScratch(Gemm{M: planes, N: c.CIn, K: n, BRow: 1}), blockScratch(Gemm{M: n, N: c.COut, K: planes, BRow: 1}))
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
		BRow: step * stride, CRow: planeSize(c.lines(), channels),
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
		g.Run(products[plane*planeSize(c.lines(), c.COut):], spectrum[plane*planeSize(c.lines(), c.CIn):], part, lo-plane*each, end-plane*each, scratch)
		lo = end
	}
}

// product is the product of one plane.
func (c *CircularDenseDFT) product() Gemm {
	return Gemm{M: c.lines(), N: c.COut, K: c.CIn, ARow: roundUp(c.CIn, lanes), ACol: 1, CRow: roundUp(c.COut, lanes)}
}

// Return computes units lo to hi of out from the products.
func (c *CircularDenseDFT) Return(out, products []float32, lo, hi int, scratch []float32) {
	mustHold(products, c.ProductsSize())
	_, step := c.place(0)
	g := Gemm{
		M: c.length(), N: c.COut, K: c.planes(), ARow: c.planes(), ACol: 1,
		BRow: planeSize(c.lines(), c.COut), CRow: step * c.OutStride, Epilogue: c.Epilogue,
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

// blockScratch returns the number of floats of scratch that a product computed as one block needs.
func blockScratch(g Gemm) int {
	return 2*roundUp(g.M, level.tile().rows)*depthOf(g.K) + g.M*scratchPadding + tailSize(&g)
}
