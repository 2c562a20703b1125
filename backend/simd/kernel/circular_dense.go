package kernel

// CircularDense is the dense circular convolution of Fast-ParC along one axis of x [Batch, H, W, CIn], N = H or W long,
// with everything that is done to the result before it is written. Along H, with w [N, CIn, COut]:
//
//	out[b,i,j,o] = Σ_k Σ_c w[k,c,o] · (x[b, (i+k) mod N, j, c] + pe[(i+k) mod N, c])
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
	return c.Lines() * c.length() * c.length() * c.CIn * c.COut
}

// PackedSize returns the number of floats that Pack writes.
func (c *CircularDense) PackedSize() int {
	return PackedBSize(c.length()*c.CIn, c.COut) + c.length()*c.CIn
}

// PackUnits returns the number of independent parts of Pack: taps.
func (c *CircularDense) PackUnits() int { return c.length() }

// PackScratchSize returns the number of floats that Pack needs.
func (c *CircularDense) PackScratchSize() int { return 0 }

// Pack lays out units lo to hi of w [N, CIn, COut] and of the embedding pe [N, CIn], which is added to x and may be nil,
// for Run. Reversed turns w round about index 0, w[(-k) mod N], as the gradient of x needs it.
func (c *CircularDense) Pack(packed, w, pe []float32, reversed bool, lo, hi int, _ []float32) {
	mustHold(packed, c.PackedSize())
	t, n := level.tile(), c.length()
	kernel, embedding := packed[:PackedBSize(n*c.CIn, c.COut)], packed[PackedBSize(n*c.CIn, c.COut):]
	for k := lo; k < hi; k++ {
		tap := k
		if reversed {
			tap = (n - k) % n
		}
		from := w[tap*c.CIn*c.COut:][:c.CIn*c.COut]
		for j := 0; j < c.COut; j += t.columns {
			columns := min(t.columns, c.COut-j)
			width := roundUp(columns, t.vector)
			PackB(kernel[j*n*c.CIn+k*c.CIn*width:], from[j:], c.CIn, columns, c.COut, 1)
		}
		if pe == nil {
			clear(embedding[k*c.CIn:][:c.CIn])
		} else {
			copy(embedding[k*c.CIn:][:c.CIn], pe[k*c.CIn:])
		}
	}
}

// Units returns the number of independent parts of the convolution: bands of lines, and of these blocks of columns.
func (c *CircularDense) Units() int { return c.bands() * c.columnBlocks() }

// ScratchSize returns the number of floats that Run needs.
func (c *CircularDense) ScratchSize() int { return min(c.bandLines(), c.Lines()) * c.continued() }

// Run computes units lo to hi of out from x.
func (c *CircularDense) Run(out, x, packed []float32, lo, hi int, scratch []float32) {
	mustHold(packed, c.PackedSize())
	embedding := packed[PackedBSize(c.length()*c.CIn, c.COut):]
	for unit := lo; unit < hi; unit++ {
		first := unit / c.columnBlocks() * c.bandLines()
		end := min(first+c.bandLines(), c.Lines())
		for line := first; line < end; line++ {
			c.continueLine(scratch[(line-first)*c.continued():][:c.continued()], x, embedding, line)
		}
		c.band(out, packed, first, end, unit%c.columnBlocks(), scratch)
	}
}

// continueLine takes a line of x with the embedding, and its first N-1 pixels after it.
func (c *CircularDense) continueLine(to, x, embedding []float32, line int) {
	pixel, step := c.place(line)
	for i := range c.length() {
		Binary(OpAdd, to[i*c.CIn:][:c.CIn], x[(pixel+i*step)*c.InStride:][:c.CIn], embedding[i*c.CIn:][:c.CIn])
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
func (c *CircularDense) bands() int     { return ceilDiv(c.Lines(), c.bandLines()) }

// columnBlock returns the number of columns of a unit: all, or a part where there are few bands to share out.
func (c *CircularDense) columnBlock() int {
	return columnBlockSize(c.COut, min(4, ceilDiv(8, max(1, c.bands()))))
}
func (c *CircularDense) columnBlocks() int { return ceilDiv(c.COut, c.columnBlock()) }

// Lines returns the number of lines of all images.
func (c *CircularDense) Lines() int { return c.Batch * c.H * c.W / c.length() }

func (c *CircularDense) length() int {
	if c.Axis == Height {
		return c.H
	}
	return c.W
}

// place returns the first pixel of a line and how many pixels on the next one is.
func (c *CircularDense) place(line int) (pixel, step int) {
	if c.Axis == Height {
		return line/c.W*c.H*c.W + line%c.W, c.W
	}
	return line * c.W, 1
}
