package kernel

// CircularDense is the dense circular convolution of Fast-ParC along one axis of x [Batch, H, W, CIn], N = H or W long,
// with everything that is done to the result before it is written. Along H, with w [N, CIn, COut]:
//
//	out[b,i,j,o] = Σ_k Σ_c w[k,c,o] · x[b, (i+k) mod N, j, c]
//
// and along W the same with the roles of i and j swapped. It is computed directly, as a product of matrices: in a line
// that is continued with its own beginning, what an output sees begins one pixel after what its neighbour sees, so the
// rows of the left-hand side overlap and no patch is copied.
//
// x and out may be some channels of wider tensors: neighbouring pixels are InStride and OutStride floats apart, and the
// slices begin at the first channel of the first pixel. The residual lies as out does.
type CircularDense struct {
	Batch, H, W, CIn, COut int
	Axis                   Axis
	InStride, OutStride    int
	Epilogue
}

// bandTiles is about how many tiles of rows read a panel of the kernel one after the other.
const bandTiles = 8

// MultiplyAdds returns the number of multiply-adds of the sums.
func (c *CircularDense) MultiplyAdds() int {
	return c.lines() * c.length() * c.length() * c.CIn * c.COut
}

// PackedSize returns the number of floats that Pack writes.
func (c *CircularDense) PackedSize() int { return PackedBSize(c.length()*c.CIn, c.COut) }

// PackUnits returns the number of independent parts of Pack.
func (c *CircularDense) PackUnits() int { return 1 }

// PackScratchSize returns the number of floats that Pack needs.
func (c *CircularDense) PackScratchSize() int { return 0 }

// Pack lays out w [N, CIn, COut] for Run. Reversed turns it round about index 0, w[(-k) mod N], as the gradient of x
// needs it.
func (c *CircularDense) Pack(packed, w []float32, reversed bool, _, _ int, _ []float32) {
	tap := c.CIn * c.COut
	mustHold(w, c.length()*tap)
	rows := rowOffsets{channels: c.CIn, columns: c.length(), channel: c.COut, column: tap}
	if !reversed {
		packB(packed, w, c.length()*c.CIn, c.COut, rows, 1)
		return
	}
	t := level.tile()
	for k := range c.length() {
		rows := rowOffsets{base: (c.length() - k) % c.length() * tap, channels: c.CIn, columns: 1, channel: c.COut}
		for j := 0; j < c.COut; j += t.columns {
			width := roundUp(min(t.columns, c.COut-j), t.vector)
			part := packed[j*c.length()*c.CIn+k*c.CIn*width:]
			shifted := rows
			shifted.base += j
			packB(part, w, c.CIn, min(t.columns, c.COut-j), shifted, 1)
		}
	}
}

// Units returns the number of independent parts of the convolution: bands of lines, and of these blocks of columns.
func (c *CircularDense) Units() int { return c.bands() * c.columnBlocks() }

// ScratchSize returns the number of floats that Run needs.
func (c *CircularDense) ScratchSize() int { return min(c.bandLines(), c.lines()) * c.continued() }

// Run computes units lo to hi of out from x.
func (c *CircularDense) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(packed, c.PackedSize())
	for unit := lo; unit < hi; unit++ {
		first := unit / c.columnBlocks() * c.bandLines()
		end := min(first+c.bandLines(), c.lines())
		for line := first; line < end; line++ {
			c.continueLine(scratch[(line-first)*c.continued():][:c.continued()], x, line)
		}
		c.band(out, packed, first, end, unit%c.columnBlocks(), scratch)
	}
}

// continueLine copies a line of x and its first N-1 pixels after it.
func (c *CircularDense) continueLine(to, x []float32, line int) {
	pixel, step := c.place(line)
	for i := range c.length() {
		copy(to[i*c.CIn:][:c.CIn], x[(pixel+i*step)*c.InStride:])
	}
	copy(to[c.length()*c.CIn:], to)
}

// band computes some lines, continued in scratch, for a block of columns. Each panel of the kernel meets all lines while
// it is near.
func (c *CircularDense) band(out, packed []float32, first, end, block int, scratch []float32) {
	t, n, k := level.tile(), c.length(), c.length()*c.CIn
	depth, width := depthOf(k), c.columnBlock()
	_, step := c.place(0)
	for from := 0; from < k; from += depth {
		for j := block * width; j < min((block+1)*width, c.COut); j += t.columns {
			for line := first; line < end; line++ {
				pixel, _ := c.place(line)
				g := gemmBlock{Gemm: Gemm{M: n, N: c.COut, K: k, CRow: step * c.OutStride, Epilogue: c.Epilogue}, c: out[pixel*c.OutStride:], b: packed}
				if c.Residual != nil {
					g.Residual = c.Residual[pixel*c.OutStride:]
				}
				part := gemmPanel{
					a: scratch[(line-first)*c.continued()+from:], aRow: c.CIn, aCol: 1, aTile: t.rows * c.CIn,
					k: min(depth, k-from), cRow: g.CRow, rows: n,
				}
				if from > 0 || c.Accumulate {
					part.options |= optionAccumulate
				}
				g.panel(part, t, from, j, from+depth >= k, nil)
			}
		}
	}
}

// continued returns the number of floats of a line and what is put after it.
func (c *CircularDense) continued() int { return (2*c.length() - 1) * c.CIn }

func (c *CircularDense) bandLines() int { return ceilDiv(bandTiles*level.tile().rows, c.length()) }
func (c *CircularDense) bands() int     { return ceilDiv(c.lines(), c.bandLines()) }

// columnBlock returns the number of columns of a unit: all, or a part where there are few bands to share out.
func (c *CircularDense) columnBlock() int {
	return columnBlockSize(c.COut, min(4, ceilDiv(8, max(1, c.bands()))))
}
func (c *CircularDense) columnBlocks() int { return ceilDiv(c.COut, c.columnBlock()) }

// length returns the length of the axis, and lines the number of lines of all images.
func (c *CircularDense) length() int {
	if c.Axis == Height {
		return c.H
	}
	return c.W
}
func (c *CircularDense) lines() int { return c.Batch * c.H * c.W / c.length() }

// place returns the first pixel of a line and how many pixels on the next one is.
func (c *CircularDense) place(line int) (pixel, step int) {
	if c.Axis == Height {
		return line/c.W*c.H*c.W + line%c.W, c.W
	}
	return line * c.W, 1
}
