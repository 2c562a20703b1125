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
// and along W the same with the roles of i and j swapped. It is computed directly, N products an output.
//
// x and out may be some channels of wider tensors: neighbouring pixels are InStride and OutStride floats apart, and the
// slices begin at the first channel of the first pixel.
//
// Weights are packed once (Pack, in units of its own), then units are run in any order and split. A unit is sixteen channels of some
// lines of one image, where a line is what the kernel runs along.
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
const unitProducts = 1 << 15

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
func (c Circular) Units() int { return c.Batch * c.blocks() * c.groups() }

// ScratchSize returns the number of floats that Run needs.
func (c Circular) ScratchSize() int { return (c.length() + c.rows()) * lanes }

// Run computes units lo to hi of out from x.
func (c Circular) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(out, c.span(c.OutStride))
	mustHold(x, c.span(c.InStride))
	mustHold(packed, c.PackedSize())
	mustHold(scratch, c.ScratchSize())
	for u := lo; u < hi; u++ {
		group, block := u%c.groups(), u/c.groups()%c.blocks()
		b, lines := u/(c.groups()*c.blocks()), c.lines(block)
		first, end := group*lines/c.groups(), (group+1)*lines/c.groups()
		whole := first
		if c.rows() == c.length() {
			for whole < end && c.used(block, whole) == lanes {
				whole++
			}
		}
		weights := packed[block*c.packedBlock():][:c.packedBlock()]
		if whole > first {
			c.convolveLines(out, x, b, block, first, whole, weights)
		}
		for line := whole; line < end; line++ {
			c.convolveLine(out, x, b, block, line, weights, scratch)
		}
	}
}

// convolveLines computes lines first to end of whole blocks in place.
func (c *Circular) convolveLines(out, x []float32, b, block, first, end int, weights []float32) {
	n := c.length()
	from, aStep, aTile := c.place(c.InStride, b, block, first)
	to, outStep, outTile := c.place(c.OutStride, b, block, first)
	s := correlation{
		tiles: end - first, rows: 1, steps: n, outTile: outTile, outStep: outStep, startStep: lanes,
		aTile: aTile, aStep: aStep, bStep: lanes, bOut: -lanes,
	}
	for o := 0; o < n; o += tileOutputs {
		o := min(o, n-tileOutputs) // the last tile covers outputs of the one before it again, with the same sums
		w, embedding, start := c.parts(weights)
		s.run(place{out, to + o*outStep}, place{start, o * lanes}, place{x, from}, embedding, place{w, (c.rows() - 1 - o) * lanes})
	}
}

// convolveLine computes one line through scratch: of fewer than sixteen channels, or shorter than a tile.
func (c *Circular) convolveLine(out, x []float32, b, block, line int, weights, scratch []float32) {
	n, used := c.length(), c.used(block, line)
	from, fromStep, _ := c.place(c.InStride, b, block, line)
	to, toStep, _ := c.place(c.OutStride, b, block, line)
	z, y := scratch[:n*lanes], scratch[n*lanes:]
	packLanes(z, x[from:], n, fromStep, used)
	s := correlation{tiles: 1, rows: 1, steps: n, outStep: lanes, startStep: lanes, aStep: lanes, bStep: lanes, bOut: -lanes}
	for o := 0; o < n; o += tileOutputs {
		o := max(0, min(o, n-tileOutputs))
		w, embedding, start := c.parts(weights)
		s.run(place{y, o * lanes}, place{start, o * lanes}, place{z, 0}, embedding, place{w, (c.rows() - 1 - o) * lanes})
	}
	unpackLanes(out[to:], y, n, toStep, used)
}

// pack lays out blocks lo to hi: the kernel as often round as the tiles reach, the embedding, what the sums start from.
func (c Circular) pack(packed, w []float32, terms CircularTerms, direction, lo, hi int) {
	n := c.length()
	clear(packed[lo*c.packedBlock() : hi*c.packedBlock()])
	for block := lo; block < hi; block++ {
		kernel, embedding, start := c.parts(packed[block*c.packedBlock():][:c.packedBlock()])
		for l := range c.used(block, 0) {
			channel := (block*lanes + l) % c.C
			for r := range len(kernel) / lanes {
				k := direction * (r - (c.rows() - 1))
				kernel[r*lanes+l] = w[(k%n+n)%n*c.C+channel]
			}
			for i := range n {
				if terms.Embedding != nil {
					embedding[i*lanes+l] = terms.Embedding[i*c.C+channel]
				}
				if terms.Table != nil {
					start[i*lanes+l] += terms.Table[i*c.C+channel]
				}
				if terms.Bias != nil {
					start[i*lanes+l] += terms.Bias[channel]
				}
			}
		}
	}
}

// parts returns the kernel, the embedding and the starts of the sums of a packed block. Row rows-1 of the kernel is
// its index 0.
func (c *Circular) parts(block []float32) (kernel, embedding, start []float32) {
	n, rows := c.length(), c.rows()
	k, e := (rows-1+n)*lanes, (rows-1+2*n)*lanes
	return block[:k], block[k:e], block[e:]
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

// groups returns the number of groups of lines that an image's lines are split into.
func (c *Circular) groups() int {
	n := c.length()
	return min(c.lines(0), ceilDivide(c.lines(0)*n*n, unitProducts))
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
