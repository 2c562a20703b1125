package kernel

// Conv2D describes a two-dimensional convolution as the field means it (the kernel is not flipped), with everything
// that is done to the result before it is written. Images are [Batch, H, W, channels]; the kernel is
// [KH, KW, CIn/Groups, COut]. It covers dilated kernels, and dilated inputs (transposed convolutions) without
// multiplying the zeros in between.
//
// The work is a product of matrices: bands of output pixels, for each its patch of the input gathered into a row of
// scratch memory, times the packed kernel. The columns of the epilogue are the output channels.
type Conv2D struct {
	Batch, H, W, CIn int
	// KH and KW are the kernel's size; CIn and COut are divided into Groups that do not mix (0 means 1).
	KH, KW, Groups, COut int
	// Strides and dilations of 0 mean 1. Paddings may be negative.
	StrideH, StrideW                     int
	PadTop, PadBottom, PadLeft, PadRight int
	DilationH, DilationW                 int
	InputDilationH, InputDilationW       int
	Epilogue
}

// OutH returns the height of the result.
func (c *Conv2D) OutH() int { return c.vertical().out }

// OutW returns the width of the result.
func (c *Conv2D) OutW() int { return c.horizontal().out }

// PackedKernelSize returns the number of elements that PackKernel writes.
func (c *Conv2D) PackedKernelSize() int {
	size := 0
	for phase := range c.phases() {
		size += PackedBSize(c.depth(phase), c.columns())
	}
	return size * c.groups()
}

// PackKernel lays the kernel w out for Run at the current level.
func (c *Conv2D) PackKernel(dst, w []float32) {
	channel := c.COut
	column := c.channels() * channel
	c.packKernel(dst, w, kernelStrides{row: c.KW * column, column: column, in: channel, out: 1, group: c.columns()})
}

// Units returns the number of units that the work can be split into.
func (c *Conv2D) Units() int {
	units := 0
	for phase := range c.phases() {
		units += c.bands(phase)
	}
	return units * c.groups() * c.columnBlocks()
}

// ScratchSize returns the number of elements of scratch memory that each concurrent Run needs.
func (c *Conv2D) ScratchSize() int {
	size := 0
	for phase := range c.phases() {
		g := Gemm{M: c.bandSize(), N: c.columns(), K: c.depth(phase)}
		size = max(size, g.M*patchStride(g.K)+2*g.M*depthOf(g.K)+g.M*scratchPadding)
	}
	return size
}

// Run computes the units lo ≤ unit < hi of y from x and the kernel that PackKernel packed.
func (c *Conv2D) Run(y, x, packed []float32, lo, hi int, scratch []float32) {
	unit, columnBlocks := 0, c.columnBlocks()
	for phase := range c.phases() {
		size := PackedBSize(c.depth(phase), c.columns())
		bands := c.bands(phase)
		for group := range c.groups() {
			first, last := max(unit, lo), min(unit+bands*columnBlocks, hi)
			for u := first; u < last; u++ {
				c.band(y, x, packed[:size], phase, group, (u-unit)%bands, (u-unit)/bands, scratch)
			}
			unit += bands * columnBlocks
			packed = packed[size:]
		}
	}
}

// band computes a band of pixels of one phase, for a block of the columns of one group.
func (c *Conv2D) band(y, x, packed []float32, phase, group, band, block int, scratch []float32) {
	v, h := c.vertical(), c.horizontal()
	p := patches{vertical: v.phase(phase / h.phases()), horizontal: h.phase(phase % h.phases()), channels: c.CIn, first: group * c.channels(), perGroup: c.channels()}
	lo := band * c.bandSize()
	hi := min(lo+c.bandSize(), c.Batch*p.vertical.count*p.horizontal.count)
	g := Gemm{N: c.columns(), K: c.depth(phase), ACol: 1, CRow: p.horizontal.step * c.COut, Epilogue: c.groupEpilogue(group)}
	var a []float32
	if c.pointwise() {
		a, g.ARow = x[lo*c.CIn+p.first:], c.CIn
	} else {
		g.ARow = patchStride(g.K)
		a, scratch = scratch[:(hi-lo)*g.ARow], scratch[(hi-lo)*g.ARow:]
		p.gather(a, g.ARow, x, lo, hi)
	}
	width := c.columnBlockSize()
	for pixel := lo; pixel < hi; pixel += g.M {
		image, row, column := p.position(pixel)
		g.M = hi - pixel
		if c.phases() > 1 { // only the pixels of one row lie at equal distances
			g.M = min(g.M, p.horizontal.count-column)
		}
		at := ((image*v.out+p.vertical.out(row))*h.out+p.horizontal.out(column))*c.COut + group*c.columns()
		if c.Residual != nil {
			g.Residual = c.Residual[at:]
		}
		part := gemmBlock{Gemm: g, c: y[at:], a: a[(pixel-lo)*g.ARow:], b: packed, scratch: scratch, rows: g.M, column: block * width, columns: min(width, g.N-block*width)}
		part.run()
	}
}

