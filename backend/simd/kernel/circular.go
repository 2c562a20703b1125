package kernel

// Axis is the direction that a kernel runs in.
type Axis int

const (
	// Height runs along H, Width along W.
	Height Axis = iota
	Width
)

// Circular is the depth-wise circular convolution of Fast-ParC along one axis of x [Batch, H, W, C], N = H or W long.
// Along H, with w [N, C]:
//
//	out[b,i,j,c] = t[i,c] + Σ_k w[k,c] · (x[b, (i+k) mod N, j, c] + pe[(i+k) mod N, c])
//
// and along W the same with the roles of i and j swapped. It is computed directly, N products an output. pe is
// convolved on its own when packing: where w is infinite and pe is not zero, an infinite output may become NaN.
//
// x and out may be some channels of wider tensors: neighbouring pixels are InStride and OutStride floats apart, and the
// slices begin at the first channel of the first pixel.
//
// Weights are packed once (Pack, in units of its own), then units are run in any order and split. A unit is sixteen
// channels of some lines, where a line is what the kernel runs along.
type Circular struct {
	Batch, H, W, C      int
	Axis                Axis
	InStride, OutStride int
}

// CircularTerms are what a circular convolution adds; each may be nil.
type CircularTerms struct {
	Bias      []float32 // [C], to each output
	Embedding []float32 // pe [N, C], to the input
	Table     []float32 // [N, C], to the outputs: for inference, circ(pe, w) + bias in place of the other two
}

// unitProducts is about how many vector products a unit of lines has.
const unitProducts = 1 << 14

// PackedSize returns the number of floats that Pack writes.
func (c Circular) PackedSize() int { return c.blocks() * c.packedBlock() }

// PackUnits returns the number of independent parts of the packing.
func (c Circular) PackUnits() int { return c.blocks() }

// Pack lays out units lo to hi of w [N, C] and of what is added, for Run.
func (c Circular) Pack(packed, w []float32, terms CircularTerms, lo, hi int) {
	c.pack(packed, w, terms, 1, lo, hi)
}

// PackReversed lays out w turned round about index 0, w[(-k) mod N], for the gradient of x: the same convolution, of
// the gradient of out.
func (c Circular) PackReversed(packed, w []float32, lo, hi int) {
	c.pack(packed, w, CircularTerms{}, -1, lo, hi)
}

// Units returns the number of independent parts of the convolution.
func (c Circular) Units() int { return c.groups() * c.blocks() }

// ScratchSize returns the number of floats that Run needs.
func (c Circular) ScratchSize() int { return (c.length() + c.rows()) * lanes }

// Run computes units lo to hi of out from x.
func (c Circular) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(out, c.span(c.OutStride))
	mustHold(x, c.span(c.InStride))
	mustHold(packed, c.PackedSize())
	mustHold(scratch, c.ScratchSize())
	groups, blocks, size := c.groups(), c.blocks(), c.packedBlock()
	if c.Axis == Width {
		c.Batch, c.H = 1, c.Batch*c.H // the rows of all images follow each other
	}
	for u := lo; u < hi; u++ {
		block, group := u%blocks, u/blocks
		lines, weights := c.lines(block), packed[block*size:][:size]
		end := (group + 1) * c.Batch * lines / groups
		for line := group * c.Batch * lines / groups; line < end; {
			b := line / lines
			until := min(end, (b+1)*lines)
			c.convolve(out, x, b, block, line-b*lines, until-b*lines, weights, scratch)
			line = until
		}
	}
}

// convolve computes lines first to end of an image.
func (c *Circular) convolve(out, x []float32, b, block, first, end int, weights, scratch []float32) {
	whole := first
	if c.rows() == c.length() && c.used(block, first) == lanes {
		if whole = end; c.used(block, end-1) < lanes {
			whole--
		}
		c.convolveLines(out, x, b, block, first, whole, weights)
	}
	for line := whole; line < end; line++ {
		c.convolveLine(out, x, b, block, line, weights, scratch)
	}
}

// convolveLines computes lines first to end of whole blocks in place.
func (c *Circular) convolveLines(out, x []float32, b, block, first, end int, weights []float32) {
	from, aStep, aTile := c.place(c.InStride, b, block, first)
	to, outStep, outTile := c.place(c.OutStride, b, block, first)
	kernel, start, _ := c.parts(weights)
	c.sum(correlation{
		tiles: end - first, outTile: outTile, outStep: outStep, startStep: lanes, aTile: aTile, aStep: aStep,
	}, place{out, to}, place{start, 0}, place{x, from}, kernel)
}

// convolveLine computes one line through scratch: of fewer than sixteen channels, or shorter than a tile.
func (c *Circular) convolveLine(out, x []float32, b, block, line int, weights, scratch []float32) {
	n, used := c.length(), c.used(block, line)
	from, fromStep, _ := c.place(c.InStride, b, block, line)
	to, toStep, _ := c.place(c.OutStride, b, block, line)
	z, y := scratch[:n*lanes], scratch[n*lanes:]
	kernel, start, _ := c.parts(weights)
	packLanes(z, x[from:], n, fromStep, used)
	c.sum(correlation{tiles: 1, outStep: lanes, startStep: lanes, aStep: lanes}, place{y, 0}, place{start, 0}, place{z, 0}, kernel)
	unpackLanes(out[to:], y, n, toStep, used)
}

