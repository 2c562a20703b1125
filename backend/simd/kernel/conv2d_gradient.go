package kernel

// Conv2DInputGradient computes the gradient dx [Batch, H, W, CIn] of a convolution (its epilogue aside) from the
// gradient v [Batch, OutH, OutW, COut] of its result. It is the convolution of v with the reversed kernel, inputs and
// outputs swapped, strides and input dilations swapped too.
type Conv2DInputGradient struct{ Conv2D }

// PackedKernelSize returns the number of elements that PackKernel writes.
func (c *Conv2DInputGradient) PackedKernelSize() int {
	t := c.transposed()
	return t.PackedKernelSize()
}

// PackKernel lays the convolution's kernel w out for Run at the current level.
func (c *Conv2DInputGradient) PackKernel(dst, w []float32) {
	t := c.transposed()
	column := c.channels() * c.COut
	row := c.KW * column
	t.packKernel(dst, w, kernelStrides{base: c.KH*row - column, row: -row, column: -column, in: 1, out: c.COut, group: c.columns()})
}

// Units returns the number of units that the work can be split into.
func (c *Conv2DInputGradient) Units() int {
	t := c.transposed()
	return t.Units()
}

// ScratchSize returns the number of elements of scratch memory that each concurrent Run needs.
func (c *Conv2DInputGradient) ScratchSize() int {
	t := c.transposed()
	return t.ScratchSize()
}

// Run computes the units lo ≤ unit < hi of dx from v and the kernel that PackKernel packed.
func (c *Conv2DInputGradient) Run(dx, v, packed []float32, lo, hi int, scratch []float32) {
	t := c.transposed()
	t.Run(dx, v, packed, lo, hi, scratch)
}

// transposed is the convolution that computes the gradient.
func (c *Conv2DInputGradient) transposed() Conv2D {
	v, h := c.vertical(), c.horizontal()
	t := Conv2D{
		Batch: c.Batch, H: v.out, W: h.out, CIn: c.COut, KH: c.KH, KW: c.KW, Groups: c.Groups, COut: c.CIn,
		StrideH: v.inputDilation, StrideW: h.inputDilation, InputDilationH: v.stride, InputDilationW: h.stride,
		DilationH: v.dilation, DilationW: h.dilation,
	}
	t.PadTop, t.PadBottom = v.transposedPadding()
	t.PadLeft, t.PadRight = h.transposedPadding()
	return t
}

// transposedPadding returns the padding with which the gradient of the outputs has the length of the inputs.
func (a convAxis) transposedPadding() (before, after int) {
	before = a.span() - 1 - a.pad
	return before, (a.in-1)*a.inputDilation + a.span() - 1 - (a.out-1)*a.stride - before
}

// Conv2DWeightGradient computes the gradient dw [KH, KW, CIn/Groups, COut] of a convolution (its epilogue aside) from
// x and the gradient v of its result. It is the product of the transposed patches of x with v, summed over all pixels
// of all images in their order; v is read in place. The input dilation must be 1 (for a transposed convolution the
// same gradient is that of the plain one with x and v in each other's place).
type Conv2DWeightGradient struct{ Conv2D }

// Units returns the number of units that the work can be split into.
func (c *Conv2DWeightGradient) Units() int {
	if c.pointwise() {
		g := c.pointwiseProduct()
		return c.groups() * g.Units()
	}
	return c.groups() * c.KH * c.gradientBlocks()
}

// ScratchSize returns the number of elements of scratch memory that each concurrent Run needs.
func (c *Conv2DWeightGradient) ScratchSize() int {
	if c.pointwise() {
		g := c.pointwiseProduct()
		return g.ScratchSize()
	}
	g := c.rowProduct(c.gradientBand())
	return g.K*g.M + 2*depthOf(g.K)*gradientTiles*level.tile().rows + tailSize(&g)
}

// Run computes the units lo ≤ unit < hi of dw.
func (c *Conv2DWeightGradient) Run(dw, x, v []float32, lo, hi int, scratch []float32) {
	for unit := lo; unit < hi; unit++ {
		if !c.pointwise() {
			row := unit / c.gradientBlocks()
			c.row(dw, x, v, row/c.KH, row%c.KH, unit%c.gradientBlocks(), scratch)
			continue
		}
		g := c.pointwiseProduct()
		group, part := unit/g.Units(), unit%g.Units()
		g.Run(dw[group*g.N:], x[min(len(x), group*g.M):], v[min(len(v), group*g.N):], part, part+1, scratch)
	}
}

// row computes the gradient of one row of the kernel in one group, for a block of columns.
func (c *Conv2DWeightGradient) row(dw, x, v []float32, group, row, block int, scratch []float32) {
	vertical, horizontal := c.vertical(), c.horizontal()
	p := patches{vertical: vertical.phase(0), horizontal: horizontal.phase(0), channels: c.CIn, first: group * c.channels(), perGroup: c.channels()}
	p.vertical.start += row * vertical.dilation
	p.vertical.taps = 1
	pixels := c.Batch * vertical.out * horizontal.out
	width := c.gradientBlockSize()
	rows := gradientTiles * level.tile().rows
	for lo := 0; lo == 0 || lo < pixels; lo += c.gradientBand() {
		g := c.rowProduct(min(c.gradientBand(), pixels-lo))
		g.Accumulate = lo > 0
		a := scratch[:g.K*g.M]
		p.gather(a, g.M, x, lo, lo+g.K)
		part := gemmBlock{
			Gemm: g, c: dw[row*g.M*c.COut+group*g.N:], a: a, b: v[min(len(v), lo*c.COut+group*g.N):], scratch: scratch[len(a):],
			column: block * width, columns: min(width, g.N-block*width),
		}
		for part.row = 0; part.row < g.M; part.row += rows {
			part.rows = min(rows, g.M-part.row)
			part.run()
		}
	}
}

// gradientTiles is how many tiles of rows are packed at a time.
const gradientTiles = 8

// pointwiseProduct is the whole gradient for one group where patches are the pixels themselves.
func (c *Conv2DWeightGradient) pointwiseProduct() Gemm {
	return Gemm{M: c.channels(), N: c.columns(), K: c.Batch * c.H * c.W, ARow: 1, ACol: c.CIn, BRow: c.COut, CRow: c.COut}
}

// rowProduct is the gradient of one row of the kernel in one group from the gathered patches of some pixels.
func (c *Conv2DWeightGradient) rowProduct(pixels int) Gemm {
	m := c.KW * c.channels()
	return Gemm{M: m, N: c.columns(), K: pixels, ARow: 1, ACol: m, BRow: c.COut, CRow: c.COut}
}

// gradientBand returns the number of pixels whose patches are gathered at a time: up to a megabyte.
func (c *Conv2DWeightGradient) gradientBand() int {
	const megabyte = 1 << 18
	return min(maxDepth, max(32, megabyte/max(1, c.KW*c.channels())))
}

// gradientBlockSize returns the number of columns of a unit: all of a group's, or a part where there are few units.
func (c *Conv2DWeightGradient) gradientBlockSize() int {
	return columnBlockSize(c.columns(), ceilDiv(4, c.groups()*c.KH))
}

func (c *Conv2DWeightGradient) gradientBlocks() int {
	return ceilDiv(c.columns(), c.gradientBlockSize())
}