// groupEpilogue is the epilogue for the columns of one group, its residual left out.
func (c *Conv2D) groupEpilogue(group int) Epilogue {
	e, first := c.Epilogue, group*c.columns()
	if e.Scale != nil {
		e.Scale = e.Scale[first:]
	}
	if e.Bias != nil {
		e.Bias = e.Bias[first:]
	}
	return e
}

func (c *Conv2D) groups() int   { return max(c.Groups, 1) }
func (c *Conv2D) channels() int { return c.CIn / c.groups() }
func (c *Conv2D) columns() int  { return c.COut / c.groups() }

// pointwise reports that the rows of the product are the pixels of the input as they lie.
func (c *Conv2D) pointwise() bool {
	v, h := c.vertical(), c.horizontal()
	return v.identity() && h.identity()
}

// phases returns the number of classes of output pixels that meet the same taps of the kernel.
func (c *Conv2D) phases() int {
	v, h := c.vertical(), c.horizontal()
	return v.phases() * h.phases()
}

// depth returns the number of elements of the patch of a phase's pixel.
func (c *Conv2D) depth(phase int) int {
	v, h := c.vertical(), c.horizontal()
	return v.phase(phase/h.phases()).taps * h.phase(phase%h.phases()).taps * c.channels()
}

// bandSize returns the number of pixels of a band: a multiple of the tile's rows, up to 8 tiles and a megabyte of
// patches, fewer where there would be few bands.
func (c *Conv2D) bandSize() int {
	const megabyte = 1 << 18
	rows := level.tile().rows
	tiles := min(8, max(2, megabyte/max(1, c.KH*c.KW*c.channels())/rows))
	pixels := c.Batch * c.OutH() * c.OutW()
	for tiles > 2 && ceilDiv(pixels, tiles*rows) < 16 {
		tiles = ceilDiv(tiles, 2)
	}
	return tiles * rows
}

func (c *Conv2D) bands(phase int) int {
	v, h := c.vertical(), c.horizontal()
	return ceilDiv(c.Batch*v.phase(phase/h.phases()).count*h.phase(phase%h.phases()).count, c.bandSize())
}

// columnBlockSize returns the number of columns of a unit: all of a group's, or a half or quarter where there are few
// bands to share out. Each block of columns gathers the patches again.
func (c *Conv2D) columnBlockSize() int {
	bands := max(1, ceilDiv(c.Batch*c.OutH()*c.OutW(), c.bandSize())*c.groups())
	return columnBlockSize(c.columns(), min(4, ceilDiv(8, bands)))
}

// columnBlockSize returns the width of blocks of whole panels, as many as asked where there are enough panels.
func columnBlockSize(columns, blocks int) int {
	width := level.tile().columns
	panels := ceilDiv(columns, width)
	return ceilDiv(panels, max(1, min(panels, blocks))) * width
}

func (c *Conv2D) columnBlocks() int { return ceilDiv(c.columns(), c.columnBlockSize()) }

// patchStride is the distance between patches of n elements in scratch memory.
func patchStride(n int) int {
	if n%512 == 0 {
		return n + scratchPadding
	}
	return n
}

// kernelStrides tells where the kernel's element for a tap, channels and group lies; base is the first one.
type kernelStrides struct{ base, row, column, in, out, group int }

// packKernel packs the kernel for every phase and group, of each phase the taps that it meets.
func (c *Conv2D) packKernel(dst, w []float32, s kernelStrides) {
	v, h := c.vertical(), c.horizontal()
	for phase := range c.phases() {
		pv, ph := v.phase(phase/h.phases()), h.phase(phase%h.phases())
		for group := range c.groups() {
			rows := rowOffsets{
				base:     s.base + group*s.group + pv.tap*s.row + ph.tap*s.column,
				channels: c.channels(), columns: max(1, ph.taps),
				channel: s.in, column: ph.tapStep * s.column, row: pv.tapStep * s.row,
			}
			packB(dst, w, c.depth(phase), c.columns(), rows, s.out)
			dst = dst[PackedBSize(c.depth(phase), c.columns()):]
		}
	}
}