// sum computes the outputs of lines, tile by tile.
func (c *Circular) sum(s correlation, out, start, x place, kernel []float32) {
	n := c.length()
	s.rows, s.steps, s.bStep, s.bOut = 1, n, lanes, -lanes
	for o := 0; o < n; o += tileOutputs {
		o := max(0, min(o, n-tileOutputs)) // the last tile covers outputs of the one before it again, with the same sums
		s.run(out.plus(o*s.outStep), start.plus(o*s.startStep), x, nil, place{kernel, (c.rows() - 1 - o) * lanes})
	}
}

// pack lays out blocks lo to hi: the kernel as often round as the tiles reach, and what the sums start from. The
// embedding is convolved here: circ(x + pe, w) = circ(x, w) + circ(pe, w).
func (c Circular) pack(packed, w []float32, terms CircularTerms, direction, lo, hi int) {
	n := c.length()
	for block := lo; block < hi; block++ {
		kernel, start, row := c.parts(packed[block*c.packedBlock():][:c.packedBlock()])
		c.packRows(row, w, c.C, block)
		for i := range kernel[:len(kernel)/lanes] {
			k := direction * (i - (c.rows() - 1)) % n
			copy(kernel[i*lanes:][:lanes], row[(k+n)%n*lanes:])
		}
		clear(start)
		if terms.Embedding != nil {
			c.packRows(row, terms.Embedding, c.C, block)
			c.sum(correlation{tiles: 1, outStep: lanes, aStep: lanes}, place{start, 0}, place{zeros[:], 0}, place{row, 0}, kernel)
		}
		if terms.Table != nil {
			c.packRows(row, terms.Table, c.C, block)
			Binary(OpAdd, start[:n*lanes], start[:n*lanes], row)
		}
		if terms.Bias != nil {
			c.packRows(row, terms.Bias, 0, block)
			Binary(OpAdd, start[:n*lanes], start[:n*lanes], row)
		}
	}
}

var zeros [lanes]float32

// packRows lays out a block's channels of N rows, stride floats apart.
func (c *Circular) packRows(dst, rows []float32, stride, block int) {
	if !c.flat() {
		packLanes(dst, rows[block*lanes:], c.length(), stride, usedLanes(c.C, block))
		return
	}
	used := c.used(block, 0)
	clear(dst[:c.length()*lanes])
	for l := 0; l < used; {
		channel := (block*lanes + l) % c.C
		count := min(used-l, c.C-channel)
		for i := range c.length() {
			copy(dst[i*lanes+l:][:count], rows[i*stride+channel:])
		}
		l += count
	}
}

// parts returns the kernel, whose row rows-1 is its index 0, the starts of the sums, and room for N rows, of a packed
// block.
func (c *Circular) parts(block []float32) (kernel, start, spare []float32) {
	n, rows := c.length(), c.rows()
	k, s := (rows-1+n)*lanes, (2*rows-1+n)*lanes
	return block[:k], block[k:s], block[s:]
}

func (c *Circular) packedBlock() int { return (2*c.rows() - 1 + 2*c.length()) * lanes }

// span is the number of floats from the first channel of the first pixel to the last channel of the last.
func (c *Circular) span(stride int) int { return (c.Batch*c.H*c.W-1)*stride + c.C }

// length is N, and rows the outputs that tiles cover.
func (c *Circular) length() int {
	if c.Axis == Height {
		return c.H
	}
	return c.W
}
func (c *Circular) rows() int { return max(c.length(), tileOutputs) }

// flat says that a row's pixels follow each other without gaps and do not divide into blocks of sixteen channels, and
// the kernel does not run along the row: then blocks are cut from the whole row, W·C channels.
func (c *Circular) flat() bool {
	return c.Axis == Height && c.InStride == c.C && c.OutStride == c.C && c.C%lanes != 0
}

// blocks returns the number of blocks of channels. Of flat rows only blocks with different channels count; those with
// the same channels are lines of one block.
func (c *Circular) blocks() int {
	if c.flat() {
		return min(c.C/greatestCommonDivisor(c.C, lanes), blocksOf(c.W*c.C))
	}
	return blocksOf(c.C)
}

// lines returns the number of lines of an image that a block has.
func (c *Circular) lines(block int) int {
	switch {
	case c.flat():
		return ceilDivide(blocksOf(c.W*c.C)-block, c.blocks())
	case c.Axis == Height:
		return c.W
	default:
		return c.H
	}
}

// used returns the number of channels of a line of a block.
func (c *Circular) used(block, line int) int {
	if c.flat() {
		return usedLanes(c.W*c.C, line*c.blocks()+block)
	}
	return usedLanes(c.C, block)
}

// groups returns the number of groups that the lines of all images are split into.
func (c *Circular) groups() int {
	n, lines := c.length(), c.Batch*c.lines(0)
	return min(lines, ceilDivide(lines*n*n, unitProducts))
}

// place returns where a line of a block of an image begins, the distance of its pixels, and that of the next line.
func (c *Circular) place(stride, b, block, line int) (at, step, next int) {
	switch {
	case c.flat():
		step, next = c.W*stride, c.blocks()*lanes
	case c.Axis == Height:
		step, next = c.W*stride, stride
	default:
		step, next = stride, c.W*stride
	}
	return b*c.H*c.W*stride + block*lanes + line*next, step, next
}

func greatestCommonDivisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
